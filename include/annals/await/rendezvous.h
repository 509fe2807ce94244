#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>

namespace annals {
inline namespace v1 {

/// Lets a coroutine that suspends meet its answer: whoever comes second goes on with the coroutine.
/// An answer that comes before the coroutine has suspended therefore never resumes it from inside
/// the call that it waits for, and a million of them do not grow the stack.
///
/// Threads: suspend() from one, answer() from one.
/// Source:  docs/adr/0021-coroutines.md.
class rendezvous {
 public:
  /// Suspends the coroutine, for await_suspend to return: false when the answer is there already.
  /// When true, another thread may have resumed the coroutine, and destroyed this, meanwhile.
  bool suspend(std::coroutine_handle<> coroutine) noexcept {
    coroutine_ = coroutine;
    auto expected = state::running;
    return state_.compare_exchange_strong(expected, state::suspended, std::memory_order_acq_rel);
  }
  /// Says that the answer is there. Returns the coroutine to be resumed; one that does nothing when
  /// it has not suspended.
  std::coroutine_handle<> answer() noexcept {
    const auto before = state_.exchange(state::answered, std::memory_order_acq_rel);
    return before == state::suspended ? coroutine_ : std::noop_coroutine();
  }
  /// True before suspend() and answer().
  bool is_unused() const noexcept { return state_.load() == state::running; }
  /// True from suspend() to answer().
  bool is_awaited() const noexcept { return state_.load() == state::suspended; }

 private:
  enum class state : std::uint8_t { running, suspended, answered };

  std::coroutine_handle<> coroutine_{};
  std::atomic<state> state_{state::running};
};

}  // namespace v1
}  // namespace annals
