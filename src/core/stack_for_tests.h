#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

#include "annals/env.h"

namespace annals {
inline namespace v1 {

/// How far apart the stack frames were that looked, per thread, in bytes. Real frames: sanitizers
/// move variables elsewhere.
class stack_watch {
 public:
  [[gnu::noinline]] void look() {
    const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    const std::scoped_lock lock(mutex_);
    auto& [low, high] = seen_.try_emplace(&thread_state::current(), here, here).first->second;
    if (here < low) low = here;
    if (here > high) high = here;
  }
  /// Of the thread where it was most.
  std::size_t growth() {
    const std::scoped_lock lock(mutex_);
    std::size_t most = 0;
    for (const auto& [thread, range] : seen_)
      if (range.second - range.first > most) most = range.second - range.first;
    return most;
  }

 private:
  std::mutex mutex_{};
  std::map<const void*, std::pair<std::uintptr_t, std::uintptr_t>> seen_{};
};

/// What a loop may need: some frames, whatever the number of rounds; far less than a stack.
inline constexpr std::size_t bounded_stack = 16U << 10U;  // bytes

}  // namespace v1
}  // namespace annals
