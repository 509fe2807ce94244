#pragma once

#include <span>
#include <string>
#include <vector>

#include "snapshot_table.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// What stands in a snapshot file.
struct snapshot_file_content {
  std::uint64_t snapshots = 0;
  std::uint64_t size = 0;             ///< of the file, bytes
  std::uint64_t left = 0;             ///< bytes behind the last record that holds
  std::vector<std::string> damage{};  ///< in words; what is damaged is ignored
};
/// Reads all of a snapshot file.
///
/// Errors:  database_error.
result<snapshot_file_content> examine_snapshot_file(env& environment, const std::string& path,
                                                    const uuid& store_id);

/// Holds the table of snapshots against the records of these files: what is wrong, in words;
/// nothing when there is no table, or when the machine stopped while it was written.
///
/// Errors:  database_error.
result<std::vector<std::string>> examine_snapshot_table(env& environment, const store_paths& paths,
                                                        const uuid& store_id,
                                                        std::span<const std::uint64_t> files);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
