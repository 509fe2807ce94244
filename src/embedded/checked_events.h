#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "format.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Which events of a segment were checked in the memory where they are read: a bit for each 64
/// bytes, set when the event that begins there holds, and the front of its frame.
///
/// Units:   a 512th of the segment's size; what is never set costs nothing.
/// Threads: any, once there is room.
class checked_events {
 public:
  /// Before any other call; nothing is noted where memory is missing.
  void make_room(std::uint64_t segment_bytes) {
    words_.reset(static_cast<std::uint64_t*>(
        std::calloc(static_cast<std::size_t>(segment_bytes / bytes_per_word + 1), sizeof(word))));
  }
  bool has(std::uint64_t offset) const noexcept {
    return words_ &&
           (std::atomic_ref(words_[index(offset)]).load(std::memory_order_acquire) & bit(offset));
  }
  void add(std::uint64_t offset) noexcept {
    if (words_)
      std::atomic_ref(words_[index(offset)]).fetch_or(bit(offset), std::memory_order_release);
  }

 private:
  using word = std::uint64_t;
  static constexpr std::uint64_t bytes_per_bit = 64;
  static constexpr std::uint64_t bytes_per_word = bytes_per_bit * 64;
  static_assert(sizeof(event_item) >= bytes_per_bit, "no two events share a bit");

  static std::size_t index(std::uint64_t offset) noexcept {
    return static_cast<std::size_t>(offset / bytes_per_word);
  }
  static word bit(std::uint64_t offset) noexcept { return word{1} << offset / bytes_per_bit % 64; }
  struct free_words {
    void operator()(word* words) const noexcept { std::free(words); }
  };

  std::unique_ptr<word[], free_words> words_{};  // pages that are not touched are not resident
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
