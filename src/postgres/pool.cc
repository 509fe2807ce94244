#include "pool.h"

namespace annals {
inline namespace v1 {
namespace postgres {

// Held.
std::unique_ptr<connection> pool::take_idle() {
  if (idle_.empty()) return nullptr;
  auto one = std::move(idle_.back());
  idle_.pop_back();
  return one;
}

// Counted as lent already.
outcome<pool::loan> pool::lend(std::unique_ptr<connection> idle) {
  if (idle && idle->usable()) return loan(*this, std::move(idle));
  auto made = connection::open(env_, options_, session::read);
  if (made) return loan(*this, std::move(*made));
  free_one();
  return std::unexpected(made.error());
}

outcome<pool::loan> pool::borrow(clock_reading deadline) {
  for (;;) {
    const auto seen = freed_.load();
    {
      std::unique_lock lock(mutex_);
      auto one = take_idle();
      if (one || lent_ < most_) {
        ++lent_;
        lock.unlock();
        return lend(std::move(one));
      }
    }
    const auto left = deadline - env_.monotonic();
    if (left.count() <= 0)
      return std::unexpected(failure{.sqlstate = "53300",
                                     .message = "all connections of the pool are in use",
                                     .unsent = true});
    env_.park(freed_, seen, left);
  }
}

std::optional<pool::loan> pool::borrow_spare() {
  std::unique_ptr<connection> one;
  {
    const std::scoped_lock lock(mutex_);
    if (2 * (lent_ + 1) > most_) return std::nullopt;
    one = take_idle();
    ++lent_;
  }
  auto lent = lend(std::move(one));
  if (!lent) return std::nullopt;
  return std::move(*lent);
}

void pool::free_one() {
  {
    const std::scoped_lock lock(mutex_);
    --lent_;
  }
  ++freed_;
  env_.wake_one(freed_);
}

void pool::take_back(std::unique_ptr<connection> lent) {
  if (lent->idle()) {
    const std::scoped_lock lock(mutex_);
    idle_.push_back(std::move(lent));
  } else {
    lent.reset();
  }
  free_one();
}

void pool::close() {
  const std::scoped_lock lock(mutex_);
  idle_.clear();
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
