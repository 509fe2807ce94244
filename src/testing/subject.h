#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "annals/testing/conformance.h"
#include "steered_env.h"
#include "writing.h"

namespace annals {
inline namespace v1 {
namespace testing {

/// What a read delivered.
struct heard {
  std::vector<event_record> events{};
  std::vector<checkpoint> scanned{};  ///< one per batch
  read_end end{};

  std::vector<std::string> texts() const;  ///< the payloads
  std::vector<std::uint64_t> versions() const;
  std::vector<std::uint64_t> sequences() const;
};

/// One store under test, alone in a directory and a world of its own.
class subject {
 public:
  explicit subject(const engine& tested, const std::string& within = ::testing::TempDir());
  subject(const subject&) = delete;
  subject& operator=(const subject&) = delete;
  ~subject();

  /// Opened before the case begins, and when asked for after shut().
  event_store& store();
  const store_info& info() { return store().info(); }
  steered_env& world() noexcept { return world_; }
  const engine& tested() const noexcept { return tested_; }
  const std::string& directory() const noexcept { return directory_; }

  /// Closes the store and gives it up.
  void shut();
  /// Gives the store up without closing it first.
  void destroy_store() { store_.reset(); }
  /// Runs a check now, and again after closing and opening where the engine persists.
  void now_and_reopened(const std::function<void()>& check);

  result<appended> append(writing what) { return store().append(what.request()); }
  result<appended> append(std::string stream, expect expected, std::vector<fact> events) {
    return append(writing(std::move(stream), expected, std::move(events)));
  }
  result<heard> read(const read_request& request);
  /// A stream from its start; a failed read fails the case.
  heard read_stream(std::string_view name);
  /// The whole store from its start; a failed read fails the case.
  heard read_store(const read_filter& filter = {});
  checkpoint head();

  /// Lets other threads run; in a simulated world nobody else does, until then.
  void pause();
  /// Runs a body on several threads at once, with the thread's number, and joins them.
  void on_threads(std::size_t count, const std::function<void(std::size_t)>& body);

 private:
  const engine& tested_;
  std::unique_ptr<env> made_;  // null: the operating system's
  steered_env world_;
  std::string directory_;
  std::unique_ptr<event_store> store_{};
};

/// Answers of completion forms, awaited. May be destroyed before the last has come.
template <class T>
class inbox {
 public:
  explicit inbox(env& world) : shared_(std::make_shared<shared>(world)) {}

  completion<T> slot() {
    return [to = shared_](result<T> answer) {
      {
        const std::scoped_lock lock(to->mutex);
        to->answers.push_back(std::move(answer));
      }
      ++to->count;
      to->world.wake_all(to->count);
    };
  }
  std::size_t count() const { return shared_->count; }
  /// The answers in the order in which they came, once there are `wanted` of them; fewer when that
  /// takes half a minute, which fails the case.
  std::vector<result<T>> wait_for(std::size_t wanted) {
    constexpr std::chrono::seconds patience{30};
    auto& world = shared_->world;
    const auto deadline = world.monotonic() + patience;
    for (auto seen = shared_->count.load(); seen < wanted && world.monotonic() < deadline;
         seen = shared_->count.load())
      world.park(shared_->count, seen, std::chrono::milliseconds(100));
    const std::scoped_lock lock(shared_->mutex);
    EXPECT_GE(shared_->answers.size(), wanted) << "completions that have not run";
    return shared_->answers;
  }

 private:
  struct shared {
    explicit shared(env& w) : world(w) {}
    env& world;
    std::mutex mutex{};
    std::vector<result<T>> answers{};
    std::atomic<std::uint32_t> count{0};
  };
  std::shared_ptr<shared> shared_;
};

/// A gate that holds threads back until it is opened.
class gate {
 public:
  explicit gate(env& world) : world_(world) {}
  void open() {
    open_ = 1;
    world_.wake_all(open_);
  }
  bool is_open() const { return open_ != 0; }
  void pass() const {
    while (!is_open()) world_.park(open_, 0);
  }
  /// True when it was opened in time.
  bool pass_within(std::chrono::milliseconds patience) const {
    const auto deadline = world_.monotonic() + patience;
    while (!is_open() && world_.monotonic() < deadline)
      world_.park(open_, 0, std::chrono::milliseconds(10));
    return is_open();
  }

 private:
  env& world_;
  std::atomic<std::uint32_t> open_{0};
};

/// An address that no two running threads share.
inline const void* this_thread_mark() noexcept {
  return &thread_state::current();
}

template <class T>
::testing::AssertionResult succeeds(const result<T>& answer) {
  if (answer) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << answer.error().to_string();
}

template <class T>
::testing::AssertionResult fails(const result<T>& answer, errc code) {
  if (answer)
    return ::testing::AssertionFailure() << "succeeded, where " << name_of(code) << " was due";
  if (answer.error().code() == code) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << answer.error().to_string() << ", where " << name_of(code) << " was due";
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
