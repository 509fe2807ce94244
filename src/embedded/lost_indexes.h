#pragma once

#include <functional>
#include <vector>

#include "mapped_segment.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Index files that are missing, or do not hold.
struct lost_indexes {
  std::vector<std::uint64_t> segments{};  ///< whose index file it is, ascending
  std::vector<known_run> runs{};          ///< oldest first

  bool empty() const noexcept { return segments.empty() && runs.empty(); }
};

/// Those that a manifest names, and that are not there.
///
/// Errors:  database_error.
result<lost_indexes> find_missing_indexes(const sealed_context& context, const manifest& content);

/// Makes these files anew and no others; `progress` hears of each segment that is read. What a
/// segment's index says of earlier segments, theirs are asked for; a run is made from all of its
/// segments. False when a file is not the one that the manifest names, byte for byte: then all
/// have to be made anew.
///
/// Errors:  store_corrupt naming a segment that does not hold; disk_full, database_error.
result<bool> remake_indexes(const std::shared_ptr<const sealed_context>& context,
                            const manifest& content, const lost_indexes& lost,
                            const std::function<void(std::uint64_t)>& progress);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
