#include "annals/limits.h"
#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

/// Holds back the store's completions until it is opened: every append made meanwhile is in flight.
class held_completions {
 public:
  explicit held_completions(subject& on)
      : held_(std::make_shared<gates>(on.world())), caller_(this_thread_mark()) {
    on.store().append(writing("first-1", expect::none(), facts(1)).request(),
                      [shared = held_, caller = caller_](const result<appended>&) {
                        shared->inside_the_call = this_thread_mark() == caller;
                        shared->reached.open();
                        if (!shared->inside_the_call) shared->released.pass();
                      });
    EXPECT_TRUE(held_->reached.pass_within(std::chrono::seconds(30)));
  }
  ~held_completions() { release(); }
  held_completions(const held_completions&) = delete;
  held_completions& operator=(const held_completions&) = delete;

  /// False for engines that complete appends inside the call: nothing is ever in flight there.
  bool possible() const { return !held_->inside_the_call; }
  void release() { held_->released.open(); }

 private:
  struct gates {
    explicit gates(env& world) : reached(world), released(world) {}
    gate reached;
    gate released;
    std::atomic<bool> inside_the_call{false};
  };
  std::shared_ptr<gates> held_;
  const void* caller_;
};

/// How many of these were stored; the others must have been answered `overloaded`.
std::size_t count_stored(const std::vector<result<appended>>& answers) {
  std::size_t stored = 0;
  for (const auto& one : answers) {
    if (one)
      ++stored;
    else
      EXPECT_TRUE(fails(one, errc::overloaded));
  }
  return stored;
}

/// Appends `calls` times while completions are held back; answers how many were stored.
std::size_t store_while_held(subject& on, std::size_t calls, const fact& one) {
  held_completions held(on);
  if (!held.possible()) return 0;
  inbox<appended> answers(on.world());
  for (std::size_t i = 0; i < calls; ++i)
    on.store().append(writing("order-1", expect::any(), {one}).request(), answers.slot());
  held.release();
  return count_stored(answers.wait_for(calls));
}

