#include "annals/await.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>

#include "account_for_tests.h"
#include "annals/memory.h"
#include "stack_for_tests.h"

namespace annals {
namespace {

using account_domain::account;
using account_domain::account_events;
using account_domain::deposit;
using account_domain::deposited;
using account_domain::explode;
using account_domain::open;
using account_domain::opened;
using account_domain::withdraw;

constexpr int a_million = 1'000'000;

class awaiting : public testing::Test {
 protected:
  static uuid id_of(std::uint8_t n) {
    uuid id;
    id.bytes[15] = n;
    return id;
  }
  template <class T>
  T run(task<T> work) {
    return sync_wait(std::move(work), store->environment());
  }

  /// Deposits behind the back of who decides just now, who therefore meets a conflict.
  void deposit_meanwhile(std::int64_t amount) {
    const auto payload = R"({"amount":)" + std::to_string(amount) + "}";
    const new_event event{.type = "account_deposited",
                          .payload = std::as_bytes(std::span(payload))};
    const auto stream = accounts.stream_of(id);
    const stream_write write{.name = stream, .events = std::span(&event, 1)};
    store->append({.streams = std::span(&write, 1)}, [](const result<appended>&) {});
  }

  std::unique_ptr<event_store> store = make_memory_store();
  category<account, account_events> accounts{*store, "account"};
  uuid id = id_of(1);
};

/// Reads nothing, in the store's cheapest way, and looks at the stack each time.
task<> read_a_million_times(event_store& store, stack_watch& watch) {
  const read_request nothing{.stream = "never-written"};
  for (int i = 0; i < a_million; ++i) {
    const auto end = co_await read(store, nothing, [](const event_batch&) { return flow::more; });
    if (!end) throw exception(end.error());
    watch.look();
  }
}

TEST_F(awaiting, a_million_inline_completions_do_not_grow_the_stack) {
  stack_watch watch;
  run(read_a_million_times(*store, watch));
  EXPECT_LT(watch.growth(), bounded_stack);
}

TEST_F(awaiting, a_million_calls_that_complete_before_they_return_do_not_grow_the_stack) {
  stack_watch watch;
  const auto loop = [&]() -> task<int> {
    int sum = 0;
    for (int i = 0; i < a_million; ++i) {
      sum += (co_await await_call<int, true>([](completion<int> done) { done(1); })).value();
      watch.look();
    }
    co_return sum;
  };
  EXPECT_EQ(run(loop()), a_million);
  EXPECT_LT(watch.growth(), bounded_stack);
}

TEST_F(awaiting, a_million_inside_a_completion_do_not_grow_the_stack) {
  stack_watch watch;
  bool ended = false;
  complete([&] {
    start_detached(read_a_million_times(*store, watch), [&](result<void> done) {
      done.value();
      ended = true;
    });
  });
  EXPECT_TRUE(ended);
  EXPECT_LT(watch.growth(), bounded_stack);
}

TEST_F(awaiting, goes_on_as_if_nothing_had_happened_when_the_completion_ran_inside_the_call) {
  const auto look = [&]() -> task<> {
    const auto thread = std::this_thread::get_id();
    const read_request all{};
    EXPECT_TRUE(co_await read(*store, all, [](const event_batch&) { return flow::more; }));
    EXPECT_EQ(std::this_thread::get_id(), thread);
    EXPECT_FALSE(inside_completion());
  };
  run(look());
}

TEST_F(awaiting, executes_loads_and_travels_in_time) {
  const auto live = [&]() -> task<std::int64_t> {
    auto opening = execute(accounts, id, open{"ann"});
    EXPECT_EQ((co_await opening).value().events, 1U);
    EXPECT_EQ((co_await execute(accounts, id, deposit{70})).value().append.stream_version.number,
              2U);
    EXPECT_EQ((co_await execute(accounts, id, withdraw{20})).value().events, 1U);
    EXPECT_EQ((co_await load(accounts, id, at(version{2}))).value().state.balance, 70);
    co_return (co_await load(accounts, id)).value().state.balance;
  };
  EXPECT_EQ(run(live()), 50);
}

TEST_F(awaiting, answers_rejections_and_what_decide_and_evolve_throw_as_results) {
  const auto live = [&]() -> task<> {
    EXPECT_EQ((co_await execute(accounts, id, deposit{1})).error().reason(), "not_open");
    EXPECT_EQ((co_await execute(accounts, id, explode{})).error().code(), errc::handler_failed);
    auto opening = execute(accounts, id, open{"ann"});
    (co_await opening).value();
    (co_await execute(accounts, id, deposit{666})).value();  // evolve throws on it
    EXPECT_EQ((co_await load(accounts, id)).error().code(), errc::handler_failed);
    EXPECT_EQ((co_await execute(accounts, id, withdraw{1})).error().code(), errc::handler_failed);
  };
  run(live());
}

TEST_F(awaiting, executes_with_options) {
  const auto live = [&]() -> task<> {
    const open command{"ann"};
    const execute_options once{.command_id = id_of(77),
                               .tags = {"bank:a tag that is no short one"}};
    EXPECT_FALSE((co_await execute(accounts, id, command, once)).value().append.already_applied);
    EXPECT_TRUE((co_await execute(accounts, id, command, once)).value().append.already_applied);
    auto again = execute(accounts, id, open{"ann"}, {.command_id = id_of(77)});
    EXPECT_TRUE((co_await again).value().append.already_applied);
    auto other = execute(accounts, id, open{"bob"}, {.command_id = id_of(77)});
    EXPECT_EQ((co_await other).error().code(), errc::command_id_reused);
  };
  run(live());
}

TEST_F(awaiting, retries_a_conflict_with_the_state_that_won) {
  accounts.execute(id, open{"ann"}).value();
  int tries = 0;
  const auto live = [&]() -> task<executed> {
    const auto double_it = [&](const account& a) -> account_domain::decision {
      if (tries++ == 0) deposit_meanwhile(100);
      return deposited{a.balance};
    };
    co_return (co_await transact(accounts, id, double_it)).value();
  };
  EXPECT_EQ(run(live()).attempts, 2);
  EXPECT_EQ(accounts.load(id)->state.balance, 200);
}

TEST_F(awaiting, gives_up_when_its_attempts_are_spent) {
  accounts.execute(id, open{"ann"}).value();
  const auto live = [&]() -> task<result<executed>> {
    auto interfered = transact(accounts, id,
                               [&](const account&) -> account_domain::decision {
                                 deposit_meanwhile(1);
                                 return deposited{1};
                               },
                               {.attempts = 3});
    co_return co_await interfered;
  };
  const auto outcome = run(live());
  EXPECT_EQ(outcome.error().code(), errc::version_conflict);
  EXPECT_NE(outcome.error().message().find("3 attempts"), std::string::npos);
}

/// Counts how often it was destroyed while it held something.
struct tracked {
  explicit tracked(std::multiset<const void*>& all) : alive(&all) { alive->insert(this); }
  tracked(const tracked& other) : alive(other.alive) { alive->insert(this); }
  tracked& operator=(const tracked&) = delete;
  ~tracked() {
    EXPECT_EQ(alive->count(this), 1U) << "destroyed twice";
    alive->erase(this);
  }
  std::multiset<const void*>* alive;
};

TEST_F(awaiting, destroys_every_argument_once) {
  std::multiset<const void*> alive;
  const auto live = [&](const tracked& kept) -> task<> {
    auto reading = read(*store, {}, [kept](const event_batch&) { return flow::more; });
    (co_await reading).value();
    auto changing = transact(accounts, id, [kept](const account&) -> account_domain::decision {
      return opened{"an owner whose name is no short string at all"};
    });
    (co_await changing).value();
    const auto same = [kept](const account&) -> account_domain::decision { return {}; };
    (co_await transact(accounts, id, same)).value();
  };
  {
    const tracked kept(alive);
    run(live(kept));
  }
  EXPECT_TRUE(alive.empty());
}

TEST_F(awaiting, a_call_made_inside_the_expression_is_refused_where_its_arguments_would_die_twice) {
  using borrowed = decltype([&](const event_batch&) { return flow::more; });
  EXPECT_TRUE(awaits_unnamed<const open&>);
  EXPECT_TRUE(awaits_unnamed<deposit>);
  EXPECT_TRUE(awaits_unnamed<borrowed>);
  EXPECT_TRUE(awaits_unnamed<append_request>);
  EXPECT_EQ(awaits_unnamed<open>, !await_destroys_temporaries_twice);
  EXPECT_EQ(awaits_unnamed<execute_options>, !await_destroys_temporaries_twice);
  EXPECT_EQ(awaits_unnamed<read_request>, !await_destroys_temporaries_twice);
}

TEST_F(awaiting, a_call_is_awaited_once) {
  const auto twice = [&]() -> task<> {
    auto once = execute(accounts, id, deposit{1});
    (void)co_await once;
    (void)co_await once;
  };
  EXPECT_DEATH(run(twice()), "a call is awaited once");
}

TEST_F(awaiting, a_call_that_is_never_awaited_is_never_made) {
  {
    const auto never = execute(accounts, id, open{"ann"});
    static_cast<void>(never);
  }
  EXPECT_EQ(store->head().value().in(0).sequence, 0U);
}

TEST_F(awaiting, concurrent_commands_of_many_tasks_all_take_effect) {
  accounts.execute(id, open{"ann"}).value();
  constexpr int threads = 4;
  constexpr int tasks = 50;
  const auto pay_in = [&]() -> task<result<executed>> {
    auto paying =
        execute(accounts, id, deposit{1}, {.attempts = 1000, .budget = std::chrono::minutes(1)});
    co_return co_await paying;
  };
  {
    std::vector<std::jthread> running;
    for (int t = 0; t < threads; ++t)
      running.emplace_back([&] {
        for (int i = 0; i < tasks; ++i) EXPECT_TRUE(run(pay_in()));
      });
  }
  EXPECT_EQ(accounts.load(id)->state.balance, threads * tasks);
}

}  // namespace
}  // namespace annals
