#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

/// Whether a stream with three events, and one never written, take an append with an expectation.
struct verdict {
  expect expected;
  bool written;
  bool unwritten;
};

constexpr verdict verdicts[] = {
    {expect::any(), true, true},
    {expect::none(), false, true},
    {expect::exists(), true, false},
    {expect::at({0}), false, true},
    {expect::at({1}), false, false},
    {expect::at({2}), false, false},
    {expect::at({3}), true, false},
    {expect::at({4}), false, false},
    {expect::at(version::max()), false, false},
};

void check_refusal_by_newest(subject& on, expect expected, const event_record& newest) {
  const auto refused = on.append("order-1", expected, facts(1));
  ASSERT_TRUE(fails(refused, errc::version_conflict));
  const auto* why = refused.error().why();
  ASSERT_NE(why, nullptr);
  EXPECT_EQ(why->clause, "streams[0].expect");
  EXPECT_EQ(why->stream, "order-1");
  EXPECT_EQ(why->expected, expected.to_string());
  EXPECT_EQ(why->actual, newest.metadata().version);
  EXPECT_EQ(why->position, newest.metadata().position.to_string());
  EXPECT_EQ(why->event_id, newest.metadata().event_id.to_string());
}

constexpr conformance_case cases[] = {
    {"decides_by_the_version_of_the_stream_alone",
     [](subject& on) {
       int number = 0;
       for (const auto& [expected, written, unwritten] : verdicts) {
         SCOPED_TRACE(expected.to_string());
         const auto old = "order-" + std::to_string(++number);
         ASSERT_TRUE(succeeds(on.append(old, expect::none(), facts(3))));
         const auto to_written = on.append(old, expected, facts(1));
         EXPECT_TRUE(written ? succeeds(to_written) : fails(to_written, errc::version_conflict));
         const auto fresh = "cart-" + std::to_string(number);
         const auto to_unwritten = on.append(fresh, expected, facts(1));
         EXPECT_TRUE(unwritten ? succeeds(to_unwritten)
                               : fails(to_unwritten, errc::version_conflict));
       }
     }},

    {"decides_the_same_after_opening_again",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(3))));
       on.now_and_reopened([&] {
         EXPECT_TRUE(fails(on.append("order-1", expect::none(), facts(1)), errc::version_conflict));
         EXPECT_TRUE(
             fails(on.append("order-1", expect::at({2}), facts(1)), errc::version_conflict));
         EXPECT_TRUE(
             fails(on.append("cart-1", expect::exists(), facts(1)), errc::version_conflict));
       });
       EXPECT_TRUE(succeeds(on.append("order-1", expect::at({3}), facts(1))));
     }},

    {"that_fails_names_clause_stream_version_position_and_event",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("cart-1", expect::none(), facts(2))));
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(2))));
       on.now_and_reopened([&] {
         const auto newest = on.read_stream("order-1").events.at(1);
         check_refusal_by_newest(on, expect::none(), newest);
         check_refusal_by_newest(on, expect::at({1}), newest);
         check_refusal_by_newest(on, expect::at({7}), newest);
       });
     }},

    {"that_fails_on_a_stream_never_written_names_no_event",
     [](subject& on) {
       for (const auto expected : {expect::exists(), expect::at({3})}) {
         const auto refused = on.append("order-1", expected, facts(1));
         ASSERT_TRUE(fails(refused, errc::version_conflict));
         const auto* why = refused.error().why();
         ASSERT_NE(why, nullptr);
         EXPECT_EQ(why->clause, "streams[0].expect");
         EXPECT_EQ(why->stream, "order-1");
         EXPECT_EQ(why->expected, expected.to_string());
         EXPECT_EQ(why->actual, version{0});
         EXPECT_EQ(why->position, "");
         EXPECT_EQ(why->event_id, "");
       }
     }},

    {"can_be_checked_without_writing",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(2))));
       const auto before = on.head();
       const auto checked =
           on.append(writing("order-1", expect::at({2})).command(id_of("checked")));
       ASSERT_TRUE(succeeds(checked));
       EXPECT_EQ(checked->stream_version, version{2});
       EXPECT_TRUE(fails(on.append(writing("order-1", expect::at({1})).command(id_of("failed"))),
                         errc::version_conflict));
       EXPECT_EQ(on.head(), before);
     }},
};

}  // namespace

case_list expectation_cases() {
  return cases;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
