#pragma once

#include <optional>
#include <vector>

#include "commit_log.h"
#include "indexer.h"
#include "log_index.h"
#include "log_scan.h"
#include "store_directory.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// What opening found in the log.
struct recovered_log {
  log_end end{};
  std::optional<repair_item> repaired{};  ///< when a torn tail was dropped
};

/// What the log's sealed segments are by `MANIFEST`, and how its last one ended.
struct sealed_beginning {
  std::shared_ptr<const sealed_context> context{};
  manifest content{};
  std::shared_ptr<const sealed_log> sealed{};
};
/// Reads `MANIFEST` and opens the runs that it names.
///
/// Errors:  store_corrupt naming the file that is missing or does not hold; store_too_new,
///          database_error.
result<sealed_beginning> open_beginning(const store_directory& directory, env& environment,
                                        role plays);

/// Reads the log behind what the index has sealed into it, checks that, and repairs a torn tail;
/// docs/format.md, "Opening". `through` is how the log will be written.
///
/// Errors:  store_corrupt with file, offset and positions; store_too_new, disk_full,
/// database_error.
result<recovered_log> recover_log(const store_directory& directory, env& environment,
                                  log_index& index, write_through through);

/// The numbers of the segments that are there, ascending.
///
/// Errors:  store_corrupt naming one that is missing, database_error.
result<std::vector<std::uint64_t>> list_segments(const store_paths& paths, env& environment);

/// The error of a log that cannot be relied on.
std::unexpected<error> corrupt_log(std::string message);

/// Where the segment before another one ended.
struct segment_end {
  lsn seal{};
  std::uint32_t seal_crc = 0;
  std::uint64_t next_sequence = 1;

  /// Behind the seal; 0: there is none.
  lsn place() const noexcept {
    return seal == lsn{} ? lsn{} : lsn::at(seal.segment(), seal.offset() + seal_frame_bytes);
  }
};
/// The end of the last sealed segment that has an index.
segment_end end_of(const sealed_log& sealed);
/// Whether a segment follows the one that ended so.
///
/// Errors:  store_corrupt, naming the path.
result<void> check_link(const segment_header& header, const std::string& path,
                        const segment_end& before);

/// Words for damage: where, what, and which positions are affected.
std::string describe_damage(const std::string& path, std::uint64_t offset, std::string_view what,
                            std::uint64_t first_position, const tail_facts& behind);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
