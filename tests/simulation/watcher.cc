#include "watcher.h"

#include <algorithm>

#include "annals/embedded.h"

namespace annals {
namespace simulated {
namespace {

constexpr std::chrono::milliseconds patience{1};  // until it looks again without being told

}  // namespace

void watcher::start(env& world) {
  world_ = &world;
  stopping_ = false;
  acknowledged_ = 0;
  thread_ = world.spawn("watcher", [this] { watch(); });
}

std::optional<std::string> watcher::stop() {
  stopping_ = true;
  ++news_;
  world_->wake_all(news_);
  thread_.reset();  // joins
  store_.reset();
  return problem_;
}

void watcher::acknowledged(std::uint64_t position) {
  acknowledged_ = std::max(acknowledged_, position);
}

void watcher::watch() {
  while (!stopping_ && !problem_) {
    if (open()) read();
    wait();
  }
}

bool watcher::open() {
  if (store_) return true;
  auto opened = open_embedded(directory_, {.read_only = true}, *world_);
  if (opened) {
    store_ = std::move(*opened);
    return true;
  }
  const auto code = opened.error().code();
  // Not made yet; or it cannot be read just now.
  if (code != errc::not_a_store && code != errc::database_error)
    note("opening: " + opened.error().to_string());
  return false;
}

// What was acknowledged before the read begins is in it.
void watcher::read() {
  const auto wanted = acknowledged_;
  const auto end = store_->read({.after = at_}, [&](const event_batch& batch) {
    for (const auto& view : batch.events) {
      if (view.position().sequence != seen_.size() + 1) note("a gap");
      seen_.push_back(oracle::seen_of(view));
    }
    at_ = batch.scanned_to;
    return flow::more;
  });
  if (!end) {
    // In doubt: after a power cut nothing may prove what it saw before, until there is a writer.
    const auto code = end.error().code();
    if (code != errc::database_error && code != errc::in_doubt)
      note("reading: " + end.error().to_string());
    return;
  }
  at_ = end->scanned_to;
  if (seen_.size() < wanted)
    note("position " + std::to_string(wanted) + " was acknowledged before it read up to " +
         std::to_string(seen_.size()));
}

void watcher::wait() {
  const auto before = news_.load();
  if (stopping_) return;
  std::unique_ptr<wait_handle> handle;
  if (store_)
    handle = store_->notify_past(at_, [this](const result<checkpoint>&) {
      ++news_;
      world_->wake_all(news_);
    });
  world_->park(news_, before, patience);
}

void watcher::note(std::string problem) {
  if (!problem_) problem_ = std::move(problem);
}

}  // namespace simulated
}  // namespace annals
