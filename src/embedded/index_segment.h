#pragma once

#include <functional>
#include <string>
#include <vector>

#include "index_run.h"
#include "manifest.h"
#include "recent_segment.h"
#include "sealed_log.h"
#include "segment_sum.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// A segment that this process has written from its beginning, and sealed: what indexing it would
/// find in its file. `content` is not added to any more.
struct sealed_content {
  std::shared_ptr<const recent_segment> content{};
  lsn seal{};
  std::uint32_t seal_crc = 0;  ///< header CRC of the seal
  std::uint64_t clock = 0;     ///< latest reading in it
  segment_sums sums{};
};

/// What indexing a sealed segment found.
struct indexed_segment {
  sealed_segment facts{};
  std::vector<run_slot> slots{};
  std::vector<std::string> types{};  ///< first used in it, in order
  std::vector<std::string> categories{};
};

/// Whether the store is still where it was opened: index files are found by their paths, and a
/// store that was moved away may have another one in its place.
///
/// Errors:  not_a_store; store_corrupt, database_error.
result<void> check_in_place(const sealed_context& context);

/// Reads a sealed segment from its file, checks all of it, and writes its index file. `before` is
/// the log of all segments before it.
///
/// Errors:  store_corrupt, disk_full, database_error.
/// Cost:    reads the segment twice; memory as segment_index_builder has.
result<indexed_segment> index_segment(const sealed_context& context, std::uint64_t number,
                                      const sealed_log& before);
/// The same from memory; the same bytes.
///
/// Errors:  disk_full, database_error, those of looking up in `before`.
/// Cost:    time and memory by terms and events; its file is not read.
result<indexed_segment> index_segment(const sealed_context& context, const sealed_content& of,
                                      const sealed_log& before);

/// True when all terms that a slot is of are those of a newer one, of the same hash and kind.
result<bool> are_same_term(const sealed_log& log, const run_slot& older, const run_slot& newer);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
