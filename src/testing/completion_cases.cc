#include <cstdlib>

#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

constexpr std::chrono::seconds patience{30};

flow go_on(const event_batch&) {
  return flow::more;
}

/// A chain of calls, each started by the completion of the one before.
struct chain {
  std::size_t left;
  std::function<void(std::move_only_function<void()> then)> call;
  gate& ended;

  void next() {
    if (left == 0) return ended.open();
    --left;
    call([this] { next(); });
  }
};

/// Runs, in a process of its own, an append whose completion does something, and waits for it.
void complete_with(const subject& like, const std::function<void(subject& on)>& inside) {
  subject on(like.tested(), like.directory());
  gate never(on.world());
  on.store().append(writing("order-1", expect::any(), facts(1)).request(),
                    [&](const result<appended>&) { inside(on); });
  never.pass_within(std::chrono::seconds(5));
  std::_Exit(0);
}

constexpr conformance_case cases[] = {
    {"runs_exactly_once_whatever_the_answer",
     [](subject& on) {
       inbox<appended> answers(on.world());
       for (std::uint64_t i = 0; i < 50; ++i) {
         auto stored = writing("order-1", expect::at({i}), facts(1));
         auto refused = writing("order-1", expect::at({i + 7}), facts(1));
         auto malformed = writing("order-1", expect::any(), {{.type = ""}});
         for (auto* what : {&stored, &refused, &malformed})
           on.store().append(what->request(), answers.slot());
       }
       EXPECT_EQ(answers.wait_for(150).size(), 150U);
       on.shut();
       EXPECT_EQ(answers.count(), 150U);
     }},

    {"runs_in_the_order_of_the_calls",
     [](subject& on) {
       inbox<appended> answers(on.world());
       for (std::uint64_t i = 0; i < 300; ++i) {
         const auto stream = "order-" + std::to_string(i % 7);
         on.store().append(writing(stream, expect::any(), facts(1)).request(), answers.slot());
       }
       const auto got = answers.wait_for(300);
       ASSERT_EQ(got.size(), 300U);
       for (std::uint64_t i = 0; i < 300; ++i) {
         ASSERT_TRUE(succeeds(got[i]));
         EXPECT_EQ(got[i]->first.sequence, i + 1);
       }
     }},

    {"knows_that_it_is_one",
     [](subject& on) {
       EXPECT_FALSE(inside_completion());
       inbox<bool> inside(on.world());
       const auto tell = [&inside] {
         return [slot = inside.slot()](const auto&) mutable { slot(inside_completion()); };
       };
       on.store().append(writing("order-1", expect::any(), facts(1)).request(), tell());
       on.store().append(writing("", expect::any(), facts(1)).request(), tell());
       on.store().read({}, go_on, tell());
       const auto handle = on.store().notify_past({}, tell());
       for (const auto& one : inside.wait_for(4)) EXPECT_TRUE(one.value());
       EXPECT_FALSE(inside_completion());
     }},

    {"finds_its_event_readable",
     [](subject& on) {
       inbox<read_end> ends(on.world());
       for (int i = 0; i < 50; ++i) {
         on.store().append(writing("order-1", expect::any(), facts(1)).request(),
                           [&](result<appended> stored) {
                             const auto at = stored.value().last.sequence;
                             on.store().read({.first = at, .last = at}, go_on, ends.slot());
                           });
       }
       for (const auto& end : ends.wait_for(50)) EXPECT_EQ(end.value().delivered, 1U);
     }},

    {"may_start_every_call_that_takes_a_completion",
     [](subject& on) {
       inbox<appended> appends(on.world());
       inbox<read_end> reads(on.world());
       inbox<checkpoint> notes(on.world());
       inbox<bool> started(on.world());
       std::unique_ptr<wait_handle> handle;
       on.store().append(writing("order-1", expect::any(), facts(1)).request(),
                         [&, slot = started.slot()](const result<appended>&) mutable {
                           on.store().append(writing("order-1", expect::any(), facts(1)).request(),
                                             appends.slot());
                           on.store().read({.stream = "order-1"}, go_on, reads.slot());
                           handle = on.store().notify_past({}, notes.slot());
                           slot(true);
                         });
       started.wait_for(1);
       EXPECT_TRUE(succeeds(appends.wait_for(1).at(0)));
       EXPECT_TRUE(succeeds(reads.wait_for(1).at(0)));
       EXPECT_TRUE(succeeds(notes.wait_for(1).at(0)));
     }},

    {"may_ask_what_needs_no_completion",
     [](subject& on) {
       inbox<bool> asked(on.world());
       on.store().append(
           writing("order-1", expect::any(), facts(1)).command(id_of("asked")).request(),
           [&, slot = asked.slot()](const result<appended>&) mutable {
             const bool found = on.store().find_command(id_of("asked")).value().has_value();
             const bool listed = on.store().list_streams({}).value().size() == 1;
             const bool held = on.store().head().value().in(0).sequence == 1;
             const bool kept = on.store().load_snapshot("order-1", 0).value().has_value();
             slot(found && listed && held && !kept);
           });
       EXPECT_TRUE(asked.wait_for(1).at(0).value());
     }},

    {"that_starts_the_next_call_100000_times_does_not_grow_the_stack",
     [](subject& on) {
       gate ended(on.world());
       chain reads{.left = 100'000,
                   .call =
                       [&](auto then) {
                         on.store().read({.stream = "order-1"}, go_on,
                                         [then = std::move(then)](const auto&) mutable { then(); });
                       },
                   .ended = ended};
       reads.next();
       EXPECT_TRUE(ended.pass_within(patience));
     }},

    {"that_appends_again_and_again_does_not_grow_the_stack",
     [](subject& on) {
       const bool flushes = on.info().durability != durability::memory;
       gate ended(on.world());
       chain appends{.left = flushes ? 1'000U : 100'000U,
                     .call =
                         [&](auto then) {
                           on.store().append(
                               writing("order-1", expect::any(), facts(1)).request(),
                               [then = std::move(then)](const auto&) mutable { then(); });
                         },
                     .ended = ended};
       appends.next();
       EXPECT_TRUE(ended.pass_within(patience));
     }},

    {"holds_no_lock_that_readers_on_other_threads_need",
     [](subject& on) {
       gate looked(on.world());
       std::unique_ptr<thread> looking;
       inbox<bool> in_time(on.world());
       on.store().append(writing("order-1", expect::any(), facts(1)).request(),
                         [&, slot = in_time.slot()](const result<appended>&) mutable {
                           looking = on.world().spawn("looking", [&] {
                             on.read({}).value();
                             on.head();
                             on.store().list_streams({}).value();
                             on.store().find_command(id_of("unknown")).value();
                             looked.open();
                           });
                           slot(looked.pass_within(patience));
                         });
       EXPECT_TRUE(in_time.wait_for(1).at(0).value());
       if (looking) looking->join();
     }},

    {"asserts_that_nothing_blocks_in_it",
     [](subject& on) {
       EXPECT_DEATH(
           complete_with(
               on, [](subject& own) { (void)own.append("order-1", expect::any(), facts(1)); }),
           "blocking call inside a completion");
       EXPECT_DEATH(complete_with(on, [](subject& own) { (void)own.read({}); }),
                    "blocking call inside a completion");
       EXPECT_DEATH(complete_with(on, [](subject& own) { (void)own.store().close(); }),
                    "blocking call inside a completion");
     }},

    {"asserts_that_the_store_outlives_it",
     [](subject& on) {
       EXPECT_DEATH(complete_with(on, [](subject& own) { own.destroy_store(); }),
                    "store destroyed inside a completion");
     }},

    {"that_throws_ends_the_process",
     [](subject& on) {
       EXPECT_DEATH(complete_with(on, [](subject&) { throw std::runtime_error("thrown here"); }),
                    "thrown here");
     }},
};

}  // namespace

case_list completion_cases() {
  return cases;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
