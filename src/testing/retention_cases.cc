#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

using numbers = std::vector<std::uint64_t>;

constexpr time_point noon(std::chrono::microseconds(1'700'000'000'000'000));

/// order-1 with versions 1 to 5 at positions 2 to 6; cart-1 before and after.
void write_history(subject& on) {
  ASSERT_TRUE(succeeds(on.append("cart-1", expect::none(), facts(1))));
  ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(5))));
  ASSERT_TRUE(succeeds(on.append("cart-1", expect::at({1}), facts(1))));
}

void check_kept(subject& on, const numbers& versions, version first_kept, bool gone = false) {
  const auto stream = on.read_stream("order-1");
  EXPECT_EQ(stream.versions(), versions);
  EXPECT_EQ(stream.end.first_kept, first_kept);
  EXPECT_EQ(stream.end.gone, gone);
  EXPECT_EQ(stream.end.removed, stream.end.stream_version.number - versions.size());
  const auto backwards = on.read({.stream = "order-1", .direction = direction::backwards}).value();
  EXPECT_EQ(backwards.versions(), numbers(versions.rbegin(), versions.rend()));
  for (const auto& one : on.store().list_streams({}).value()) {
    if (one.name != "order-1") continue;
    EXPECT_EQ(one.first_kept, first_kept);
    EXPECT_EQ(one.gone, gone);
    EXPECT_EQ(one.version, stream.end.stream_version);
  }
}

result<void> retain(subject& on, const retention_change& change) {
  return on.store().retain("order-1", change);
}

