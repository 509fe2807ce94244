#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "annals/env.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Pieces of work, done by as many threads as there are processors, whose results are taken in
/// order, one by one, by the thread that calls `run`. With one processor it does all of it.
///
/// Units:   twice as many results as threads are there at a time, those in the making included.
/// Threads: `make` by several; `take` and `meanwhile` only by the calling one.
template <class T>
class in_order {
 public:
  using maker = std::function<T(std::size_t)>;
  /// Answers false when what is left need not be done.
  using taker = std::function<result<bool>(std::size_t, T)>;

  in_order(env& environment, std::size_t count, std::function<void()> meanwhile)
      : env_(environment), count_(count), meanwhile_(std::move(meanwhile)) {}
  in_order(const in_order&) = delete;
  in_order& operator=(const in_order&) = delete;

  /// Does all of it.
  ///
  /// Errors:  those of `take`, which end it.
  result<void> run(const maker& make, const taker& take) {
    const auto threads = std::min<std::size_t>(env_.processors(), count_);
    if (threads < 2) return run_alone(make, take);
    window_ = 2 * threads;
    std::vector<std::unique_ptr<thread>> running;
    running.reserve(threads);
    const stopper at_last{*this};  // before they are joined, also when `take` throws
    for (std::size_t i = 0; i < threads; ++i)
      running.push_back(env_.spawn("annals-check", [&] { work(make); }));
    return take_all(take);
  }

  /// Says, from any piece, that `meanwhile` has something to see.
  void tell() {
    if (window_ == 0) return meanwhile_();
    ++changes_;
    env_.wake_all(changes_);
  }

 private:
  struct stopper {
    in_order& of;
    explicit stopper(in_order& all) : of(all) {}
    stopper(const stopper&) = delete;
    stopper& operator=(const stopper&) = delete;
    ~stopper() {
      of.stopping_ = true;
      of.tell();
    }
  };

  result<void> run_alone(const maker& make, const taker& take) {
    for (std::size_t i = 0; i < count_; ++i) {
      const auto more = take(i, make(i));
      if (!more) return std::unexpected(more.error());
      if (!*more) break;
    }
    return {};
  }

  void work(const maker& make) {
    for (;;) {
      const auto seen = changes_.load();  // before the look at `stopping_`: see work_until
      if (stopping_) return;
      std::size_t piece = 0;
      bool waits = false;
      {
        const std::scoped_lock lock(mutex_);
        if (begun_ == count_) return;
        waits = begun_ >= taken_ + window_;
        if (!waits) piece = begun_++;
      }
      if (waits) {
        env_.park(changes_, seen);
        continue;
      }
      auto made = make(piece);
      {
        const std::scoped_lock lock(mutex_);
        made_.emplace(piece, std::move(made));
      }
      tell();
    }
  }

  result<void> take_all(const taker& take) {
    for (std::size_t i = 0; i < count_;) {
      const auto seen = changes_.load();
      typename std::map<std::size_t, T>::node_type next;
      {
        const std::scoped_lock lock(mutex_);
        next = made_.extract(i);
        if (next) taken_ = i + 1;
      }
      meanwhile_();
      if (!next) {
        env_.park(changes_, seen);
        continue;
      }
      tell();
      const auto more = take(i++, std::move(next.mapped()));
      if (!more) return std::unexpected(more.error());
      if (!*more) break;
    }
    return {};
  }

  env& env_;
  std::size_t count_;
  std::function<void()> meanwhile_;
  std::size_t window_ = 0;  // 0: no threads
  std::mutex mutex_{};
  std::map<std::size_t, T> made_{};
  std::size_t begun_ = 0;
  std::size_t taken_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint32_t> changes_{0};  // parked on
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
