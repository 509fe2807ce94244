#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "annals/embedded.h"
#include "annals/engine.h"
#include "group.h"
#include "segment_sum.h"
#include "segment_supply.h"
#include "shared_state.h"
#include "tail_image.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Where a log ends, as recovery found it or as it was left.
struct log_end {
  std::shared_ptr<segment> active{};
  std::uint64_t offset = first_frame_offset;
  std::uint32_t last_crc = 0;     ///< header CRC of the last frame
  std::uint32_t last_length = 0;  ///< of the last frame in this segment
  std::uint64_t frames = 0;       ///< in this segment
  std::uint64_t events = 0;       ///< in this segment
  std::uint64_t last_sequence = 0;
  uuid last_event{};
  std::uint64_t clock = 0;
  std::vector<std::byte> partial_block{};  ///< what stands in the last, unfinished block

  lsn place() const noexcept { return lsn::at(active->number(), offset); }
};

/// What the author of a frame decides about it; the rest is the log's.
struct frame_facts {
  frame_kind kind{};
  std::uint32_t events = 0;
  std::uint32_t items = 0;
  std::uint32_t items_crc = 0;
  std::uint64_t clock = 0;  ///< latest reading; 0: as before
  uuid last_event{};        ///< of its last event
};

/// A segment whose seal is durable.
struct sealed_end {
  std::uint64_t number = 0;
  lsn seal{};
  std::uint32_t seal_crc = 0;          ///< header CRC of the seal
  std::uint64_t clock = 0;             ///< latest reading up to there
  std::optional<segment_sums> sums{};  ///< none: it was not written from its beginning on
};

/// Group commit: frames are staged under the mutex into the open group; whoever waits leads, that
/// is writes the oldest group with one durable write, while the next one fills. One write in
/// flight, no timer. The first failed write ends all writing. "Durable" is what the options call
/// so.
///
/// Threads: any; calls marked "held" with `mutex()` held, the others without.
class commit_log : public std::enable_shared_from_this<commit_log> {
 public:
  struct place {
    std::byte* at = nullptr;  ///< of the frame
    lsn where{};
    std::uint32_t seed = 0;
  };

  /// `tells` is what readers in other processes hear from.
  commit_log(env& environment, store_paths paths, const embedded_options& options,
             const uuid& store_id, log_end end, std::unique_ptr<shared_state> tells,
             completion_thread& completions, notifier& waits);
  ~commit_log();

  std::mutex& mutex() noexcept { return mutex_; }

  // Held.
  bool has_room(std::size_t frame_bytes);
  /// Waits, without the mutex, until a frame of that size may fit; then ask again.
  result<void> make_room(std::unique_lock<std::mutex>& lock, std::size_t frame_bytes);
  /// True when a frame fits into what this segment holds back, for retention and for opening on a
  /// disk that is full.
  bool has_room_held_back(std::size_t frame_bytes) const noexcept;
  /// The place of the next frame; `has_room` must have said so, or `has_room_held_back`. Everything
  /// of the frame but its header is to be filled in before `stage`.
  place reserve(std::size_t frame_bytes, bool held_back = false);
  void stage(std::size_t frame_bytes, const frame_facts& facts);
  /// Lets an answer wait for everything staged. The log must not be quiet.
  void wait_for_staged(pending_answer answer);
  bool quiet() const noexcept { return groups_.empty(); }
  bool overloaded(std::size_t more_bytes) const noexcept;
  /// True when no answer is still to run, or running.
  bool all_answered() const noexcept { return unanswered_.load(std::memory_order_acquire) == 0; }
  /// For answers that go out without the log's help: when they are decided, begin, and have run.
  void count_answer() noexcept {
    in_flight_.fetch_add(1, std::memory_order_relaxed);
    unanswered_.fetch_add(1, std::memory_order_relaxed);
  }
  void uncount_answer() noexcept { in_flight_.fetch_sub(1, std::memory_order_relaxed); }
  void note_answered() noexcept { unanswered_.fetch_sub(1, std::memory_order_release); }
  const std::optional<error>& failure() const noexcept { return failure_; }
  std::uint64_t staged_sequence() const noexcept { return end_.last_sequence; }
  std::uint64_t clock() const noexcept { return end_.clock; }
  std::uint64_t durable_sequence() const noexcept { return durable_sequence_; }
  lsn durable() const noexcept { return durable_; }
  checkpoint durable_head() const;

