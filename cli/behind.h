#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "annals/env.h"

namespace annals_cli {

/// Works on pieces, in their order, on a thread of its own, one piece behind who makes them.
///
/// Threads: one gives. What the work uses is used by the thread until the destructor has returned.
template <class Piece>
class behind {
 public:
  using work = std::function<annals::result<void>(Piece&)>;

  behind(annals::env& environment, std::string_view name, work on_piece)
      : env_(environment),
        work_(std::move(on_piece)),
        thread_(environment.spawn(name, [this] { run(); })) {}
  behind(const behind&) = delete;
  behind& operator=(const behind&) = delete;
  /// What finish() has not waited for may be left out.
  ~behind() {
    stopping_ = true;
    ++asked_;
    env_.wake_all(asked_);
  }

  /// Has a piece worked on once the one before is; that one is what the caller gets in its place,
  /// to be filled again.
  ///
  /// Errors:  of the work on the pieces before; again in every later call.
  annals::result<void> give(Piece& piece) {
    if (auto before = finish(); !before) return before;
    std::swap(piece_, piece);
    ++asked_;
    env_.wake_all(asked_);
    return {};
  }
  /// Waits until all pieces are worked on.
  ///
  /// Errors:  as give().
  annals::result<void> finish() {
    const auto wanted = asked_.load();
    for (auto seen = answered_.load(); seen != wanted; seen = answered_.load())
      env_.park(answered_, seen);
    return answer_;
  }

 private:
  void run() {
    for (std::uint32_t number = 1;; ++number) {
      for (auto asked = asked_.load(); asked < number; asked = asked_.load())
        env_.park(asked_, asked);
      // The destructor asks once more, for nothing.
      if (stopping_ && asked_.load() == number) return;
      answer_ = work_(piece_);
      answered_ = number;
      env_.wake_all(answered_);
    }
  }

  annals::env& env_;
  work work_;
  Piece piece_{};
  annals::result<void> answer_{};
  std::atomic<std::uint32_t> asked_{0};     // pieces; the thread parks on it
  std::atomic<std::uint32_t> answered_{0};  // pieces; who gives parks on it
  std::atomic<bool> stopping_{false};
  std::unique_ptr<annals::thread> thread_;
};

}  // namespace annals_cli
