#pragma once

#include <atomic>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "annals/store.h"

/// What engines share: matching, retention, conflicts, the completion thread and notify_past. Only
/// for those who write an engine.
namespace annals {
inline namespace v1 {

/// True when the query selects an event of this type and these tags.
bool matches(const query& selects, std::string_view type,
             std::span<const std::string_view> tags) noexcept;
/// True when the filter selects an event of this category, type and tags.
bool matches(const read_filter& selects, std::string_view category, std::string_view type,
             std::span<const std::string_view> tags) noexcept;
/// True when the filter selects everything.
bool selects_all(const read_filter& filter) noexcept;

/// What retention has decided for one stream.
struct retention {
  version truncate_before{1};
  bool gone = false;
  std::chrono::microseconds max_age{0};  ///< zero: none
  std::uint64_t max_count = 0;           ///< zero: none

  /// A tombstone removes all events there are; lifting it does not bring them back.
  ///
  /// Errors:  invalid_argument for a truncation past the end or a negative age.
  result<void> change(const retention_change& wanted, version stream_version);
  /// Takes over the state that a stream has in another store.
  ///
  /// Errors:  invalid_argument where no change leads from here to there.
  result<void> become(const retained_stream& wanted, version stream_version);
  /// The state, as read_history tells it.
  retained_stream of(std::string_view stream) const noexcept {
    return {stream, truncate_before, gone, max_age, max_count};
  }
  /// True when an event is not to be shown any more.
  bool hides(version of_event, hlc recorded, version stream_version, time_point now) const noexcept;
  bool keeps_all() const noexcept {
    return truncate_before.number <= 1 && !gone && max_age.count() == 0 && max_count == 0;
  }
};

/// The event that refused an append, for messages and `error::why()`.
struct breaking_event {
  std::string stream{};
  annals::version version{};
  annals::position position{};  ///< sequence 0: none
  uuid event_id{};
};

/// The errors of refused appends, worded alike in every engine.
error version_conflict(std::size_t stream_index, const stream_write& write,
                       const breaking_event& newest);
error condition_failed(std::size_t condition_index, const breaking_event& matching);
error command_id_reused(const uuid& command_id, const command_record& first);
/// The error of a user's function that threw on a thread of ours, or where nobody could catch it.
error handler_failed(std::string_view doing, std::exception_ptr thrown);
error stream_is_gone(std::string_view stream, version at);
error stream_key_collision(std::string_view wanted, std::string_view holder);
error checkpoint_diverged(const checkpoint& seen, const store_info& info);
/// Of an imported event that is not the next one: what was expected in its place.
error does_not_follow(const imported_event& imported, std::uint64_t sequence,
                      std::uint64_t version);

/// The time-ordered id of a new event, made from the env's clock and randomness.
uuid make_event_id(env& environment);

/// Runs completions one after the other, on a thread that is started with the first. The destructor
/// runs what is left.
class completion_thread {
 public:
  explicit completion_thread(env& environment) : env_(environment) {}
  completion_thread(const completion_thread&) = delete;
  completion_thread& operator=(const completion_thread&) = delete;
  ~completion_thread();

  void post(std::move_only_function<void()> run);
  /// Posts many, in order, with one wake-up.
  void post_all(std::vector<std::move_only_function<void()>> runs);
  /// Blocks until everything posted before has run.
  void drain();

 private:
  void run();

  env& env_;
  std::mutex mutex_{};
  std::deque<std::move_only_function<void()>> queue_{};
  std::unique_ptr<thread> thread_{};
  std::atomic<std::uint32_t> changes_{0};  // parked on
  bool stopping_ = false;
};

/// The waits of notify_past: who waits for the store to move past what.
///
/// Threads: any. Completions run on the completion thread given.
class notifier {
 public:
  notifier(env& environment, completion_thread& completions)
      : env_(environment), completions_(completions) {}

  /// Waits until the head's sequence is greater than `sequence`; `head` is what it is now.
  std::unique_ptr<wait_handle> add(std::uint64_t sequence, const checkpoint& head,
                                   completion<checkpoint> done);
  /// Answers with an error, on the completion thread.
  std::unique_ptr<wait_handle> refuse(error problem, completion<checkpoint> done);
  /// The store has moved on.
  void advance(const checkpoint& head);
  /// True while somebody waits.
  bool has_waits();
  /// Answers every wait with an error.
  void fail(const error& problem);
  /// Answers every wait with shutting_down.
  void close();

 private:
  struct wait;
  class handle;
  void fire(std::shared_ptr<wait> one, result<checkpoint> answer);

  env& env_;
  completion_thread& completions_;
  std::mutex mutex_{};
  std::vector<std::shared_ptr<wait>> waits_{};
};

}  // namespace v1
}  // namespace annals
