// The queue of appends, and who leads. See append_writer.h; writer_group.cc has what leading does.
#include "append_writer.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "annals/assert.h"
#include "annals/limits.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

constexpr std::size_t most_members = 2'000;
constexpr std::size_t most_in_the_air = 2;
constexpr std::size_t fewest_to_halve = 12;  // callers; of 8 and less one commit for all is as good
constexpr std::size_t most_group_bytes = 8U << 20U;
constexpr std::size_t most_group_events = 10'000;
constexpr std::chrono::microseconds longest_gathering{50};  // a quarter of a commit

// What the lent thread's own append waits for, from append() to lend().
thread_local std::shared_ptr<void> lent_turn;

}  // namespace

error append_writer::closed_error() {
  return {errc::shutting_down, "the store is closed; open it again"};
}

append_writer::append_writer(env& environment, writer_settings settings, name_book& names,
                             completion_thread& completions, std::unique_ptr<connection> first)
    : env_(environment),
      settings_(std::move(settings)),
      names_(names),
      completions_(completions),
      connection_(std::move(first)),
      lock_(lock_statement(settings_.names)),
      floor_(settings_.head) {}

append_writer::~append_writer() {
  close();
}

bool append_writer::closed() const {
  const std::scoped_lock lock(mutex_);
  return closed_;
}

// Held.
bool append_writer::admit(std::size_t bytes, bool waits, std::optional<error>& refused) {
  if (closed_) {
    refused = closed_error();
  } else if (in_flight_ >= limits::appends_in_flight ||
             in_flight_bytes_ + bytes > limits::appends_in_flight_bytes) {
    // One that is larger than what may be in flight goes when nothing else is.
    if (in_flight_ != 0 || !waits)
      refused = error(errc::overloaded,
                      "too many appends are in flight (limits::appends_in_flight, "
                      "limits::appends_in_flight_bytes); append again when some have completed");
  }
  return !refused;
}

void append_writer::append(append_draft draft, bool waits, completion<appended> done) {
  std::optional<error> refused;
  {
    const lock_type lock(mutex_);
    if (admit(draft.bytes, waits, refused)) {
      const auto bytes = draft.bytes;
      return enqueue({.draft = std::move(draft), .done = std::move(done), .bytes = bytes}, waits);
    }
  }
  complete([done = std::move(done), refused = std::move(refused)]() mutable {
    done(std::unexpected(std::move(*refused)));
  });
}

void append_writer::run(job work, std::size_t bytes, bool waits, completion<void> done) {
  std::optional<error> refused;
  {
    const lock_type lock(mutex_);
    if (admit(bytes, waits, refused))
      return enqueue({.work = std::move(work), .work_done = std::move(done), .bytes = bytes},
                     waits);
  }
  complete([done = std::move(done), refused = std::move(refused)]() mutable {
    done(std::unexpected(std::move(*refused)));
  });
}

// Held.
void append_writer::enqueue(pending one, bool waits) {
  one.deadline = env_.monotonic() + settings_.deadline;
  in_flight_.fetch_add(1, std::memory_order_relaxed);
  in_flight_bytes_.fetch_add(one.bytes, std::memory_order_relaxed);
  if (waits) {
    one.lent = std::make_shared<turn>();
    lent_turn = one.lent;
  }
  queue_.push_back(std::move(one));
  if (listening_ && may_launch()) {
    listening_ = false;
    bell_.ring();
  }
  if (queue_.size() == expected_) {
    gathered_word_.fetch_add(1);
    env_.wake_one(gathered_word_);
  }
  if (!waits && !leading_) wake_io();
}

void append_writer::lend(const std::atomic<std::uint32_t>& done) {
  const auto mine = std::static_pointer_cast<turn>(std::exchange(lent_turn, nullptr));
  if (mine == nullptr) return;  // it was refused, and answered inside the call
  while (done.load(std::memory_order_acquire) == 0) {
    lock_type lock(mutex_);
    if (!leading_ && has_work()) {
      lead(lock, &done);
      continue;
    }
    const auto seen = mine->word.load();
    lock.unlock();
    // The leader sets `done` before it changes the word: seen together, nothing is missed.
    if (done.load(std::memory_order_acquire) == 0) env_.park(mine->word, seen);
  }
}

