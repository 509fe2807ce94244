#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <type_traits>
#include <utility>
#include <variant>

#include "annals/assert.h"
#include "annals/await/rendezvous.h"

namespace annals {
inline namespace v1 {

/// How a task has ended: with a value, with an exception, or not yet.
template <class T>
class task_outcome {
 public:
  using value_type = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

  template <class... Arguments>
  void set_value(Arguments&&... arguments) {
    held_.template emplace<1>(std::forward<Arguments>(arguments)...);
  }
  void set_exception(std::exception_ptr thrown) noexcept {
    held_.template emplace<2>(std::move(thrown));
  }
  /// The exception; null when there is none.
  std::exception_ptr exception() const noexcept {
    const auto* thrown = std::get_if<2>(&held_);
    return thrown ? *thrown : nullptr;
  }
  /// Moves the value out, or throws the exception.
  T take() {
    if (auto* thrown = std::get_if<2>(&held_)) std::rethrow_exception(std::move(*thrown));
    if constexpr (!std::is_void_v<T>) return std::move(std::get<1>(held_));
  }

 private:
  std::variant<std::monostate, value_type, std::exception_ptr> held_{};
};

template <class T>
class task_promise;

/// A coroutine that starts when it is awaited, and whose end resumes who awaits it. There is no
/// scheduler: a task runs on the thread that awaits it, and after each `co_await` inside it where
/// what it awaited goes on.
///
/// `co_await` answers what the task returned, or throws what it threw. A task that never started,
/// or has ended, is destroyed with its parameters and results; of one that is suspended, what it
/// awaits says whether it may be destroyed: a call in flight may not (asserted), a wait of
/// notify_past may.
///
/// Threads: a value that moves; awaited once, by one coroutine. Who awaits goes on where the task
///          ended, or on its own thread when the task ended before it had suspended.
/// Cost:    one allocation, of the coroutine's frame. Tasks that end without suspending do not grow
///          the stack of who awaits them in a loop, whatever the compiler optimises.
/// Source:  lazy tasks as in P3552 and cppcoro; docs/adr/0021-coroutines.md.
template <class T = void>
class [[nodiscard("a task starts when it is awaited: co_await it")]] task {
 public:
  using promise_type = task_promise<T>;

  task(task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  task& operator=(task&& other) noexcept {
    std::swap(coroutine_, other.coroutine_);
    return *this;
  }
  ~task() {
    if (coroutine_) coroutine_.destroy();
  }

 private:
  friend promise_type;
  static_assert(!std::is_reference_v<T>, "a task returns a value");

  explicit task(std::coroutine_handle<promise_type> coroutine) noexcept : coroutine_(coroutine) {}

  struct awaiter {
    std::coroutine_handle<promise_type> coroutine;

    bool await_ready() const noexcept { return false; }
    // Starts the task from here, not by symmetric transfer: a loop over tasks that end at once then
    // needs no tail call, which g++ makes only when it optimises and no sanitizer is on.
    bool await_suspend(std::coroutine_handle<> awaiting) const {
      auto& meeting = coroutine.promise().meeting();
      coroutine.resume();
      return meeting.suspend(awaiting);
    }
    T await_resume() const { return coroutine.promise().outcome().take(); }
  };

 public:
  awaiter operator co_await() && noexcept {
    ANNALS_ASSERT(coroutine_ && coroutine_.promise().meeting().is_unused(),
                  "a task is awaited once, and not after it was moved from");
    return {coroutine_};
  }

 private:
  std::coroutine_handle<promise_type> coroutine_;
};

/// What the promises of all tasks share.
class task_promise_base {
 public:
  std::suspend_always initial_suspend() const noexcept { return {}; }

  struct final_awaiter {
    bool await_ready() const noexcept { return false; }
    // By symmetric transfer: who awaits goes on in place of the task, not on top of it.
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
      return ended.promise().meeting().answer();
    }
    void await_resume() const noexcept {}
  };
  final_awaiter final_suspend() const noexcept { return {}; }

  rendezvous& meeting() noexcept { return meeting_; }

 private:
  rendezvous meeting_{};
};

template <class T>
class task_promise : public task_promise_base {
 public:
  task<T> get_return_object() noexcept {
    return task<T>(std::coroutine_handle<task_promise>::from_promise(*this));
  }
  template <class Value = T>
    requires std::convertible_to<Value, T>
  void return_value(Value&& value) {
    outcome_.set_value(std::forward<Value>(value));
  }
  void unhandled_exception() noexcept { outcome_.set_exception(std::current_exception()); }
  task_outcome<T>& outcome() noexcept { return outcome_; }

 private:
  task_outcome<T> outcome_{};
};

template <>
class task_promise<void> : public task_promise_base {
 public:
  task<void> get_return_object() noexcept {
    return task<void>(std::coroutine_handle<task_promise>::from_promise(*this));
  }
  void return_void() { outcome_.set_value(); }
  void unhandled_exception() noexcept { outcome_.set_exception(std::current_exception()); }
  task_outcome<void>& outcome() noexcept { return outcome_; }

 private:
  task_outcome<void> outcome_{};
};

}  // namespace v1
}  // namespace annals