constexpr conformance_case cases[] = {
    {"truncation_removes_the_versions_before",
     [](subject& on) {
       write_history(on);
       ASSERT_TRUE(succeeds(retain(on, {.truncate_before = version{4}})));
       on.now_and_reopened([&] {
         check_kept(on, {4, 5}, {4});
         EXPECT_EQ(on.read_stream("cart-1").versions(), (numbers{1, 2})) << "others stay";
       });
     }},

    {"truncation_removes_them_from_reads_of_the_store_too",
     [](subject& on) {
       write_history(on);
       ASSERT_TRUE(succeeds(retain(on, {.truncate_before = version{4}})));
       on.now_and_reopened([&] {
         const auto all = on.read_store();
         EXPECT_EQ(all.sequences(), (numbers{1, 5, 6, 7}));
         EXPECT_EQ(all.end.removed, 3U);
         EXPECT_EQ(all.end.scanned_to, on.head());
         EXPECT_EQ(all.end.scanned_to.in(0).sequence, 7U);
       });
     }},

    {"counts_what_it_removed_in_the_range_that_is_read",
     [](subject& on) {
       write_history(on);
       ASSERT_TRUE(succeeds(retain(on, {.truncate_before = version{4}})));
       on.now_and_reopened([&] {
         EXPECT_EQ(on.read({.stream = "order-1", .from = {3}}).value().end.removed, 1U);
         EXPECT_EQ(on.read({.stream = "order-1", .from = {4}}).value().end.removed, 0U);
         EXPECT_EQ(on.read({.stream = "order-1", .to = {2}}).value().end.removed, 2U);
       });
     }},

    {"truncation_never_goes_back",
     [](subject& on) {
       write_history(on);
       ASSERT_TRUE(succeeds(retain(on, {.truncate_before = version{4}})));
       ASSERT_TRUE(succeeds(retain(on, {.truncate_before = version{2}})));
       on.now_and_reopened([&] { check_kept(on, {4, 5}, {4}); });
     }},

    {"truncation_may_take_all_but_not_more",
     [](subject& on) {
       write_history(on);
       EXPECT_TRUE(fails(retain(on, {.truncate_before = version{7}}), errc::invalid_argument));
       check_kept(on, {1, 2, 3, 4, 5}, {1});
       ASSERT_TRUE(succeeds(retain(on, {.truncate_before = version{6}})));
       on.now_and_reopened([&] { check_kept(on, {}, {6}); });
     }},

    {"changes_neither_versions_nor_positions",
     [](subject& on) {
       write_history(on);
       ASSERT_TRUE(succeeds(retain(on, {.truncate_before = version{6}})));
       EXPECT_TRUE(fails(on.append("order-1", expect::none(), facts(1)), errc::version_conflict));
       const auto next = on.append("order-1", expect::at({5}), facts(1));
       ASSERT_TRUE(succeeds(next));
       EXPECT_EQ(next->stream_version, version{6});
       EXPECT_EQ(next->first, (position{.sequence = 8}));
       on.now_and_reopened([&] { check_kept(on, {6}, {6}); });
     }},

    {"maximum_count_keeps_the_newest",
     [](subject& on) {
       write_history(on);
       ASSERT_TRUE(succeeds(retain(on, {.max_count = 2})));
       on.now_and_reopened([&] { check_kept(on, {4, 5}, {4}); });
       ASSERT_TRUE(succeeds(on.append("order-1", expect::at({5}), facts(1))));
       on.now_and_reopened([&] { check_kept(on, {5, 6}, {5}); });
     }},

    {"maximum_age_goes_by_the_time_of_recording",
     [](subject& on) {
       on.world().set_clock(noon);
       ASSERT_TRUE(succeeds(
           on.append("order-1", expect::none(), {{.timestamp = noon + std::chrono::years(9)}})));
       on.world().advance_clock(std::chrono::hours(2));
       ASSERT_TRUE(succeeds(
           on.append("order-1", expect::at({1}), {{.timestamp = noon - std::chrono::years(9)}})));
       ASSERT_TRUE(succeeds(retain(on, {.max_age = std::chrono::hours(3)})));
       on.now_and_reopened([&] { check_kept(on, {1, 2}, {1}); });
       on.world().advance_clock(std::chrono::hours(2));
       on.now_and_reopened([&] { check_kept(on, {2}, {2}); });
       on.world().advance_clock(std::chrono::hours(2));
       on.now_and_reopened([&] { check_kept(on, {}, {3}); });
     }},

    {"maximum_count_and_age_are_lifted_by_zero",
     [](subject& on) {
       on.world().set_clock(noon);
       write_history(on);
       ASSERT_TRUE(succeeds(retain(on, {.max_age = std::chrono::microseconds(1), .max_count = 1})));
       on.world().advance_clock(std::chrono::hours(1));
       check_kept(on, {}, {6});
       ASSERT_TRUE(succeeds(retain(on, {.max_age = std::chrono::microseconds(0), .max_count = 0})));
       ASSERT_TRUE(succeeds(on.append("order-1", expect::at({5}), facts(2))));
       on.world().advance_clock(std::chrono::hours(1));
       on.now_and_reopened([&] {
         const auto versions = on.read_stream("order-1").versions();
         ASSERT_GE(versions.size(), 2U) << "nothing more is removed";
         EXPECT_EQ(versions.back(), 7U);
       });
     }},

    {"changes_only_what_it_names",
     [](subject& on) {
       write_history(on);
       ASSERT_TRUE(succeeds(retain(on, {.truncate_before = version{3}})));
       ASSERT_TRUE(succeeds(retain(on, {.max_count = 4})));
       on.now_and_reopened([&] { check_kept(on, {3, 4, 5}, {3}); });
       ASSERT_TRUE(succeeds(retain(on, {.max_age = std::chrono::hours(1)})));
       on.now_and_reopened([&] { check_kept(on, {3, 4, 5}, {3}); });
       ASSERT_TRUE(succeeds(on.append("order-1", expect::at({5}), facts(3))));
       on.now_and_reopened([&] { check_kept(on, {5, 6, 7, 8}, {5}); });
     }},

    {"tombstone_hides_the_stream_and_refuses_appends",
     [](subject& on) {
       write_history(on);
       ASSERT_TRUE(succeeds(retain(on, {.tombstone = true})));
       on.now_and_reopened([&] {
         check_kept(on, {}, {6}, true);
         for (const auto expected : {expect::any(), expect::at({5}), expect::none()}) {
           const auto refused = on.append("order-1", expected, facts(1));
           ASSERT_TRUE(fails(refused, errc::stream_gone));
           ASSERT_NE(refused.error().why(), nullptr);
           EXPECT_EQ(refused.error().why()->stream, "order-1");
           EXPECT_EQ(refused.error().why()->actual, version{5});
         }
         EXPECT_EQ(on.head().in(0).sequence, 7U);
       });
     }},

    {"tombstone_is_lifted_and_versions_go_on",
     [](subject& on) {
       write_history(on);
       ASSERT_TRUE(succeeds(retain(on, {.tombstone = true})));
       ASSERT_TRUE(succeeds(retain(on, {.tombstone = false})));
       on.now_and_reopened([&] { check_kept(on, {}, {6}); });
       const auto next = on.append("order-1", expect::at({5}), facts(1));
       ASSERT_TRUE(succeeds(next));
       EXPECT_EQ(next->stream_version, version{6});
       on.now_and_reopened([&] { check_kept(on, {6}, {6}); });
     }},

    {"tombstone_lets_the_version_be_checked",
     [](subject& on) {
       write_history(on);
       ASSERT_TRUE(succeeds(retain(on, {.tombstone = true})));
       EXPECT_TRUE(
           succeeds(on.append(writing("order-1", expect::at({5})).command(id_of("checked")))));
       EXPECT_TRUE(fails(on.append(writing("order-1", expect::at({4})).command(id_of("other"))),
                         errc::version_conflict));
     }},

    {"tombstone_stops_an_append_to_several_streams",
     [](subject& on) {
       write_history(on);
       ASSERT_TRUE(succeeds(retain(on, {.tombstone = true})));
       EXPECT_TRUE(fails(on.append(writing("cart-1", expect::at({2}), facts(1))
                                       .to("order-1", expect::at({5}), facts(1))),
                         errc::stream_gone));
       EXPECT_EQ(on.read_stream("cart-1").end.stream_version, version{2});
     },
     need::several_streams},

    {"of_a_stream_never_written_is_aggregate_not_found",
     [](subject& on) {
       for (const auto& change :
            {retention_change{.truncate_before = version{1}}, retention_change{.tombstone = true},
             retention_change{.max_count = 1}})
         EXPECT_TRUE(fails(retain(on, change), errc::aggregate_not_found));
       EXPECT_TRUE(on.store().list_streams({}).value().empty());
     }},

    {"refuses_a_negative_age_and_changes_nothing",
     [](subject& on) {
       write_history(on);
       EXPECT_TRUE(fails(
           retain(on, {.truncate_before = version{3}, .max_age = std::chrono::microseconds(-1)}),
           errc::invalid_argument));
       on.now_and_reopened([&] { check_kept(on, {1, 2, 3, 4, 5}, {1}); });
     }},

    {"takes_the_longest_age_there_is",
     [](subject& on) {
       write_history(on);
       ASSERT_TRUE(succeeds(retain(on, {.max_age = std::chrono::microseconds::max()})));
       on.now_and_reopened([&] { check_kept(on, {1, 2, 3, 4, 5}, {1}); });
     }},
};

}  // namespace

case_list retention_cases() {
  return cases;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