// Held; given back and taken again meanwhile.
void append_writer::lead(lock_type& lock, const std::atomic<std::uint32_t>* done) {
  leading_ = true;
  while (has_work() && (done == nullptr || done->load(std::memory_order_acquire) == 0)) {
    if (may_launch() || more_comes(lock)) {
      if (flights_.empty()) gather(lock);
      auto& next = flights_.emplace_back(flight{.group = take_group()});
      lock.unlock();
      launch(next);
      lock.lock();
      continue;
    }
    auto first = std::move(flights_.front());
    flights_.pop_front();
    lock.unlock();
    land(first);
    lock.lock();
    bring_back();
    put_back(first.group);
    count_callers(first.group);
    lock.unlock();
    answer_all(std::move(first.group));
    lock.lock();
  }
  leading_ = false;
  hand_over();
}

// Held.
bool append_writer::may_launch() const noexcept {
  if (queue_.empty()) return false;
  if (flights_.empty()) return true;
  return flights_.size() < most_in_the_air && flights_.back().sent &&
         queue_.size() >= fewest_behind(flights_.back().group.size());
}

// A second group goes out when as many callers wait as are in the air: fewer would pay a commit of
// their own. Many callers in a closed loop would all be in one group, and then all be awake while
// the server is not: they are made to fly in two halves, one of which is stored while the other
// one comes back. Held.
std::size_t append_writer::fewest_behind(std::size_t ahead) const noexcept {
  if (callers_ < fewest_to_halve) return ahead;
  return callers_ > ahead ? std::min(callers_ / 2, callers_ - ahead) : 1;
}

// Where there are callers enough for two groups, waits for the answer to the first or until there
// are enough for the second; true then. Held; given back meanwhile.
bool append_writer::more_comes(lock_type& lock) {
  if (callers_ < fewest_to_halve || flights_.size() != 1 || !flights_.front().sent || !connection_)
    return false;
  listening_ = true;
  lock.unlock();
  connection_->answers_before(bell_, flights_.front().deadline);
  lock.lock();
  if (!std::exchange(listening_, false)) bell_.hush();
  return may_launch();
}

// Of those that were answered by the group before, some may not be back: so it goes down slowly.
// Held.
void append_writer::count_callers(const members& answered) {
  answered_ = static_cast<std::size_t>(
      std::ranges::count_if(answered, [](const pending& one) { return one.lent != nullptr; }));
  auto there = answered_ + queue_.size();
  for (const auto& one : flights_) there += one.group.size();
  callers_ = std::max(there, callers_ - (callers_ + 3) / 4);
}

// Callers that were answered together come back one by one, each as soon as it has a core: the
// first of them waits a moment for the others, or for half of them where those are many, else it
// makes a group, and a commit, of its own. Where they do not come back, the next group expects
// fewer. Held; given back meanwhile.
void append_writer::gather(lock_type& lock) {
  expected_ = std::exchange(answered_, 0U);
  if (callers_ >= fewest_to_halve) expected_ = std::min(expected_, callers_ / 2);
  if (queue_.size() < expected_) {
    const auto seen = gathered_word_.load();
    lock.unlock();
    env_.park(gathered_word_, seen, longest_gathering);
    lock.lock();
  }
  expected_ = 0;
}

// The longest run from the front of the queue in which no member changes the answer of another.
append_writer::members append_writer::take_group() {
  members group;
  group_content content;
  std::size_t bytes = 0;
  std::size_t events = 0;
  std::int32_t in_stream = 0;  // events of the last append, and of those that it continues
  while (!queue_.empty() && group.size() < most_members) {
    auto& next = queue_.front();
    const bool alone = static_cast<bool>(next.work);
    const bool continues = !group.empty() && !alone && may_continue(next.draft, group.back().draft);
    if (!group.empty() && (alone || bytes + next.bytes > most_group_bytes ||
                           events + next.draft.events.size() > most_group_events ||
                           !(continues || content.admits(next.draft))))
      break;
    next.draft.continues = continues;
    next.draft.before = continues ? in_stream : 0;
    in_stream = next.draft.before + static_cast<std::int32_t>(next.draft.events.size());
    bytes += next.bytes;
    events += next.draft.events.size();
    group.push_back(std::move(next));
    queue_.pop_front();
    if (alone) break;
    content.add(group.back().draft);
  }
  return group;
}

