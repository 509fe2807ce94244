#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>

namespace annals {
inline namespace v1 {
namespace embedded {

using progress_function = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// Bytes that were read, counted by all who read and told by one.
///
/// Threads: `add` by any, the rest by one.
class byte_count {
 public:
  static constexpr std::uint64_t between_reports = 4U << 20U;  // bytes

  explicit byte_count(const progress_function& progress) : progress_(progress) {}

  void expect(std::uint64_t bytes) noexcept { total_ += bytes; }
  void add(std::uint64_t bytes) noexcept { done_ += bytes; }
  /// Tells, when there is enough to tell.
  void report() {
    const auto done = std::min(done_.load(), total_);
    if (!progress_ || done - reported_ < between_reports) return;
    reported_ = done;
    progress_(done, total_);
  }
  void finish() const {
    if (progress_) progress_(total_, total_);
  }

 private:
  const progress_function& progress_;
  std::uint64_t total_ = 0;
  std::uint64_t reported_ = 0;
  std::atomic<std::uint64_t> done_{0};
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
