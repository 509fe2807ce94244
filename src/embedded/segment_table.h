#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "segment.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// The segments that readers may need, by number.
///
/// Threads: any.
class segment_table {
 public:
  /// Adds the next segment, or puts another view of a segment in the place of the one before.
  void add(std::shared_ptr<segment> next) {
    const std::scoped_lock lock(mutex_);
    const auto index = static_cast<std::size_t>(next->number() - 1);
    if (index == segments_.size()) segments_.emplace_back();
    segments_[index] = std::move(next);
  }
  /// A segment that holds events.
  std::shared_ptr<segment> number(std::uint64_t number) const {
    const std::scoped_lock lock(mutex_);
    return segments_[static_cast<std::size_t>(number - 1)];
  }

 private:
  mutable std::mutex mutex_{};
  std::vector<std::shared_ptr<segment>> segments_{};  // from number 1
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
