#pragma once

#include <span>
#include <string>
#include <vector>

#include "annals/env.h"
#include "segment.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Copies a stretch of a segment into `lost/`, durably, and gives the path of the copy.
///
/// Errors:  disk_full, database_error.
result<std::string> copy_aside(const store_paths& paths, env& environment, file& from,
                               const segment_header& header, std::uint64_t begin,
                               std::uint64_t end);

/// Moves files of one folder into `lost/`, in their order, durably, and gives their paths there.
/// After an error, or a crash, some may have been moved.
///
/// Errors:  database_error.
result<std::vector<std::string>> move_aside(const store_paths& paths, env& environment,
                                            const std::vector<std::string>& files);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
