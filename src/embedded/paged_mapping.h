#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "annals/env.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// A mapped file that knows which pages were fetched: asking the system costs as much as reading
/// some events.
///
/// Threads: any.
class paged_mapping {
 public:
  static constexpr std::uint64_t page_bytes = 4096;

  paged_mapping(std::unique_ptr<mapping> of, std::uint64_t length);

  const std::byte* data() const noexcept { return bytes_; }
  mapping& whole() const noexcept { return *mapped_; }
  /// Brings a range into memory, what of it was not fetched before. Pages that reach behind
  /// `settled`, up to where the file does not change any more, are fetched each time.
  ///
  /// Errors:  database_error.
  result<void> fetch(std::uint64_t offset, std::uint64_t length,
                     std::uint64_t settled = UINT64_MAX) const;
  bool is_fetched(std::uint64_t offset) const noexcept {
    const auto page = offset / page_bytes;
    return (pages_[page / bits].load(std::memory_order_relaxed) >> page % bits & 1U) != 0;
  }
  /// Whether what was looked at was what the file holds; see mapping::check.
  result<void> check() const { return mapped_->check(); }

 private:
  static constexpr std::uint64_t bits = 64;

  std::unique_ptr<mapping> mapped_;
  const std::byte* bytes_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> pages_;  // a bit for each that was fetched
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
