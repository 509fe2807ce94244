#include <cstdlib>
#include <stop_token>

#include "../core/stack_for_tests.h"
#include "annals/await.h"
#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

constexpr std::chrono::seconds patience{30};

flow go_on(const event_batch&) {
  return flow::more;
}

/// A coroutine of another kind than ours: starts at once, and its owner may destroy it.
class owned_coroutine {
 public:
  struct promise_type {
    owned_coroutine get_return_object() noexcept {
      return owned_coroutine(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
  explicit owned_coroutine(std::coroutine_handle<promise_type> coroutine) : coroutine_(coroutine) {}
  owned_coroutine(owned_coroutine&& other) noexcept
      : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  ~owned_coroutine() {
    if (coroutine_) coroutine_.destroy();
  }

 private:
  std::coroutine_handle<promise_type> coroutine_;
};

/// Appends one event to a stream again and again, expecting to be alone with it.
task<result<appended>> fill(event_store& store, std::string stream, std::uint64_t events) {
  result<appended> last = appended{};
  for (std::uint64_t i = 0; i < events && last; ++i) {
    auto fact = writing(stream, expect::at({i}), facts(1));
    last = co_await append(store, fact.request());
  }
  co_return last;
}

/// Waits once, and says what it was told.
task<> wait_once(event_store& store, checkpoint seen, completion<checkpoint> told) {
  told(co_await notify_past(store, seen));
}

owned_coroutine wait_owned(event_store& store, checkpoint seen, completion<checkpoint> told) {
  co_await wait_once(store, seen, std::move(told));
}

owned_coroutine wait_directly(event_store& store, checkpoint seen, completion<checkpoint> told) {
  told(co_await notify_past(store, seen));
}

/// Follows the store until a stop is asked for; counts what it sees.
task<result<std::uint64_t>> follow(event_store& store, std::stop_token stop,
                                   std::atomic<std::uint64_t>& seen) {
  read_request request;
  while (!stop.stop_requested()) {
    const auto count = [&](const event_batch& batch) {
      seen += batch.events.size();
      return flow::more;
    };
    const auto end = co_await read(store, request, count);
    if (!end) co_return std::unexpected(end.error());
    request.after = end->scanned_to;
    const auto told = co_await notify_past(store, request.after, stop);
    if (!told) co_return std::unexpected(told.error());
  }
  co_return seen.load();
}

constexpr conformance_case cases[] = {
    {"is_answered_as_the_other_forms_are",
     [](subject& on) {
       const auto live = [&]() -> task<> {
         auto first = writing("order-1", expect::none(), facts(2));
         const auto stored = co_await append(on.store(), first.request());
         EXPECT_EQ(stored.value().stream_version, version{2});
         const auto conflict = co_await append(on.store(), first.request());
         EXPECT_TRUE(fails(conflict, errc::version_conflict));
         EXPECT_EQ(conflict.error().why()->actual, version{2});
         auto malformed = writing("", expect::any(), facts(1));
         EXPECT_TRUE(
             fails(co_await append(on.store(), malformed.request()), errc::invalid_argument));
         const auto head = co_await notify_past(on.store(), checkpoint());
         EXPECT_EQ(head.value().in(0).sequence, 2U);
       };
       sync_wait(live(), on.world());
     }},

    {"reads_with_a_sink",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(5))));
       const auto live = [&]() -> task<> {
         std::vector<std::uint64_t> versions;
         const read_request request{.stream = "order-1", .from = {2}, .limit = 3};
         const auto keep = [&](const event_batch& batch) {
           for (const auto& view : batch.events) versions.push_back(view.version().number);
           return flow::more;
         };
         const auto end = co_await read(on.store(), request, keep);
         EXPECT_EQ(end.value().delivered, 3U);
         EXPECT_EQ(versions, (std::vector<std::uint64_t>{2, 3, 4}));
       };
       sync_wait(live(), on.world());
     }},

    {"hears_of_a_sink_that_throws",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       const auto live = [&]() -> task<> {
         const read_request request{.stream = "order-1"};
         const auto throwing = [&](const event_batch&) -> flow {
           throw std::runtime_error("the sink threw");
         };
         const auto end = co_await read(on.store(), request, throwing);
         EXPECT_TRUE(fails(end, errc::handler_failed));
         EXPECT_NE(end.error().message().find("the sink threw"), std::string::npos);
       };
       sync_wait(live(), on.world());
     }},

    {"needs_what_a_request_points_to_until_it_has_suspended",
     [](subject& on) {
       std::string payload = R"({"is":"here"})";
       std::string stream = "order-1";
       const new_event event{.type = "noted", .payload = std::as_bytes(std::span(payload))};
       const stream_write write{.name = stream, .events = std::span(&event, 1)};
       const append_request request{.streams = std::span(&write, 1)};
       const auto live = [&]() -> task<result<appended>> {
         co_return co_await append(on.store(), request);
       };
       inbox<appended> stored(on.world());
       start_detached(live(), stored.slot());
       payload.assign(payload.size(), '?');
       stream.assign(stream.size(), '?');
       EXPECT_TRUE(succeeds(stored.wait_for(1).at(0)));
       EXPECT_EQ(on.read_stream("order-1").texts(), std::vector<std::string>{R"({"is":"here"})"});
     }},

    {"goes_on_in_a_completion_or_where_it_was",
     [](subject& on) {
       inbox<void> ends(on.world());
       const void* caller = this_thread_mark();
       const auto live = [&]() -> task<> {
         for (int i = 0; i < 20; ++i) {
           auto fact = writing("order-1", expect::any(), facts(1));
           (co_await append(on.store(), fact.request())).value();
           EXPECT_TRUE(inside_completion() || this_thread_mark() == caller);
           (co_await notify_past(on.store(), checkpoint())).value();
           EXPECT_TRUE(inside_completion() || this_thread_mark() == caller);
         }
       };
       start_detached(live(), ends.slot());
       ends.wait_for(1);
     }},

    {"that_appends_again_and_again_does_not_grow_the_stack",
     [](subject& on) {
       const bool flushes = on.info().durability != durability::memory;
       const int rounds = flushes ? 1'000 : 100'000;
       stack_watch watch;
       const auto live = [&]() -> task<> {
         auto fact = writing("order-1", expect::any(), facts(1));
         const auto request = fact.request();
         for (int i = 0; i < rounds; ++i) {
           (co_await append(on.store(), request)).value();
           watch.look();
         }
       };
       sync_wait(live(), on.world());
       EXPECT_LT(watch.growth(), bounded_stack);
     }},

    {"that_reads_again_and_again_does_not_grow_the_stack",
     [](subject& on) {
       stack_watch watch;
       const auto live = [&]() -> task<> {
         const read_request request{.stream = "order-1"};
         for (int i = 0; i < 100'000; ++i) {
           (co_await read(on.store(), request, go_on)).value();
           watch.look();
         }
       };
       sync_wait(live(), on.world());
       EXPECT_LT(watch.growth(), bounded_stack);
     }},

    {"runs_beside_a_thousand_others_that_one_thread_started",
     [](subject& on) {
       inbox<appended> ends(on.world());
       for (int i = 0; i < 1'000; ++i)
         start_detached(fill(on.store(), "order-" + std::to_string(i), 5), ends.slot());
       for (const auto& end : ends.wait_for(1'000)) {
         ASSERT_TRUE(succeeds(end));
         EXPECT_EQ(end->stream_version, version{5});
       }
       on.now_and_reopened([&] { EXPECT_EQ(on.head().in(0).sequence, 5'000U); });
     }},

    {"loses_to_concurrent_ones_with_a_conflict_and_never_overwrites_them",
     [](subject& on) {
       constexpr std::uint64_t events = 50;
       inbox<appended> ends(on.world());
       on.on_threads(4, [&](std::size_t) {
         start_detached(fill(on.store(), "order-1", events), ends.slot());
       });
       std::size_t won = 0;
       for (const auto& end : ends.wait_for(4)) {
         EXPECT_TRUE(end || fails(end, errc::version_conflict));
         won += end ? 1 : 0;
       }
       EXPECT_LE(won, 1U);
       const auto versions = on.read_stream("order-1").versions();
       EXPECT_LE(versions.size(), events);
       for (std::size_t i = 0; i < versions.size(); ++i) EXPECT_EQ(versions[i], i + 1);
     }},

    {"waits_until_something_is_appended",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       const auto seen = on.head();
       inbox<checkpoint> told(on.world());
       inbox<void> ends(on.world());
       start_detached(wait_once(on.store(), seen, told.slot()), ends.slot());
       on.world().park(std::atomic<std::uint32_t>{0}, 0, std::chrono::milliseconds(20));
       EXPECT_EQ(told.count(), 0U) << "there is nothing more yet";
       ASSERT_TRUE(succeeds(on.append("order-2", expect::none(), facts(1))));
       EXPECT_TRUE(told.wait_for(1).at(0).value() > seen);
       ends.wait_for(1);
     }},

    {"that_waits_hears_of_close",
     [](subject& on) {
       inbox<checkpoint> told(on.world());
       inbox<void> ends(on.world());
       start_detached(wait_once(on.store(), {}, told.slot()), ends.slot());
       on.shut();
       EXPECT_TRUE(fails(told.wait_for(1).at(0), errc::shutting_down));
       ends.wait_for(1);
     }},

    {"that_waits_may_be_destroyed",
     [](subject& on) {
       auto kept = std::make_shared<int>(0);
       {
         const auto told = [kept](const result<checkpoint>&) { ++*kept; };
         const auto nested = wait_owned(on.store(), {}, told);
         const auto direct = wait_directly(on.store(), {}, told);
         EXPECT_GT(kept.use_count(), 2);
       }
       EXPECT_EQ(kept.use_count(), 1) << "what the coroutines held is given back";
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       on.shut();
       EXPECT_EQ(*kept, 0);
     }},

    {"that_waits_may_be_destroyed_inside_a_completion_while_its_own_is_due",
     [](subject& on) {
       for (int round = 0; round < 200; ++round) {
         inbox<checkpoint> told(on.world());
         inbox<bool> destroyed(on.world());
         std::optional<owned_coroutine> waiting;
         auto write = writing("order-1", expect::any(), facts(1));
         const auto seen = on.head();
         inbox<checkpoint> first(on.world());
         auto handle = on.store().notify_past(
             seen, [&, slot = destroyed.slot()](const result<checkpoint>&) mutable {
               waiting.reset();  // its answer is next in the queue
               slot(true);
             });
         waiting.emplace(wait_owned(on.store(), seen, told.slot()));
         on.store().append(write.request(), [](const result<appended>&) {});
         destroyed.wait_for(1);
         handle.reset();
         EXPECT_EQ(told.count(), 0U);
       }
       on.shut();
     }},

    {"goes_on_with_what_it_had_seen_when_a_stop_is_asked_for",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       const auto seen = on.head();
       const auto live = [&](std::stop_token stop) -> task<result<checkpoint>> {
         co_return co_await notify_past(on.store(), seen, stop);
       };
       for (const bool before : {true, false}) {
         std::stop_source source;
         inbox<checkpoint> told(on.world());
         if (before) source.request_stop();
         start_detached(live(source.get_token()), told.slot());
         EXPECT_EQ(told.count(), before ? 1U : 0U);
         source.request_stop();
         EXPECT_EQ(told.wait_for(1).at(0).value(), seen);
       }
       ASSERT_TRUE(succeeds(on.append("order-1", expect::any(), facts(1))));
     }},

    {"is_answered_once_when_a_stop_and_an_append_are_concurrent",
     [](subject& on) {
       for (int round = 0; round < 200; ++round) {
         const auto seen = on.head();
         std::stop_source source;
         inbox<checkpoint> told(on.world());
         const auto live = [&](std::stop_token stop) -> task<result<checkpoint>> {
           co_return co_await notify_past(on.store(), seen, stop);
         };
         start_detached(live(source.get_token()), told.slot());
         auto asking = on.world().spawn("asking", [&] { source.request_stop(); });
         ASSERT_TRUE(succeeds(on.append("order-1", expect::any(), facts(1))));
         asking->join();
         EXPECT_TRUE(succeeds(told.wait_for(1).at(0)));
         EXPECT_EQ(told.count(), 1U);
       }
     }},

    {"follows_concurrent_writers_and_misses_nothing",
     [](subject& on) {
       std::stop_source source;
       std::atomic<std::uint64_t> seen{0};
       inbox<std::uint64_t> ends(on.world());
       start_detached(follow(on.store(), source.get_token(), seen), ends.slot());
       on.on_threads(4, [&](std::size_t thread) {
         const auto stream = "order-" + std::to_string(thread);
         for (int i = 0; i < 50; ++i)
           EXPECT_TRUE(succeeds(on.append(stream, expect::any(), facts(1))));
       });
       const auto deadline = on.world().monotonic() + patience;
       while (seen < 200 && on.world().monotonic() < deadline) on.pause();
       source.request_stop();
       EXPECT_EQ(ends.wait_for(1).at(0).value(), 200U);
     }},

    {"may_not_be_destroyed_while_its_append_is_in_flight",
     [](subject& on) {
       const auto live = [](event_store& store) -> owned_coroutine {
         auto fact = writing("order-1", expect::any(), facts(1));
         (co_await append(store, fact.request())).value();
       };
       if (on.info().durability == durability::memory)
         GTEST_SKIP() << "the store completes appends inside the call";
       EXPECT_DEATH(
           {
             subject own(on.tested(), on.directory());
             // Held back, so that the append is in flight when the coroutine is destroyed.
             gate reached(own.world());
             gate released(own.world());
             auto held = writing("order-1", expect::any(), facts(1));
             own.store().append(held.request(), [&](const result<appended>&) {
               reached.open();
               released.pass();
             });
             reached.pass();
             live(own.store());
             std::_Exit(0);
           },
           "destroyed while its call is in flight");
     }},
};

}  // namespace

case_list coroutine_cases() {
  return cases;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
