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
  void add(std::shared_ptr<segment> next) {
    const std::scoped_lock lock(mutex_);
    segments_.push_back(std::move(next));
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
