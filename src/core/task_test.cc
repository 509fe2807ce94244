#include "annals/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "annals/run_task.h"
#include "stack_for_tests.h"

namespace annals {
namespace {

env& world() {
  return posix_env();
}

/// Counts how many of it are alive.
struct counted {
  explicit counted(int& count) : alive(&count) { ++*alive; }
  counted(const counted& other) : alive(other.alive) { ++*alive; }
  counted(counted&& other) noexcept : alive(other.alive) { ++*alive; }
  counted& operator=(const counted&) = delete;
  ~counted() { --*alive; }
  int* alive;
};

/// Goes on on another thread, as a completion does.
struct on_another_thread {
  std::vector<std::jthread>& threads;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> coroutine) const {
    threads.emplace_back([coroutine] { coroutine.resume(); });
  }
  void await_resume() const noexcept {}
};

/// Holds a coroutine until `resume()`. Awaited through a pointer: g++ 12 copies awaiters.
struct pause_point {
  std::coroutine_handle<> paused{};

  struct awaiter {
    pause_point* at;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) const noexcept { at->paused = coroutine; }
    void await_resume() const noexcept {}
  };
  awaiter operator co_await() noexcept { return {this}; }
  void resume() { std::exchange(paused, nullptr).resume(); }
};

task<int> number(int n) {
  co_return n;
}

task<int> sum_of(int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await number(1);
  co_return sum;
}

TEST(task, starts_when_it_is_awaited) {
  bool started = false;
  const auto start = [](bool& flag) -> task<> {
    flag = true;
    co_return;
  };
  auto lazy = start(started);
  EXPECT_FALSE(started);
  sync_wait(std::move(lazy), world());
  EXPECT_TRUE(started);
}

