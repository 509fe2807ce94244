// Leading: how staged groups reach the disk, and how answers go out. See commit_log.h.
#include <algorithm>

#include "annals/assert.h"
#include "bytes.h"
#include "commit_log.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

// After so much idleness the end of the log is marked as acknowledged.
constexpr std::chrono::seconds idle_before_mark{1};

// The group that the answer of this thread's lent append waits for, from staging to lend().
thread_local std::shared_ptr<commit_group> lent_to;

error in_doubt(const error& cause) {
  return {errc::in_doubt, "it may or may not have been stored (" + cause.message() +
                              "); open the store again and send the same command id"};
}

error store_failed(const error& cause) {
  return {errc::store_failed, "nothing was stored: an earlier write failed (" + cause.message() +
                                  "); open the store again"};
}

}  // namespace

void commit_log::wait_for_staged(pending_answer answer) {
  ANNALS_ASSERT(!groups_.empty(), "nothing is staged that an answer could wait for");
  auto& group = groups_.back();
  if (answer.counted) {
    count_answer();
    in_flight_bytes_.fetch_add(answer.bytes, std::memory_order_relaxed);
  }
  const bool lent = answer.lent;
  group->waiting.push_back(std::move(answer));
  if (lent) {
    group->lent = true;
    lent_to = group;
  } else if (!leading_) {
    wake_io();
  }
}

void commit_log::lend(const std::atomic<std::uint32_t>& done) {
  const auto group = std::move(lent_to);
  lent_to.reset();
  ANNALS_ASSERT(group, "a thread is lent by the append that it staged");
  while (done.load(std::memory_order_acquire) == 0) {
    lock_type lock(mutex_);
    if (!leading_ && !groups_.empty()) {
      lead(lock, &done);
      continue;
    }
    const auto seen = group->word.load();
    lock.unlock();
    // The leader sets `done` before it changes the word: seen together, nothing is missed.
    if (done.load(std::memory_order_acquire) == 0) env_.park(group->word, seen);
  }
}

void commit_log::lead(lock_type& lock, const std::atomic<std::uint32_t>* done) {
  leading_ = true;
  while (!groups_.empty() && (done == nullptr || done->load(std::memory_order_acquire) == 0))
    write_front(lock);
  leading_ = false;
  hand_over();
}

void commit_log::write_front(lock_type& lock) {
  auto group = groups_.front();
  close_group(*group);
  if (!failure_) {
    lock.unlock();
    const auto written = write(*group);
    lock.lock();
    publish(*group, written);
  } else {
    for (auto& one : group->waiting) one.answer = std::unexpected(store_failed(*failure_));
  }
  groups_.pop_front();
  const auto head = durable_head();
  const bool failed = failure_.has_value();
  lock.unlock();
  if (!failed) {
    state_->wake_waiting();
    notifier_.advance(head);
  }
  answer(std::move(group));
  lock.lock();
}

result<void> commit_log::write(commit_group& group) {
  if (group.successor)
    if (auto named = name_successor(*group.successor); !named) return named;
  const std::size_t whole = round_up(group.used, group.into->write_unit());
  auto written = group.into->writer->write_at(group.base, {group.memory, whole});
  // Only the segment that is written may be torn: indexes and later segments rely on those before.
  if (written && group.successor && !flushes_) written = group.into->writer->sync();
  if (written) sum(group);
  return written;
}

// While the bytes are at hand: the segment's index needs no reading of its file.
void commit_log::sum(commit_group& group) {
  if (summing_) summing_->add({group.memory + group.prefix, group.used - group.prefix});
  if (!group.successor) return;
  if (summing_) group.sums = summing_->finish();
  const auto header = header_block(group.successor->header);
  summing_.emplace().add({header.data(), header.size()});
}

// Before the seal is written, so that a sealed segment always has its successor.
result<void> commit_log::name_successor(segment& next) {
  const auto block = header_block(next.header);
  auto written = next.writer->write_at(0, {block.data(), block.size()});
  if (written && !flushes_) written = next.writer->sync();
  if (written) written = env_.rename(paths_.zeroed(next.number()), next.path);
  if (written) written = env_.sync_directory(paths_.log());
  if (!written) return written;
  auto reader = env_.open(next.path, file_mode::read, write_through::none);
  if (!reader) return std::unexpected(reader.error());
  next.reader = std::move(*reader);
  return {};
}

