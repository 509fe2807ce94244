#pragma once

#include <atomic>
#include <coroutine>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>

#include "annals/await/call.h"
#include "annals/store.h"

/// The co_await forms of a store's calls. docs/coroutines.md says where a coroutine goes on.
namespace annals {
inline namespace v1 {

/// Appends events when awaited: `result<appended> done = co_await append(store, request);`
///
/// What the request points to must live until the coroutine has suspended or gone on; then the
/// store has taken what it needs. The request itself is copied.
///
/// Errors:  those of event_store::append, completion form: overloaded among them.
inline auto append(event_store& store, const append_request& request) {
  return await_call<appended, true>(
      [&store, request](completion<appended> done) { store.append(request, std::move(done)); });
}

/// Reads when awaited: `result<read_end> end = co_await read(store, request, sink);`
///
/// What the request points to must live as for append, the sink's own references until the
/// coroutine goes on.
///
/// Errors:  those of event_store::read; handler_failed with what the sink threw.
/// Threads: the sink runs inside the call or on the completion thread, before the coroutine goes
/// on.
template <class Request = read_request, class Sink>
  requires std::convertible_to<Request, const read_request&> && std::constructible_from<sink, Sink>
auto read(event_store& store, Request&& request, Sink&& on_batch) {
  return await_call < read_end,
         awaits_unnamed<Request> &&
             awaits_unnamed < Sink >> ([&store, request = std::forward<Request>(request),
                                        on_batch = sink(std::forward<Sink>(on_batch))](
                                           completion<read_end> done) mutable {
               store.read(request, std::move(on_batch), std::move(done));
             });
}

/// A wait of notify_past, begun when it is awaited; co_await answers the checkpoint told, or `seen`
/// when the wait was stopped.
///
/// A coroutine that waits may be destroyed, which ends the wait: where completions run, or where
/// nobody appends or asks for a stop meanwhile. From other threads ask for a stop instead.
///
/// Threads: awaited once, by one coroutine.
class [[nodiscard("a wait begins when it is awaited: co_await it")]] awaitable_notification {
 public:
  awaitable_notification(event_store& store, const checkpoint& seen, std::stop_token stop)
      : store_(store), seen_(seen), stop_(std::move(stop)) {}
  awaitable_notification(const awaitable_notification&) = delete;
  awaitable_notification& operator=(const awaitable_notification&) = delete;
  ~awaitable_notification() {
    // From here on an answer that comes finds nobody; the members' destructors wait for it to pass.
    ANNALS_ASSERT(
        !decided_.exchange(true) || taken_,
        "a coroutine was destroyed by one thread while another resumes it; ask for a stop");
  }

  /// What a coroutine waits on; points to the notification.
  struct awaiter {
    awaitable_notification* wait;

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> coroutine) const { return wait->begin(coroutine); }
    result<checkpoint> await_resume() const {
      wait->taken_ = true;
      return std::move(*wait->answer_);
    }
  };
  awaiter operator co_await() noexcept { return {this}; }

 private:
  struct stopper {
    awaitable_notification* wait;
    void operator()() const { wait->decide(wait->seen_); }
  };

  bool begin(std::coroutine_handle<> coroutine) {
    ANNALS_ASSERT(!handle_, "a notification is awaited once");
    handle_ =
        store_.notify_past(seen_, [this](result<checkpoint> told) { decide(std::move(told)); });
    if (stop_.stop_possible()) on_stop_.emplace(stop_, stopper{this});
    return meeting_.suspend(coroutine);
  }

  // The store and a stop may both have something to say; the first is heard.
  void decide(result<checkpoint> answer) {
    if (decided_.exchange(true)) return;
    answer_.emplace(std::move(answer));
    meeting_.answer().resume();
  }

  event_store& store_;
  checkpoint seen_;
  std::stop_token stop_;
  bool taken_ = false;
  std::atomic<bool> decided_{false};
  std::optional<result<checkpoint>> answer_{};
  rendezvous meeting_{};
  std::unique_ptr<wait_handle> handle_{};  // these two end first: they wait for who still decides
  std::optional<std::stop_callback<stopper>> on_stop_{};
};

/// Waits, when awaited, until the store holds something after `seen`:
/// `result<checkpoint> head = co_await notify_past(store, seen);` A hint, as the other form's.
///
/// Errors:  those of event_store::notify_past; shutting_down when the store is closed meanwhile.
/// Blocks:  not; ended by a store that moves on or is closed, and by destroying the coroutine.
inline awaitable_notification notify_past(event_store& store, const checkpoint& seen) {
  return {store, seen, std::stop_token()};
}
/// The same, and goes on with `seen` when a stop is asked for: then inside the request_stop() that
/// asks, or at once when one was.
inline awaitable_notification notify_past(event_store& store, const checkpoint& seen,
                                          std::stop_token stop) {
  return {store, seen, std::move(stop)};
}

}  // namespace v1
}  // namespace annals
