#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

constexpr std::chrono::seconds patience{30};

constexpr conformance_case cases[] = {
    {"completes_at_once_when_there_is_more_already",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(2))));
       const auto seen = on.read({.limit = 1}).value().end.scanned_to;
       on.now_and_reopened([&] {
         for (const auto& from : {checkpoint{}, seen}) {
           inbox<checkpoint> notes(on.world());
           const auto handle = on.store().notify_past(from, notes.slot());
           EXPECT_EQ(notes.wait_for(1).at(0).value(), on.head());
         }
       });
     }},

    {"completes_when_something_is_appended",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       inbox<checkpoint> notes(on.world());
       const auto seen = on.head();
       const auto handle = on.store().notify_past(seen, notes.slot());
       on.world().park(std::atomic<std::uint32_t>{0}, 0, std::chrono::milliseconds(20));
       EXPECT_EQ(notes.count(), 0U) << "there is nothing more yet";
       ASSERT_TRUE(succeeds(on.append("order-2", expect::none(), facts(1))));
       const auto told = notes.wait_for(1).at(0);
       ASSERT_TRUE(succeeds(told));
       EXPECT_TRUE(*told > seen);
       EXPECT_FALSE(*told > on.head());
     }},

    {"does_not_complete_for_what_adds_no_event",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       inbox<checkpoint> notes(on.world());
       const auto handle = on.store().notify_past(on.head(), notes.slot());
       ASSERT_TRUE(succeeds(on.append(writing("order-1", expect::any()).command(id_of("none")))));
       EXPECT_TRUE(fails(on.append("order-1", expect::none(), facts(1)), errc::version_conflict));
       ASSERT_TRUE(succeeds(on.store().retain("order-1", {.max_count = 5})));
       on.world().park(std::atomic<std::uint32_t>{0}, 0, std::chrono::milliseconds(20));
       EXPECT_EQ(notes.count(), 0U);
     }},

    {"finds_what_it_tells_of_readable",
     [](subject& on) {
       inbox<read_end> reads(on.world());
       const auto handle = on.store().notify_past({}, [&](const result<checkpoint>&) {
         on.store().read({}, [](const event_batch&) { return flow::more; }, reads.slot());
       });
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(3))));
       EXPECT_EQ(reads.wait_for(1).at(0).value().delivered, 3U);
     }},

    {"completes_once",
     [](subject& on) {
       inbox<checkpoint> notes(on.world());
       const auto handle = on.store().notify_past({}, notes.slot());
       for (int i = 0; i < 20; ++i)
         ASSERT_TRUE(succeeds(on.append("order-1", expect::any(), facts(1))));
       on.shut();
       EXPECT_EQ(notes.count(), 1U);
     }},

    {"completes_on_no_callers_thread",
     [](subject& on) {
       gate told(on.world());
       const void* ran_on = nullptr;
       const auto note = [&](const result<checkpoint>&) {
         ran_on = this_thread_mark();
         told.open();
       };
       {
         const auto handle = on.store().notify_past({}, note);
         ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
         ASSERT_TRUE(told.pass_within(patience));
         EXPECT_NE(ran_on, this_thread_mark());
       }
       gate told_at_once(on.world());
       const auto handle = on.store().notify_past({}, [&](const result<checkpoint>&) {
         ran_on = this_thread_mark();
         told_at_once.open();
       });
       ASSERT_TRUE(told_at_once.pass_within(patience));
       EXPECT_NE(ran_on, this_thread_mark());
     }},

    {"tells_everyone_who_waits",
     [](subject& on) {
       inbox<checkpoint> notes(on.world());
       std::vector<std::unique_ptr<wait_handle>> handles;
       for (int i = 0; i < 50; ++i) handles.push_back(on.store().notify_past({}, notes.slot()));
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       EXPECT_EQ(notes.wait_for(50).size(), 50U);
     }},

    {"ends_with_its_handle",
     [](subject& on) {
       inbox<checkpoint> notes(on.world());
       auto handle = on.store().notify_past({}, notes.slot());
       handle.reset();
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       on.shut();
       EXPECT_EQ(notes.count(), 0U);
     }},

    {"gives_up_its_completion_with_its_handle",
     [](subject& on) {
       auto kept = std::make_shared<int>(0);
       auto handle = on.store().notify_past({}, [kept](const result<checkpoint>&) { ++*kept; });
       EXPECT_EQ(kept.use_count(), 2);
       handle.reset();
       EXPECT_EQ(kept.use_count(), 1);
     }},

    {"handle_waits_for_a_completion_that_is_running",
     [](subject& on) {
       gate running(on.world());
       std::atomic<bool> ended{false};
       auto handle = on.store().notify_past({}, [&](const result<checkpoint>&) {
         running.open();
         on.world().park(std::atomic<std::uint32_t>{0}, 0, std::chrono::milliseconds(50));
         ended = true;
       });
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       ASSERT_TRUE(running.pass_within(patience));
       handle.reset();
       EXPECT_TRUE(ended);
     }},

    {"handle_may_be_destroyed_by_its_own_completion",
     [](subject& on) {
       gate done(on.world());
       std::unique_ptr<wait_handle> handle;
       gate assigned(on.world());
       handle = on.store().notify_past({}, [&](const result<checkpoint>&) {
         assigned.pass();
         handle.reset();
         done.open();
       });
       assigned.open();
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       EXPECT_TRUE(done.pass_within(patience));
     }},

    {"lets_a_reader_follow_without_missing_anything",
     [](subject& on) {
       constexpr std::uint64_t wanted = 200;
       const auto writer = on.world().spawn("writer", [&] {
         for (std::uint64_t i = 0; i < wanted; ++i)
           EXPECT_TRUE(succeeds(
               on.store().append(writing("order-1", expect::at({i}), facts(1)).request())));
       });
       std::vector<std::uint64_t> seen;
       checkpoint at;
       while (seen.size() < wanted && !::testing::Test::HasFailure()) {
         const auto more = on.read({.after = at}).value();
         for (const auto sequence : more.sequences()) seen.push_back(sequence);
         at = more.end.scanned_to;
         inbox<checkpoint> notes(on.world());
         const auto handle = on.store().notify_past(at, notes.slot());
         if (seen.size() < wanted) notes.wait_for(1);
       }
       writer->join();
       ASSERT_EQ(seen.size(), wanted);
       for (std::uint64_t i = 0; i < wanted; ++i) EXPECT_EQ(seen[i], i + 1);
     }},
};

}  // namespace

case_list notify_cases() {
  return cases;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