void commit_log::publish(commit_group& group, const result<void>& written) {
  if (!written) {
    failure_ = written.error();
    for (auto& one : group.waiting) one.answer = std::unexpected(in_doubt(*failure_));
    return;
  }
  const auto begin = lsn::at(group.into->number(), group.base + group.prefix);
  const auto end = lsn::at(group.into->number(), group.base + group.used);
  image_.add({begin, end, group.memory + group.prefix, group.page});
  durable_ = end;
  if (flushes_ || group.successor) flushed_ = end;
  durable_sequence_ = group.last_sequence;
  durable_event_ = group.last_event;
  state_->publish(durable_);  // before any answer: a reader that hears of one finds it
  if (group.successor && on_sealed) {
    const auto& next = group.successor->header;
    on_sealed({.number = group.into->number(),
               .seal = next.previous_seal,
               .seal_crc = next.previous_crc,
               .clock = next.clock,
               .sums = std::move(group.sums)});
  }
  mark_when_idle();
}

void commit_log::answer(std::shared_ptr<commit_group> group) {
  run_answers(*group, true);
  if (group->lent) {
    group->word.fetch_add(1);
    env_.wake_all(group->word);
  }
  const bool others = std::ranges::any_of(group->waiting, [](const auto& w) { return !w.lent; });
  if (!others) return;
  completions_.post(
      [self = shared_from_this(), group = std::move(group)] { self->run_answers(*group, false); });
}

// What was in flight is counted off first: a completion that appends again finds room.
void commit_log::run_answers(commit_group& group, bool lent) {
  for (auto& one : group.waiting) {
    if (one.lent != lent) continue;
    if (one.counted) {
      in_flight_bytes_.fetch_sub(one.bytes, std::memory_order_relaxed);
      in_flight_.fetch_sub(1, std::memory_order_relaxed);
    }
    one.done(std::move(one.answer));
    one.done = {};
    if (one.counted) note_answered();
  }
}

void commit_log::hand_over() {
  quiet_word_.fetch_add(1);
  // The I/O thread may be gone by now: close() leads what is left.
  if (stopping_) env_.wake_all(quiet_word_);
  if (groups_.empty()) return;
  auto& next = *groups_.front();
  if (!next.lent) return wake_io();
  next.word.fetch_add(1);
  env_.wake_one(next.word);
}

void commit_log::wake_io() {
  if (!io_thread_) io_thread_ = env_.spawn("annals-io", [this] { run_io(); });
  if (io_awake_) return;
  io_awake_ = true;
  io_word_.fetch_add(1);
  env_.wake_one(io_word_);
}

void commit_log::run_io() {
  lock_type lock(mutex_);
  for (;;) {
    io_awake_ = true;
    if (!leading_ && !groups_.empty()) {
      lead(lock, nullptr);
      continue;
    }
    if (stopping_) return;
    io_awake_ = false;
    const auto seen = io_word_.load();
    lock.unlock();
    env_.park(io_word_, seen);
    lock.lock();
  }
}

void commit_log::mark_when_idle() {
  if (mark_posted_ || stopping_ || durable_ == marked_ || !flushes_) return;
  mark_posted_ = true;
  env_.post(idle_before_mark, [log = weak_from_this(), end = end_.place()] {
    if (const auto self = log.lock()) self->mark_if_idle(end);
  });
}

void commit_log::mark_if_idle(lsn end_then) {
  const lock_type lock(mutex_);
  mark_posted_ = false;
  if (stopping_ || failure_ || durable_ == marked_) return;
  if (end_.place() != end_then || !groups_.empty()) return mark_when_idle();
  if (!fits(sizeof(frame_header))) return;  // the segment's next frame, a seal, will do
  stage_mark();
  wake_io();
}

void commit_log::stage_mark() {
  reserve(sizeof(frame_header));
  stage(sizeof(frame_header), {.kind = frame_kind::mark, .items_crc = end_.active->seed()});
}

result<log_end> commit_log::close() {
  std::unique_ptr<thread> io;
  {
    lock_type lock(mutex_);
    stopping_ = true;
    for (;;) {
      if (leading_) {
        const auto seen = quiet_word_.load();
        lock.unlock();
        env_.park(quiet_word_, seen);
        lock.lock();
      } else if (!groups_.empty()) {
        lead(lock, nullptr);
      } else if (!failure_ && flushes_ && durable_ != marked_ && fits(sizeof(frame_header))) {
        stage_mark();
      } else {
        break;
      }
    }
    io = std::move(io_thread_);
    io_word_.fetch_add(1);
  }
  env_.wake_all(io_word_);
  io.reset();  // joins
  supply_.stop();
  const lock_type lock(mutex_);
  if (!failure_ && !flushes_)
    if (const auto flushed = end_.active->writer->sync(); !flushed) failure_ = flushed.error();
  if (failure_) return std::unexpected(*failure_);
  return end_;
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
