#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

/// Three events to be matched, in two streams.
void write_history(subject& on) {
  ASSERT_TRUE(succeeds(on.append("order-1", expect::none(),
                                 {{.type = "created", .tags = {"customer:7", "country:de"}},
                                  {.type = "paid", .tags = {"customer:7"}}})));
  ASSERT_TRUE(succeeds(
      on.append("order-2", expect::none(), {{.type = "created", .tags = {"customer:8"}}})));
}

/// Appends to a stream of its own, unless a query matches.
result<appended> note_unless(subject& on, selecting matching, checkpoint after = {}) {
  return on.append(
      writing("notes-1", expect::any(), facts(1)).unless(std::move(matching), std::move(after)));
}

struct verdict {
  const char* what;
  std::vector<terms> items;
  bool matches;
};

std::vector<verdict> verdicts() {
  return {
      {"a type that is there", {{.types = {"paid"}}}, true},
      {"a type that is not there", {{.types = {"shipped"}}}, false},
      {"one of several types", {{.types = {"shipped", "paid"}}}, true},
      {"a tag that is there", {{.tags = {"customer:8"}}}, true},
      {"a tag that is not there", {{.tags = {"customer:9"}}}, false},
      {"the beginning of a tag", {{.tags = {"customer:"}}}, false},
      {"all tags of one event", {{.tags = {"country:de", "customer:7"}}}, true},
      {"tags of two events", {{.tags = {"country:de", "customer:8"}}}, false},
      {"type and tag of one event", {{.types = {"paid"}, .tags = {"customer:7"}}}, true},
      {"type and tag of two events", {{.types = {"paid"}, .tags = {"customer:8"}}}, false},
      {"several items, one of which matches",
       {{.types = {"shipped"}}, {.types = {"paid"}, .tags = {"customer:7"}}},
       true},
      {"several items, none of which matches",
       {{.types = {"shipped"}}, {.types = {"paid"}, .tags = {"customer:8"}}},
       false},
      {"an item without terms", {{.types = {}, .tags = {}}}, true},
      {"no items", {}, true},
  };
}