  /// Leads until `done` is set. For callers whose answer was staged as lent, on the same thread.
  void lend(const std::atomic<std::uint32_t>& done);
  /// Makes everything staged durable, marks the end, and ends the threads. Call once, after staging
  /// has ended.
  result<log_end> close();

  const tail_image& tail() const noexcept { return image_; }
  /// Called, held, with every segment that is begun.
  std::move_only_function<void(std::shared_ptr<segment>)> on_new_segment{};
  /// Called, held, with every segment whose seal is durable.
  std::move_only_function<void(sealed_end)> on_sealed{};
  /// Held: true when a frame of that size begins a new segment.
  bool begins_segment(std::size_t frame_bytes) const noexcept { return !fits(frame_bytes); }

 private:
  using lock_type = std::unique_lock<std::mutex>;

  std::uint64_t capacity_for(std::size_t frame_bytes) const noexcept;
  bool fits(std::size_t frame_bytes) const noexcept;
  commit_group& open_group(std::size_t more_bytes);
  void new_group(std::size_t more_bytes);
  void grow(commit_group& group, std::size_t more_bytes);
  void close_group(commit_group& group);
  void rotate(std::size_t frame_bytes);
  void put_frame(commit_group& group, std::size_t frame_bytes, const frame_facts& facts);
  void stage_mark();
  void lead(lock_type& lock, const std::atomic<std::uint32_t>* done);
  void write_front(lock_type& lock);
  result<void> write(commit_group& group);
  result<void> name_successor(segment& next);
  void sum(commit_group& group);
  void publish(commit_group& group, const result<void>& written);
  void answer(std::shared_ptr<commit_group> group);
  void run_answers(commit_group& group, bool lent);
  void hand_over();
  void wake_io();
  void run_io();
  void mark_when_idle();
  void mark_if_idle(lsn end_then);

  env& env_;
  store_paths paths_;
  std::uint64_t segment_bytes_;
  bool flushes_;  // what is acknowledged; else the operating system does, and seals are flushed
  uuid store_id_;
  completion_thread& completions_;
  notifier& notifier_;
  std::unique_ptr<shared_state> state_;
  segment_supply supply_;
  tail_image image_;
  std::optional<segment_summing> summing_{};  // of the segment that is written; the leader's

  mutable std::mutex mutex_{};
  log_end end_;                            // of what is staged
  std::shared_ptr<aligned_bytes> page_{};  // groups are staged in it
  std::size_t page_used_ = 0;
  std::deque<std::shared_ptr<commit_group>> groups_{};  // oldest first, the one in flight included
  bool leading_ = false;
  std::optional<error> failure_{};
  lsn durable_{};  // acknowledged
  lsn flushed_{};  // and for certain on disk: what frames prove
  std::uint64_t durable_sequence_ = 0;
  uuid durable_event_{};
  lsn marked_{};  // a frame ends here that proves all before it, and holds nothing
  bool mark_posted_ = false;
  bool supply_asked_ = false;
  bool stopping_ = false;

  std::atomic<std::uint32_t> in_flight_{0};   // answers that have not begun to run
  std::atomic<std::uint32_t> unanswered_{0};  // those, and those that run
  std::atomic<std::uint64_t> in_flight_bytes_{0};
  std::unique_ptr<thread> io_thread_{};
  bool io_awake_ = false;
  std::atomic<std::uint32_t> io_word_{0};     // the I/O thread parks on it
  std::atomic<std::uint32_t> quiet_word_{0};  // close() parks on it
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
