#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "annals/env.h"

namespace annals {
inline namespace v1 {

/// Runs tasks when their time has come, on one thread that is started with the first task.
///
/// Threads: post() from any thread. The destructor drops what is not yet due.
class timer {
 public:
  explicit timer(env& environment) : env_(environment) {}
  timer(const timer&) = delete;
  timer& operator=(const timer&) = delete;
  ~timer();

  /// `due` by env::monotonic().
  void post(std::chrono::nanoseconds due, std::move_only_function<void()> task);

 private:
  void run();
  /// The first task that is due, or how long until there is one (none: no task).
  std::move_only_function<void()> take_due(std::optional<std::chrono::nanoseconds>& until_next);

  env& env_;
  std::mutex mutex_{};
  std::multimap<std::chrono::nanoseconds, std::move_only_function<void()>> tasks_{};
  std::atomic<std::uint32_t> changes_{0};  // parked on
  std::atomic<bool> stopping_{false};
  std::unique_ptr<thread> thread_{};
};

}  // namespace v1
}  // namespace annals
