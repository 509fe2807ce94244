#include <algorithm>

#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

constexpr std::size_t writers = 4;

/// Reads the store on and on until told to stop; true when every read went on without a gap.
bool follow(subject& on, const std::atomic<bool>& stop) {
  checkpoint at;
  std::uint64_t last = 0;
  bool gapless = true;
  for (bool final = false; !final;) {
    on.pause();
    final = stop;
    const auto end = on.store().read({.after = at}, [&](const event_batch& batch) {
      for (const auto& view : batch.events) {
        gapless = gapless && view.position().sequence == last + 1;
        last = view.position().sequence;
      }
      return flow::more;
    });
    if (!end) return false;
    at = end->scanned_to;
  }
  return gapless && last == on.head().in(0).sequence;
}

constexpr conformance_case cases[] = {
    {"append_to_one_stream_and_exactly_one_wins_per_version",
     [](subject& on) {
       constexpr std::uint64_t rounds = 50;
       std::atomic<std::size_t> won{0};
       std::atomic<std::size_t> lost{0};
       on.on_threads(writers, [&](std::size_t) {
         for (std::uint64_t i = 0; i < rounds; ++i) {
           const auto answer = on.append("order-1", expect::at({i}), facts(1));
           if (answer) {
             ++won;
           } else {
             ++lost;
             EXPECT_TRUE(fails(answer, errc::version_conflict));
             EXPECT_GT(answer.error().why()->actual.number, i) << "it learns who won";
           }
         }
       });
       EXPECT_EQ(won, rounds);
       EXPECT_EQ(lost, (writers - 1) * rounds);
       on.now_and_reopened([&] { EXPECT_EQ(on.read_stream("order-1").events.size(), rounds); });
     }},

    {"append_to_many_streams_and_nothing_is_lost_or_doubled",
     [](subject& on) {
       constexpr std::uint64_t rounds = 100;
       on.on_threads(writers, [&](std::size_t number) {
         const auto name = "order-" + std::to_string(number);
         for (std::uint64_t i = 0; i < rounds; ++i)
           EXPECT_TRUE(
               succeeds(on.append(name, expect::at({i}), {{.payload = std::to_string(i)}})));
       });
       on.now_and_reopened([&] {
         const auto all = on.read_store();
         ASSERT_EQ(all.events.size(), writers * rounds);
         for (std::size_t i = 0; i < all.events.size(); ++i) ASSERT_EQ(all.sequences()[i], i + 1);
         for (std::size_t number = 0; number < writers; ++number) {
           const auto texts = on.read_stream("order-" + std::to_string(number)).texts();
           ASSERT_EQ(texts.size(), rounds);
           for (std::uint64_t i = 0; i < rounds; ++i) EXPECT_EQ(texts[i], std::to_string(i));
         }
       });
     }},

    {"of_one_command_id_apply_it_once",
     [](subject& on) {
       constexpr int rounds = 25;
       std::atomic<int> applied{0};
       on.on_threads(writers, [&](std::size_t) {
         for (int i = 0; i < rounds; ++i) {
           const auto id = id_of("command " + std::to_string(i));
           const auto answer = on.append(writing("order-1", expect::any(), facts(1)).command(id));
           ASSERT_TRUE(succeeds(answer));
           if (!answer->already_applied) ++applied;
         }
       });
       EXPECT_EQ(applied, rounds);
       EXPECT_EQ(on.read_stream("order-1").events.size(), static_cast<std::size_t>(rounds));
     }},

    {"under_one_condition_let_one_win",
     [](subject& on) {
       constexpr int rounds = 25;
       std::atomic<int> won{0};
       on.on_threads(writers, [&](std::size_t number) {
         for (int i = 0; i < rounds; ++i) {
           const std::vector<std::string> email{"email:" + std::to_string(i)};
           const auto stream = "user-" + std::to_string(number) + "-" + std::to_string(i);
           const auto answer = on.append(
               writing(stream, expect::none(), {{.tags = email}}).unless({{.tags = email}}));
           if (answer)
             ++won;
           else
             EXPECT_TRUE(fails(answer, errc::condition_failed));
         }
       });
       EXPECT_EQ(won, rounds);
     },
     need::conditions},

    {"never_let_a_reader_skip_an_event",
     [](subject& on) {
       std::atomic<bool> stop{false};
       std::atomic<bool> gapless{true};
       const auto reading = on.world().spawn("reader", [&] { gapless = follow(on, stop); });
       on.on_threads(writers, [&](std::size_t number) {
         const auto name = "order-" + std::to_string(number);
         for (int i = 0; i < 100; ++i)
           EXPECT_TRUE(succeeds(on.append(name, expect::any(), facts(1 + number))));
       });
       stop = true;
       reading->join();
       EXPECT_TRUE(gapless);
     }},

    {"to_several_streams_are_seen_whole_or_not_at_all",
     [](subject& on) {
       std::atomic<bool> stop{false};
       const auto reading = on.world().spawn("reader", [&] {
         for (; !stop; on.pause()) EXPECT_EQ(on.read_store().events.size() % 3, 0U);
       });
       for (std::uint64_t i = 0; i < 100; ++i)
         EXPECT_TRUE(succeeds(on.append(writing("account-a", expect::at({i}), facts(1))
                                            .to("account-b", expect::at({2 * i}), facts(2)))));
       stop = true;
       reading->join();
     },
     need::several_streams},

    {"complete_on_no_other_callers_thread",
     [](subject& on) {
       std::mutex mutex;
       std::vector<const void*> callers(writers);
       std::vector<std::pair<const void*, const void*>> started_and_ran;
       inbox<appended> answers(on.world());
       on.on_threads(writers, [&](std::size_t number) {
         const auto* caller = this_thread_mark();
         callers[number] = caller;
         const auto name = "order-" + std::to_string(number);
         for (int i = 0; i < 50; ++i) {
           on.store().append(writing(name, expect::any(), facts(1)).request(),
                             [&, caller, slot = answers.slot()](result<appended> a) mutable {
                               {
                                 const std::scoped_lock lock(mutex);
                                 started_and_ran.emplace_back(caller, this_thread_mark());
                               }
                               slot(std::move(a));
                             });
           EXPECT_TRUE(succeeds(on.append(name, expect::any(), facts(1))));
         }
         answers.wait_for(1);
       });
       EXPECT_EQ(answers.wait_for(writers * 50).size(), writers * 50);
       for (const auto& [caller, ran_on] : started_and_ran)
         if (ran_on != caller) {
           EXPECT_EQ(std::ranges::count(callers, ran_on), 0);
         }
     }},

    {"complete_in_the_order_of_each_threads_calls",
     [](subject& on) {
       std::mutex mutex;
       std::vector<std::vector<std::uint64_t>> completed(writers);
       inbox<appended> answers(on.world());
       on.on_threads(writers, [&](std::size_t number) {
         const auto name = "order-" + std::to_string(number);
         for (std::uint64_t i = 0; i < 100; ++i)
           on.store().append(
               writing(name, expect::at({i}), facts(1)).request(),
               [&, number, slot = answers.slot()](result<appended> answer) mutable {
                 {
                   const std::scoped_lock lock(mutex);
                   completed[number].push_back(answer ? answer->stream_version.number : 0);
                 }
                 slot(std::move(answer));
               });
       });
       EXPECT_EQ(answers.wait_for(writers * 100).size(), writers * 100);
       const std::scoped_lock lock(mutex);
       for (const auto& versions : completed) {
         ASSERT_EQ(versions.size(), 100U);
         for (std::uint64_t i = 0; i < 100; ++i) EXPECT_EQ(versions[i], i + 1);
       }
     }},

    {"with_close_are_either_stored_or_refused",
     [](subject& on) {
       std::atomic<std::size_t> stored{0};
       on.store();
       const auto closing = on.world().spawn("closing", [&] {
         while (stored < 20)
           on.world().park(std::atomic<std::uint32_t>{0}, 0, std::chrono::milliseconds(1));
         EXPECT_TRUE(succeeds(on.store().close()));
       });
       on.on_threads(writers, [&](std::size_t number) {
         const auto name = "order-" + std::to_string(number);
         for (;;) {
           const auto answer = on.append(name, expect::any(), facts(1));
           if (!answer) {
             EXPECT_TRUE(fails(answer, errc::shutting_down));
             return;
           }
           ++stored;
           on.pause();
         }
       });
       closing->join();
       if (!on.tested().persists) return;
       on.shut();
       EXPECT_EQ(on.read_store().events.size(), stored);
     }},

    {"of_every_other_kind_do_no_harm",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       const auto first = on.read_stream("order-1").events.at(0).metadata().event_id;
       const std::string state = "state";
       on.on_threads(writers, [&](std::size_t number) {
         for (std::uint64_t i = 0; i < 50; ++i) {
           const auto name = "cart-" + std::to_string(number) + "-" + std::to_string(i);
           EXPECT_TRUE(succeeds(on.append(name, expect::none(), facts(3))));
           EXPECT_TRUE(succeeds(on.store().retain(name, {.max_count = 2})));
           EXPECT_EQ(on.read_stream(name).events.size(), 2U);
           EXPECT_TRUE(succeeds(on.store().list_streams({.prefix = "cart-"})));
           EXPECT_TRUE(succeeds(on.store().find_command(id_of(name))));
           EXPECT_TRUE(
               succeeds(on.store().save_snapshot({.stream = "order-1",
                                                  .shape = number,
                                                  .version = {1},
                                                  .last_event = first,
                                                  .state = std::as_bytes(std::span(state))})));
           EXPECT_TRUE(on.store().load_snapshot("order-1", number).value().has_value());
           const auto handle = on.store().notify_past(on.head(), [](const result<checkpoint>&) {});
         }
       });
       EXPECT_EQ(on.store().list_streams({.category = "cart"}).value().size(), writers * 50);
     }},
};

}  // namespace

case_list concurrency_cases() {
  return cases;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
