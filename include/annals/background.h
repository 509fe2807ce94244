#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

#include "annals/env.h"

namespace annals {
inline namespace v1 {

/// Nothing to do, for so long at most; for as long as nobody wakes, when no time is given.
struct idle {
  std::optional<std::chrono::nanoseconds> at_most{};
};

/// For those who write an engine. What a background thread runs: steps, one after the other, until
/// `stopping` is set. A step that found nothing to do says so, and the thread is parked on
/// `changes`.
///
/// Whoever sets `stopping`, or makes something to do, counts `changes` up after that, and wakes
/// those who are parked on it. So `changes` is read first: what comes later than any look below
/// has changed it, and parking returns at once.
///
/// `stopping` is asked like a std::atomic<bool>; `step` answers std::optional<idle>.
template <class Stopping, class Step>
void work_until(const Stopping& stopping, const std::atomic<std::uint32_t>& changes,
                env& environment, Step&& step) {
  for (;;) {
    const auto seen = changes.load();
    if (stopping) return;
    if (const std::optional<idle> nothing = step())
      environment.park(changes, seen, nothing->at_most);
  }
}

}  // namespace v1
}  // namespace annals
