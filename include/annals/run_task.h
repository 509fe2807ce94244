#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

#include "annals/assert.h"
#include "annals/env.h"
#include "annals/store.h"
#include "annals/task.h"

/// How tasks are run from code that is no coroutine: to the end, or on their own.
namespace annals {
inline namespace v1 {

/// A coroutine that starts when it is called and destroys itself at its end.
struct detached_coroutine {
  struct promise_type {
    detached_coroutine get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
  };
};

/// Runs a task, destroys it, and calls `finish` with its outcome, where the task has ended.
template <class T, class Finish>
detached_coroutine run_detached(task<T> work, Finish finish) {
  task_outcome<T> outcome;
  {
    auto running = std::move(work);
    try {
      if constexpr (std::is_void_v<T>) {
        co_await std::move(running);
        outcome.set_value();
      } else {
        outcome.set_value(co_await std::move(running));
      }
    } catch (...) {
      outcome.set_exception(std::current_exception());
    }
  }
  finish(outcome);
}

/// Runs a task to its end and returns its value, or throws what it threw. For main() and tests.
///
/// Blocks:  the calling thread, parked in `environment`, until the task has ended; not to be called
///          inside a completion or a coroutine that goes on there (asserted).
/// Source:  P2300, this_thread::sync_wait.
template <class T>
T sync_wait(task<T> work, env& environment) {
  ANNALS_ASSERT(!inside_completion(), "sync_wait inside a completion; co_await the task there");
  task_outcome<T> outcome;
  std::atomic<std::uint32_t> ended{0};
  run_detached(std::move(work), [&](task_outcome<T>& came) {
    outcome = std::move(came);
    ended.store(1, std::memory_order_release);
    environment.wake_all(ended);  // after the store nothing here is touched but its address
  });
  while (ended.load(std::memory_order_acquire) == 0) environment.park(ended, 0);
  return outcome.take();
}

/// What is told of a detached task: the result it returned; of other tasks a result of their value.
template <class T>
struct told_of_task {
  using type = result<T>;
};
template <class T>
struct told_of_task<result<T>> {
  using type = result<T>;
};

/// The error of a task that threw where nobody awaits it: handler_failed, with what it said.
error detached_task_failed(std::exception_ptr thrown);

/// Starts a task on this thread and returns when it first suspends. `done` is called once, after
/// the task has ended and was destroyed: a server starts a thousand of them so.
///
/// Errors:  handler_failed when the task threw.
/// Threads: `done` runs as a completion does (annals/store.h), where the task has ended.
template <class T>
void start_detached(task<T> work,
                    std::move_only_function<void(typename told_of_task<T>::type)> done) {
  using told = typename told_of_task<T>::type;
  run_detached(std::move(work), [done = std::move(done)](task_outcome<T>& came) mutable {
    auto answer = [&]() -> told {
      if (auto thrown = came.exception()) return std::unexpected(detached_task_failed(thrown));
      if constexpr (std::is_void_v<T>)
        return {};
      else
        return came.take();
    }();
    complete([done = std::move(done), answer = std::move(answer)]() mutable {
      done(std::move(answer));
    });
  });
}

}  // namespace v1
}  // namespace annals
