#pragma once

#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>

#include "annals/assert.h"
#include "annals/await/rendezvous.h"
#include "annals/requests.h"

/// What the co_await forms of calls are made of.
namespace annals {
inline namespace v1 {

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
/// True for compilers that destroy aggregates and lambdas twice which are made inside a co_await
/// expression (g++ 12.2 of Debian 12). Where it is true, co_await refuses to compile what would.
inline constexpr bool await_destroys_temporaries_twice = true;
#else
inline constexpr bool await_destroys_temporaries_twice = false;
#endif

/// True when an argument of this deduced type, `Argument&&`, may be made inside a co_await
/// expression whatever the compiler: it is a variable, or it has nothing to destroy.
template <class Argument>
inline constexpr bool awaits_unnamed =
    !await_destroys_temporaries_twice || std::is_lvalue_reference_v<Argument> ||
    std::is_trivially_destructible_v<std::remove_cvref_t<Argument>>;

/// A call that takes a completion, made when it is awaited; co_await answers its result.
///
/// The coroutine goes on inside the call's completion, or, when that ran before the coroutine had
/// suspended, on the thread that awaits, as if nothing had happened. What it may do there is what a
/// completion may do: start calls that complete, and not block.
///
/// Once awaited, the coroutine may not be destroyed before it goes on: what is in flight cannot be
/// taken back. That is asserted.
///
/// Threads: awaited once, by one coroutine. The coroutine may be of any type, see annals/task.h for
///          ours.
/// Cost:    one atomic exchange on either side; no allocation.
/// Source:  docs/adr/0021-coroutines.md.
template <class T, class Call, bool Unnamed>
class [[nodiscard("a call is made when it is awaited: co_await it")]] awaitable_call {
 public:
  explicit awaitable_call(Call call) : call_(std::move(call)) {}
  awaitable_call(const awaitable_call&) = delete;
  awaitable_call& operator=(const awaitable_call&) = delete;
  ~awaitable_call() {
    ANNALS_ASSERT(
        !meeting_.is_awaited(),
        "a coroutine was destroyed while its call is in flight; let it be answered first");
  }

  /// What a coroutine waits on; points to the call.
  struct awaiter {
    awaitable_call* call;

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> coroutine) const { return call->make(coroutine); }
    result<T> await_resume() const { return std::move(*call->answer_); }
  };
  awaiter operator co_await() & noexcept { return {this}; }
  awaiter operator co_await() && noexcept {
    static_assert(Unnamed,
                  "this compiler destroys arguments twice that are made inside co_await: "
                  "give the call a name first, auto call = execute(...); co_await call;");
    return {this};
  }

 private:
  bool make(std::coroutine_handle<> coroutine) {
    ANNALS_ASSERT(meeting_.is_unused(), "a call is awaited once");
    call_(completion<T>([this](result<T> answer) {
      answer_.emplace(std::move(answer));
      meeting_.answer().resume();
    }));
    return meeting_.suspend(coroutine);
  }

  Call call_;
  std::optional<result<T>> answer_{};
  rendezvous meeting_{};
};

/// Makes an awaitable of a function that makes the call with the completion it is given.
template <class T, bool Unnamed, class Call>
awaitable_call<T, Call, Unnamed> await_call(Call call) {
  return awaitable_call<T, Call, Unnamed>(std::move(call));
}

}  // namespace v1
}  // namespace annals
