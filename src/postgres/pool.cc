#include "pool.h"

#include <optional>

namespace annals {
inline namespace v1 {
namespace postgres {

outcome<pool::loan> pool::borrow(clock_reading deadline) {
  for (;;) {
    const auto seen = freed_.load();
    std::unique_ptr<connection> one;
    bool may_open = false;
    {
      const std::scoped_lock lock(mutex_);
      if (!idle_.empty()) {
        one = std::move(idle_.back());
        idle_.pop_back();
      }
      may_open = one != nullptr || lent_ < most_;
      if (may_open) ++lent_;
    }
    if (one && one->usable()) return loan(*this, std::move(one));
    if (may_open) {
      auto made = connection::open(env_, options_, session::read);
      if (made) return loan(*this, std::move(*made));
      free_one();
      return std::unexpected(made.error());
    }
    const auto left = deadline - env_.monotonic();
    if (left.count() <= 0)
      return std::unexpected(failure{.sqlstate = "53300",
                                     .message = "all connections of the pool are in use",
                                     .unsent = true});
    env_.park(freed_, seen, left);
  }
}

bool pool::has_plenty() {
  const std::scoped_lock lock(mutex_);
  return lent_ * 2 <= most_;
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