TEST(task, that_never_started_gives_back_its_parameters) {
  int alive = 0;
  const auto keep = [](counted) -> task<> { co_return; };
  {
    const auto never = keep(counted(alive));
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

TEST(task, gives_back_its_frame_once_it_was_awaited) {
  int alive = 0;
  const auto keep = [](counted kept) -> task<counted> { co_return std::move(kept); };
  const auto twice = [&](counted first) -> task<int> {
    auto one = co_await keep(std::move(first));
    auto other = co_await keep(one);
    co_return alive;
  };
  EXPECT_GT(sync_wait(twice(counted(alive)), world()), 1);
  EXPECT_EQ(alive, 0);
}

TEST(task, moves_its_result_out) {
  const auto make = []() -> task<std::unique_ptr<std::string>> {
    co_return std::make_unique<std::string>("moved");
  };
  const auto pass_on = [&]() -> task<std::unique_ptr<std::string>> { co_return co_await make(); };
  EXPECT_EQ(*sync_wait(pass_on(), world()), "moved");
}

TEST(task, returns_what_converts_to_its_result) {
  const auto failing = []() -> task<result<int>> { co_return fail(errc::disk_full, "no room"); };
  EXPECT_EQ(sync_wait(failing(), world()).error().code(), errc::disk_full);
}

TEST(task, passes_what_it_throws_to_who_awaits_it) {
  const auto throwing = [](bool really) -> task<int> {
    if (really) throw std::runtime_error("thrown in a task");
    co_return 1;
  };
  const auto catching = [&]() -> task<std::string> {
    try {
      co_await throwing(true);
    } catch (const std::runtime_error& caught) {
      co_return caught.what();
    }
    co_return "nothing was thrown";
  };
  EXPECT_EQ(sync_wait(catching(), world()), "thrown in a task");
  EXPECT_THROW(sync_wait(throwing(true), world()), std::runtime_error);
}

TEST(task, awaits_others_to_any_depth) {
  struct nested {
    static task<int> down(int levels, std::vector<std::jthread>& threads) {
      if (levels == 0) {
        co_await on_another_thread{threads};
        co_return 0;
      }
      co_return co_await down(levels - 1, threads) + 1;
    }
  };
  std::vector<std::jthread> threads;
  EXPECT_EQ(sync_wait(nested::down(200, threads), world()), 200);
}

TEST(task, a_million_that_end_at_once_do_not_grow_the_stack) {
  stack_watch watch;
  const auto look = [&]() -> task<> {
    watch.look();
    co_return;
  };
  const auto loop = [&]() -> task<> {
    for (int i = 0; i < 1'000'000; ++i) co_await look();
  };
  sync_wait(loop(), world());
  EXPECT_LT(watch.growth(), bounded_stack);
}

TEST(task, a_million_that_are_resumed_do_not_grow_the_stack) {
  stack_watch watch;
  pause_point pause;
  const auto look = [&]() -> task<> {
    co_await pause;
    watch.look();
  };
  int rounds = 0;
  const auto loop = [&]() -> task<> {
    for (; rounds < 1'000'000; ++rounds) co_await look();
  };
  bool ended = false;
  start_detached(loop(), [&](const result<void>&) { ended = true; });
  while (pause.paused) pause.resume();
  EXPECT_TRUE(ended);
  EXPECT_EQ(rounds, 1'000'000);
  EXPECT_LT(watch.growth(), bounded_stack);
}

TEST(task, concurrent_ends_on_another_thread_are_not_lost) {
  const auto away = [](std::vector<std::jthread>& threads) -> task<int> {
    co_await on_another_thread{threads};
    co_return 1;
  };
  const auto loop = [&](std::vector<std::jthread>& threads) -> task<int> {
    int sum = 0;
    for (int i = 0; i < 200; ++i) sum += co_await away(threads);
    co_return sum;
  };
  std::vector<std::jthread> threads;
  threads.reserve(200);
  EXPECT_EQ(sync_wait(loop(threads), world()), 200);
}

TEST(task, suspended_is_destroyed_with_what_it_awaits) {
  int alive = 0;
  pause_point pause;
  const auto inner = [&](counted) -> task<> { co_await pause; };
  const auto outer = [&](counted kept) -> task<> { co_await inner(kept); };
  {
    auto root = outer(counted(alive));
    auto waiting = std::move(root).operator co_await();
    waiting.await_suspend(std::noop_coroutine());
    EXPECT_TRUE(pause.paused);
    EXPECT_GE(alive, 2);
  }
  EXPECT_EQ(alive, 0);
}

TEST(task, is_awaited_once) {
  const auto twice = []() -> task<> {
    auto one = number(1);
    co_await std::move(one);
    co_await std::move(one);
  };
  EXPECT_DEATH(sync_wait(twice(), world()), "a task is awaited once");
  const auto moved_from = []() -> task<> {
    auto one = number(1);
    const auto other = std::move(one);
    co_await std::move(one);
  };
  EXPECT_DEATH(sync_wait(moved_from(), world()), "a task is awaited once");
}

TEST(sync_wait, waits_for_a_concurrent_end_on_another_thread) {
  std::vector<std::jthread> threads;
  const auto away = [&]() -> task<std::thread::id> {
    co_await on_another_thread{threads};
    co_return std::this_thread::get_id();
  };
  EXPECT_NE(sync_wait(away(), world()), std::this_thread::get_id());
  EXPECT_EQ(sync_wait(sum_of(1000), world()), 1000);
}

TEST(sync_wait, does_not_block_a_completion) {
  EXPECT_DEATH(complete([] { sync_wait(sum_of(1), world()); }), "sync_wait inside a completion");
}

TEST(start_detached, returns_when_the_task_suspends_and_tells_when_it_has_ended) {
  pause_point pause;
  const auto waiting = [&]() -> task<int> {
    co_await pause;
    co_return 7;
  };
  std::optional<int> told;
  start_detached(waiting(), [&](result<int> value) { told = value.value(); });
  EXPECT_FALSE(told);
  pause.resume();
  EXPECT_EQ(told, 7);
}

TEST(start_detached, hands_on_the_result_that_the_task_returns) {
  const auto failing = []() -> task<result<int>> { co_return fail(errc::overloaded, "later"); };
  completion<int> done = [](result<int> told) { EXPECT_EQ(told.error().code(), errc::overloaded); };
  start_detached(failing(), std::move(done));
}

TEST(start_detached, tells_of_what_the_task_throws) {
  const auto throwing = [](int what) -> task<> {
    if (what == 1) throw std::runtime_error("the first");
    if (what == 2) throw 2;
    co_return;
  };
  std::vector<std::string> told;
  for (const int what : {0, 1, 2})
    start_detached(throwing(what), [&](const result<void>& ended) {
      told.push_back(ended ? "ended" : ended.error().to_string());
    });
  EXPECT_EQ(told, (std::vector<std::string>{
                      "ended", "handler_failed: a detached task threw: the first",
                      "handler_failed: a detached task threw: an exception that is no "
                      "std::exception"}));
}

TEST(start_detached, tells_in_a_completion_after_the_task_was_destroyed) {
  int alive = 0;
  bool told = false;
  const auto keep = [](counted) -> task<> { co_return; };
  auto work = keep(counted(alive));
  start_detached(std::move(work), [&](const result<void>&) {
    told = true;
    EXPECT_EQ(alive, 0);
    EXPECT_TRUE(inside_completion());
  });
  EXPECT_TRUE(told);
}

TEST(start_detached, from_its_completion_again_and_again_does_not_grow_the_stack) {
  stack_watch watch;
  int left = 100'000;
  std::function<void()> next = [&] {
    watch.look();
    if (left-- > 0) start_detached(number(left), [&](const result<int>&) { next(); });
  };
  next();
  EXPECT_LT(left, 0);
  EXPECT_LT(watch.growth(), bounded_stack);
}

}  // namespace
}  // namespace annals