constexpr conformance_case cases[] = {
    {"appends_with_consecutive_versions_are_all_stored",
     [](subject& on) {
       inbox<appended> answers(on.world());
       for (std::uint64_t i = 0; i < 1000; ++i)
         on.store().append(writing("order-1", expect::at({i}), facts(1)).request(), answers.slot());
       const auto got = answers.wait_for(1000);
       ASSERT_EQ(got.size(), 1000U);
       for (std::uint64_t i = 0; i < 1000; ++i) {
         ASSERT_TRUE(succeeds(got[i]));
         EXPECT_EQ(got[i]->stream_version, version{i + 1});
       }
       on.now_and_reopened(
           [&] { EXPECT_EQ(on.read_stream("order-1").end.stream_version, version{1000}); });
     }},

    {"appends_after_one_that_fails_fail_with_it",
     [](subject& on) {
       inbox<appended> answers(on.world());
       ASSERT_TRUE(succeeds(on.append(writing("cart-1", expect::none()).command(id_of("used")))));
       on.store().append(writing("order-1", expect::at({0}), facts(1)).request(), answers.slot());
       on.store().append(
           writing("order-1", expect::at({1}), facts(1)).command(id_of("used")).request(),
           answers.slot());
       for (std::uint64_t i = 2; i < 5; ++i)
         on.store().append(writing("order-1", expect::at({i}), facts(1)).request(), answers.slot());
       const auto got = answers.wait_for(5);
       ASSERT_EQ(got.size(), 5U);
       EXPECT_TRUE(succeeds(got[0]));
       EXPECT_TRUE(fails(got[1], errc::command_id_reused));
       for (std::size_t i = 2; i < 5; ++i) {
         ASSERT_TRUE(fails(got[i], errc::version_conflict));
         EXPECT_EQ(got[i].error().why()->actual, version{1});
       }
       EXPECT_EQ(on.read_stream("order-1").end.stream_version, version{1});
     }},

    {"command_id_is_known_to_the_next_append",
     [](subject& on) {
       inbox<appended> answers(on.world());
       auto pay = writing("order-1", expect::none(), facts(1)).command(id_of("pay"));
       auto other = writing("order-1", expect::none(), facts(2)).command(id_of("pay"));
       on.store().append(pay.request(), answers.slot());
       on.store().append(pay.request(), answers.slot());
       on.store().append(other.request(), answers.slot());
       const auto got = answers.wait_for(3);
       ASSERT_EQ(got.size(), 3U);
       ASSERT_TRUE(succeeds(got[0]));
       ASSERT_TRUE(succeeds(got[1]));
       EXPECT_FALSE(got[0]->already_applied);
       EXPECT_TRUE(got[1]->already_applied);
       EXPECT_EQ(got[1]->first, got[0]->first);
       EXPECT_TRUE(fails(got[2], errc::command_id_reused));
     }},

    {"append_that_refuses_another_is_readable_when_that_is_answered",
     [](subject& on) {
       inbox<appended> stored(on.world());
       inbox<read_end> seen(on.world());
       auto refused = writing("order-1", expect::none(), facts(1));
       auto known = writing("order-1", expect::none(), facts(1)).command(id_of("pay"));
       on.store().append(known.request(), stored.slot());
       const auto look = [&](const result<appended>&) {
         on.store().read(
             {.stream = "order-1"}, [](const auto&) { return flow::more; }, seen.slot());
       };
       on.store().append(refused.request(), look);
       on.store().append(known.request(), look);
       for (const auto& end : seen.wait_for(2)) EXPECT_EQ(end.value().delivered, 1U);
       EXPECT_TRUE(succeeds(stored.wait_for(1).at(0)));
     }},

    {"events_that_were_read_once_are_read_again",
     [](subject& on) {
       inbox<appended> answers(on.world());
       std::uint64_t seen = 0;
       for (std::uint64_t i = 0; i < 200; ++i) {
         on.store().append(writing("order-1", expect::at({i}), facts(1)).request(), answers.slot());
         const auto read = on.read_store();
         EXPECT_GE(read.events.size(), seen) << "what was read once is read again";
         seen = read.events.size();
         EXPECT_EQ(read.end.scanned_to.in(0).sequence, seen);
       }
       EXPECT_EQ(answers.wait_for(200).size(), 200U);
       EXPECT_EQ(on.read_store().events.size(), 200U);
     }},

    {"appends_beyond_the_bound_are_answered_overloaded",
     [](subject& on) {
       const auto stored = store_while_held(on, limits::appends_in_flight + 500, {});
       if (stored == 0) GTEST_SKIP() << "the store completes appends inside the call";
       EXPECT_LE(stored, limits::appends_in_flight);
       EXPECT_GE(stored + 1, limits::appends_in_flight) << "refused without need";
       on.now_and_reopened([&] {
         EXPECT_EQ(on.read_stream("order-1").events.size(), stored) << "nothing of the others";
       });
       EXPECT_TRUE(succeeds(on.append("order-1", expect::any(), facts(1))));
     }},

    {"bytes_beyond_the_bound_are_answered_overloaded",
     [](subject& on) {
       constexpr std::size_t size = 1U << 20U;
       constexpr auto fitting = limits::appends_in_flight_bytes / size;
       const auto stored = store_while_held(on, fitting + 20, {.payload = std::string(size, 'x')});
       if (stored == 0) GTEST_SKIP() << "the store completes appends inside the call";
       EXPECT_LE(stored, fitting);
       EXPECT_GE(stored + 2, fitting) << "refused without need";
     }},

    {"bounds_make_the_blocking_form_wait",
     [](subject& on) {
       held_completions held(on);
       if (!held.possible()) GTEST_SKIP() << "the store completes appends inside the call";
       inbox<appended> answers(on.world());
       for (std::size_t i = 0; i < limits::appends_in_flight + 10; ++i)
         on.store().append(writing("order-1", expect::any(), facts(1)).request(), answers.slot());
       gate answered(on.world());
       result<appended> blocking;
       const auto waiting = on.world().spawn("waiting", [&] {
         blocking = on.append("order-2", expect::none(), facts(1));
         answered.open();
       });
       EXPECT_FALSE(answered.pass_within(std::chrono::milliseconds(50)));
       held.release();
       waiting->join();
       EXPECT_TRUE(succeeds(blocking));
       answers.wait_for(limits::appends_in_flight + 10);
     }},
};

}  // namespace

case_list in_flight_cases() {
  return cases;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