// Those without an answer go out again, in front of all others. Held.
void append_writer::put_back(members& group) {
  const auto unanswered = [](const pending& one) { return !one.work && !one.answer; };
  const auto first = std::ranges::find_if(group, unanswered);
  if (first == group.end()) return;
  // Whatever was answered behind it stays answered: it is of other streams.
  members left;
  for (auto& one : group)
    if (unanswered(one)) left.push_back(std::move(one));
  std::erase_if(group, unanswered);
  for (auto& one : left | std::views::reverse) {
    one.floor.reset();  // nothing of it was stored
    one.in_doubt = false;
    queue_.push_front(std::move(one));
  }
}

// What is not in the air goes out anew, in its order. Held.
void append_writer::bring_back() {
  while (!flights_.empty() && !flights_.back().sent) {
    for (auto& one : flights_.back().group | std::views::reverse) queue_.push_front(std::move(one));
    flights_.pop_back();
  }
}

// What was in flight is counted off first: a completion that appends again finds room.
void append_writer::answer_one(pending& one) {
  in_flight_bytes_.fetch_sub(one.bytes, std::memory_order_relaxed);
  in_flight_.fetch_sub(1, std::memory_order_relaxed);
  if (one.work)
    one.work_done(std::move(*one.work_answer));
  else
    one.done(std::move(*one.answer));
}

void append_writer::answer_all(members group) {
  std::vector<std::move_only_function<void()>> others;
  for (auto& one : group) {
    if (one.lent) {
      const auto whose = one.lent;
      answer_one(one);
      whose->word.fetch_add(1);
      env_.wake_all(whose->word);
    } else {
      others.emplace_back(
          [self = shared_from_this(), one = std::move(one)]() mutable { self->answer_one(one); });
    }
  }
  completions_.post_all(std::move(others));
}

// Held.
void append_writer::hand_over() {
  quiet_word_.fetch_add(1);
  if (stopping_) env_.wake_all(quiet_word_);
  if (!has_work()) return;
  const auto& next = flights_.empty() ? queue_.front().lent : flights_.front().group.front().lent;
  if (!next) return wake_io();
  next->word.fetch_add(1);
  env_.wake_one(next->word);
}

// Held.
void append_writer::wake_io() {
  if (!io_thread_) io_thread_ = env_.spawn("annals-io", [this] { run_io(); });
  if (io_awake_) return;
  io_awake_ = true;
  io_word_.fetch_add(1);
  env_.wake_one(io_word_);
}

void append_writer::run_io() {
  lock_type lock(mutex_);
  for (;;) {
    io_awake_ = true;
    if (!leading_ && has_work()) {
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

void append_writer::remember(std::uint64_t sequence, std::uint64_t fingerprint) {
  constexpr std::size_t most_seen = 4'096;
  const std::scoped_lock lock(seen_mutex_);
  if (seen_.size() >= most_seen) seen_.clear();
  seen_[sequence] = fingerprint;
}

void append_writer::close() {
  std::unique_ptr<thread> io;
  {
    lock_type lock(mutex_);
    closed_ = true;
    stopping_ = true;
    for (;;) {
      if (leading_) {
        const auto seen = quiet_word_.load();
        lock.unlock();
        env_.park(quiet_word_, seen);
        lock.lock();
      } else if (has_work()) {
        lead(lock, nullptr);
      } else {
        break;
      }
    }
    io = std::move(io_thread_);
    io_word_.fetch_add(1);
  }
  env_.wake_all(io_word_);
  io.reset();  // joins
  connection_.reset();
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
