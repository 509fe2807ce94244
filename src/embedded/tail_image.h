#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "segment.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// A part of the log in memory. The page lives as long as somebody holds it.
struct log_stretch {
  lsn begin{};
  lsn end{};
  const std::byte* data = nullptr;  // of `begin`
  std::shared_ptr<const aligned_bytes> page{};
};

/// The newest part of the log in memory: what was just written is read from here. Its pages are
/// those that groups were staged in; beyond the budget the oldest go back to be staged in again.
///
/// Units:   a budget of bytes of pages, which have 1 MiB or, for greater groups, their size.
/// Threads: any.
class tail_image {
 public:
  static constexpr std::size_t page_bytes = 1U << 20U;
  static constexpr std::size_t least = 2U << 20U;  // bytes
  static constexpr std::size_t most = 8U << 20U;

  /// Of a log with segments of that size, in proportion, from `least` to `most`.
  static std::size_t budget_for(std::uint64_t segment_bytes) noexcept {
    return static_cast<std::size_t>(std::clamp<std::uint64_t>(segment_bytes / 8, least, most));
  }
  tail_image() = default;
  explicit tail_image(std::size_t budget) : budget_(budget) {}

  /// A page of at least so many bytes, recycled where possible.
  std::shared_ptr<aligned_bytes> page(std::size_t bytes);
  void add(log_stretch written);
  std::optional<log_stretch> find(lsn place) const;
  /// Where the oldest of it begins; none when there is nothing.
  std::optional<lsn> begin() const;
  /// All of it up to a place, where a stretch ends; ascending.
  std::vector<log_stretch> up_to(lsn end) const;

 private:
  struct free_pages {
    std::mutex mutex{};
    std::vector<std::unique_ptr<aligned_bytes>> pages{};
  };

  const std::size_t budget_ = most;
  mutable std::mutex mutex_{};
  std::deque<log_stretch> stretches_{};  // ascending
  std::size_t held_ = 0;                 // bytes of their pages
  std::shared_ptr<free_pages> free_ = std::make_shared<free_pages>();
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
