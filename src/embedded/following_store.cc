#include "following_store.h"

#include "annals/assert.h"
#include "annals/obs.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::chrono::milliseconds before_next_try{5};  // of what cannot be read just now
constexpr std::chrono::milliseconds between_refreshes{50};
constexpr std::chrono::seconds longest_wait{1};          // then the store is looked for
constexpr std::chrono::milliseconds without_state{100};  // between looks, while nobody tells

}  // namespace

following_store::following_store(env& environment, store_directory directory,
                                 sealed_beginning beginning)
    : indexed_store(environment, std::move(directory),
                    std::make_unique<log_index>(beginning.sealed), role::reader,
                    durability::power_loss),
      context_(std::move(beginning.context)),
      follower_(directory_, environment, *index_, mutex_) {}

following_store::~following_store() {
  ANNALS_ASSERT(!inside_completion(), "a store destroyed inside a completion");
  if (const auto closed = do_close(); !closed) obs::info(closed.error().message());
}

result<void> following_store::start() {
  if (auto opened = snapshots_.open(); !opened) return opened;
  return catch_up();
}

result<void> following_store::catch_up() {
  for (;;) {
    if (is_closed()) return {};  // the call says so
    const auto caught = [this] {
      const std::scoped_lock lock(following_);
      auto outcome = follower_.catch_up();
      if (!outcome || *outcome != log_follower::outcome::done) return outcome;
      if (auto refreshed = refresh(); !refreshed)
        return result<log_follower::outcome>(std::unexpected(refreshed.error()));
      return outcome;
    }();
    if (!caught) return std::unexpected(caught.error());
    if (*caught == log_follower::outcome::done) return {};
    const std::atomic<std::uint32_t> never{0};
    environment().park(never, 0, before_next_try);
  }
}

// What was read of segments that have an index by now is given back.
result<void> following_store::refresh() {
  const auto now = environment().monotonic();
  std::shared_ptr<const sealed_log> before;
  {
    const lock_type lock(mutex_);
    if (index_->recent().size() < 2) return {};
    if (refreshed_ && now - *refreshed_ < between_refreshes) return {};
    before = index_->sealed();
  }
  refreshed_ = now;
  const auto content = read_manifest(environment(), directory_.paths.manifest(), info().store_id);
  if (!content) return std::unexpected(content.error());
  if (content->segments.size() <= before->segments()) return {};
  auto sealed = open_sealed_log(context_, *content, before.get());
  // The writer may have joined runs and removed these meanwhile: the next call looks again.
  if (!sealed) {
    const auto newer = read_manifest(environment(), directory_.paths.manifest(), info().store_id);
    if (newer && newer->runs != content->runs) return {};
    return std::unexpected(sealed.error());
  }
  std::vector<std::shared_ptr<recent_segment>> dropped;
  const lock_type lock(mutex_);
  if (index_->recent().back()->number() > (*sealed)->segments())
    dropped = index_->settle(std::move(*sealed));
  return {};
}

checkpoint following_store::durable_head() {
  const auto sequence = index_->last_sequence();
  if (sequence == 0) return {};
  for (const auto& one : index_->recent())
    if (one->holds(sequence))
      return {info().store_id,
              {.sequence = sequence, .fingerprint = fingerprint_of(one->event(sequence).id)}};
  return {info().store_id,
          {.sequence = sequence, .fingerprint = fingerprint_of(index_->sealed()->last_event())}};
}

bool following_store::is_closed() {
  const lock_type lock(mutex_);
  return closed_;
}

std::shared_ptr<shared_state> following_store::state() {
  const std::scoped_lock lock(following_);
  return follower_.state();
}

error following_store::refusal() {
  if (is_closed()) return {errc::shutting_down, "the store is closed; open it again"};
  return {errc::unsupported, "the store was opened read-only; open it for writing"};
}

void following_store::do_append(const append_request&, caller, completion<appended> done) {
  complete([done = std::move(done), why = refusal()]() mutable {
    done(std::unexpected(std::move(why)));
  });
}

result<void> following_store::do_save_snapshot(const snapshot_write&) {
  return std::unexpected(refusal());
}
result<void> following_store::do_retain(std::string_view, const retention_change&) {
  return std::unexpected(refusal());
}
void following_store::do_import(std::span<const history_entry>, caller, completion<void> done) {
  complete([done = std::move(done), why = refusal()]() mutable {
    done(std::unexpected(std::move(why)));
  });
}

std::unique_ptr<wait_handle> following_store::do_notify_past(const checkpoint& seen,
                                                             completion<checkpoint> done) {
  auto handle = indexed_store::do_notify_past(seen, std::move(done));
  {
    const lock_type lock(mutex_);
    if (closed_) return handle;
    if (!thread_) thread_ = environment().spawn("annals-follow", [this] { follow(); });
  }
  wake_follower();
  return handle;
}

void following_store::wake_follower() {
  ++requests_;
  environment().wake_all(requests_);
}

// While somebody waits. Whoever begins to wait has caught up after that: nothing is missed.
void following_store::follow() {
  for (;;) {
    const auto requests = requests_.load();
    const auto told_by = state();
    const auto changes = told_by ? told_by->changes() : 0;
    if (stopping_) return;
    if (!notifier_.has_waits()) {
      environment().park(requests_, requests);
      continue;
    }
    if (const auto caught = catch_up(); !caught) {
      notifier_.fail(caught.error());
      continue;
    }
    const auto head = [this] {
      const lock_type lock(mutex_);
      return durable_head();
    }();
    notifier_.advance(head);
    if (!notifier_.has_waits()) continue;
    // What a writer left at another start of the machine, the next one uses again.
    if (told_by) {
      told_by->wait(changes, told_by->counts() ? longest_wait : without_state);
    } else {
      environment().park(requests_, requests, without_state);
    }
  }
}

result<void> following_store::do_close() {
  std::unique_ptr<thread> ended;
  {
    const lock_type lock(mutex_);
    if (std::exchange(closed_, true)) return {};
    ended = std::move(thread_);
  }
  stopping_ = true;
  wake_follower();
  if (const auto told_by = state()) told_by->interrupt();
  ended.reset();  // joins
  notifier_.close();
  completions_.drain();
  return {};
}

result<std::unique_ptr<event_store>> open_following(const std::string& directory,
                                                    env& environment) {
  auto found = find_directory(directory, environment);
  if (!found) return std::unexpected(found.error());
  auto beginning = open_beginning(*found, environment, role::reader);
  if (!beginning) return std::unexpected(beginning.error());
  auto store =
      std::make_unique<following_store>(environment, std::move(*found), std::move(*beginning));
  if (auto started = store->start(); !started) return std::unexpected(started.error());
  return store;
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
