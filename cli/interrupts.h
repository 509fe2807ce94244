#pragma once

#include <atomic>
#include <cstdint>

/// SIGINT and SIGTERM, for verbs that have something to finish first.
namespace annals_cli {

/// From now on the first of these signals only sets the flag below, and raises and wakes `news` for
/// a thread that is parked on it; the second ends at once.
void watch_interrupts(std::atomic<std::uint32_t>* news = nullptr);
/// True once the program was told to stop.
bool is_interrupted() noexcept;
/// Ends the process by the signal that came, as if nobody had caught it, so that a shell sees what
/// it expects. Returns when none came.
void end_by_interrupt();

}  // namespace annals_cli