constexpr conformance_case cases[] = {
    {"fails_when_an_event_of_its_types_and_tags_exists",
     [](subject& on) {
       write_history(on);
       for (const auto& [what, items, matches] : verdicts()) {
         SCOPED_TRACE(what);
         const auto answer = note_unless(on, selecting(items));
         EXPECT_TRUE(matches ? fails(answer, errc::condition_failed) : succeeds(answer));
       }
     },
     need::conditions},

    {"is_right_after_opening_again",
     [](subject& on) {
       write_history(on);
       on.now_and_reopened([&] {
         EXPECT_TRUE(fails(note_unless(on, {{.types = {"paid"}, .tags = {"customer:7"}}}),
                           errc::condition_failed));
         EXPECT_TRUE(succeeds(note_unless(on, {{.types = {"paid"}, .tags = {"customer:8"}}})));
       });
     },
     need::conditions},

    {"holds_in_an_empty_store",
     [](subject& on) { EXPECT_TRUE(succeeds(note_unless(on, selecting::everything()))); },
     need::conditions},

    {"looks_only_after_its_checkpoint",
     [](subject& on) {
       write_history(on);
       const auto seen = on.head();
       on.now_and_reopened(
           [&] { EXPECT_TRUE(succeeds(note_unless(on, {{.types = {"created"}}}, seen))); });
       ASSERT_TRUE(succeeds(on.append("order-3", expect::none(), {{.type = "created"}})));
       on.now_and_reopened([&] {
         EXPECT_TRUE(
             fails(note_unless(on, {{.types = {"created"}}}, seen), errc::condition_failed));
         EXPECT_TRUE(succeeds(note_unless(on, {{.types = {"created"}}}, on.head())));
       });
     },
     need::conditions},

    {"does_not_look_at_the_event_of_its_checkpoint_itself",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1, {.type = "created"}))));
       const auto first = on.head();
       EXPECT_TRUE(succeeds(note_unless(on, {{.types = {"created"}}}, first)));
     },
     need::conditions},

    {"goes_on_from_where_a_filtered_read_has_come_to",
     [](subject& on) {
       write_history(on);
       selecting customer{{.tags = {"customer:7"}}};
       const auto seen = on.read_store({.matching = customer.matching()});
       ASSERT_EQ(seen.events.size(), 2U);
       EXPECT_TRUE(succeeds(note_unless(on, customer, seen.end.scanned_to)));
       ASSERT_TRUE(succeeds(
           on.append("order-9", expect::none(), {{.type = "paid", .tags = {"customer:7"}}})));
       EXPECT_TRUE(fails(note_unless(on, customer, seen.end.scanned_to), errc::condition_failed));
     },
     need::conditions},

    {"that_fails_names_clause_stream_version_position_and_event",
     [](subject& on) {
       write_history(on);
       on.now_and_reopened([&] {
         const auto breaking = on.read_store().events.at(1);
         const auto refused = on.append(writing("notes-1", expect::none(), facts(1))
                                            .unless({{.types = {"shipped"}}})
                                            .unless({{.types = {"paid"}}}));
         ASSERT_TRUE(fails(refused, errc::condition_failed));
         const auto* why = refused.error().why();
         ASSERT_NE(why, nullptr);
         EXPECT_EQ(why->clause, "unless[1]");
         EXPECT_EQ(why->stream, "order-1");
         EXPECT_EQ(why->actual, version{2});
         EXPECT_EQ(why->position, "2");
         EXPECT_EQ(why->event_id, breaking.metadata().event_id.to_string());
         EXPECT_EQ(on.read_stream("notes-1").end.stream_version, version{0});
       });
     },
     need::conditions},

    {"is_checked_after_expectations",
     [](subject& on) {
       write_history(on);
       EXPECT_TRUE(fails(
           on.append(writing("order-1", expect::none(), facts(1)).unless({{.types = {"paid"}}})),
           errc::version_conflict));
       EXPECT_TRUE(fails(
           on.append(writing("order-1", expect::at({2}), facts(1)).unless({{.types = {"paid"}}})),
           errc::condition_failed));
     },
     need::conditions},

    {"does_not_look_at_the_events_of_its_own_append",
     [](subject& on) {
       EXPECT_TRUE(succeeds(on.append(
           writing("user-1", expect::none(), {{.type = "registered", .tags = {"email:a@b"}}})
               .unless({{.tags = {"email:a@b"}}}))));
       EXPECT_TRUE(fails(on.append(writing("user-2", expect::none(),
                                           {{.type = "registered", .tags = {"email:a@b"}}})
                                       .unless({{.tags = {"email:a@b"}}})),
                         errc::condition_failed));
     },
     need::conditions},

    {"sees_appends_that_are_in_flight",
     [](subject& on) {
       inbox<appended> answers(on.world());
       auto first = writing("user-1", expect::none(), {{.tags = {"email:a@b"}}})
                        .unless({{.tags = {"email:a@b"}}});
       auto second = writing("user-2", expect::none(), {{.tags = {"email:a@b"}}})
                         .unless({{.tags = {"email:a@b"}}});
       on.store().append(first.request(), answers.slot());
       on.store().append(second.request(), answers.slot());
       const auto got = answers.wait_for(2);
       ASSERT_EQ(got.size(), 2U);
       EXPECT_TRUE(succeeds(got[0]));
       EXPECT_TRUE(fails(got[1], errc::condition_failed));
     },
     need::conditions},

    {"sees_what_a_read_would_see_so_that_removed_events_do_not_count",
     [](subject& on) {
       write_history(on);
       ASSERT_TRUE(succeeds(on.store().retain("order-1", {.truncate_before = version{2}})));
       on.now_and_reopened([&] {
         EXPECT_TRUE(succeeds(note_unless(on, {{.tags = {"country:de"}}})));
         EXPECT_TRUE(fails(note_unless(on, {{.types = {"paid"}}}), errc::condition_failed));
       });
       ASSERT_TRUE(succeeds(on.store().retain("order-1", {.tombstone = true})));
       on.now_and_reopened(
           [&] { EXPECT_TRUE(succeeds(note_unless(on, {{.tags = {"customer:7"}}}))); });
     },
     need::conditions},

    {"can_guard_a_command_without_events",
     [](subject& on) {
       write_history(on);
       EXPECT_TRUE(fails(on.append(writing("order-1", expect::any())
                                       .command(id_of("guarded"))
                                       .unless({{.types = {"paid"}}})),
                         errc::condition_failed));
       EXPECT_EQ(on.store().find_command(id_of("guarded")).value(), std::nullopt);
     },
     need::conditions},

    {"with_a_checkpoint_of_another_history_is_refused",
     [](subject& on) {
       write_history(on);
       subject another(on.tested());
       write_history(another);
       const auto before = on.head();
       EXPECT_TRUE(fails(note_unless(on, {{.types = {"shipped"}}}, another.head()),
                         errc::checkpoint_diverged));
       EXPECT_EQ(on.head(), before);
     },
     need::conditions},

    {"is_refused_before_anything_is_written_where_info_says_so",
     [](subject& on) {
       if (on.info().append_conditions) GTEST_SKIP() << "the store takes them";
       const auto refused = note_unless(on, {{.types = {"shipped"}}});
       ASSERT_TRUE(fails(refused, errc::unsupported));
       EXPECT_NE(refused.error().message().find("unless"), std::string::npos);
       EXPECT_TRUE(on.head().is_start());
     }},
};

}  // namespace

case_list condition_cases() {
  return cases;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
