#include "annals/stream.h"
#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

std::vector<std::string> names_in(subject& on) {
  std::vector<std::string> names;
  for (const auto& one : on.store().list_streams({}).value()) names.push_back(one.name);
  return names;
}

constexpr conformance_case cases[] = {
    {"are_appended_together_in_the_order_listed",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("account-b", expect::none(), facts(1))));
       const auto moved = on.append(writing("account-b", expect::at({1}), {{.payload = "1"}})
                                        .to("account-a", expect::none(), facts(2, {.payload = "2"}))
                                        .to("account-c", expect::at({0}), {{.payload = "3"}}));
       ASSERT_TRUE(succeeds(moved));
       EXPECT_EQ(moved->first, (position{.sequence = 2}));
       EXPECT_EQ(moved->last, (position{.sequence = 5}));
       EXPECT_EQ(moved->stream_version, version{2}) << "that of the first stream listed";
       on.now_and_reopened([&] {
         const auto all = on.read_store();
         EXPECT_EQ(all.texts(), (std::vector<std::string>{"{}", "1", "2", "2", "3"}));
         EXPECT_EQ(all.versions(), (std::vector<std::uint64_t>{1, 2, 1, 2, 1}));
       });
     },
     need::several_streams},

    {"are_all_left_alone_when_one_expectation_fails",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("account-b", expect::none(), facts(1))));
       const auto before = on.head();
       const auto refused = on.append(writing("account-a", expect::none(), facts(1))
                                          .to("account-b", expect::at({4}), facts(1))
                                          .to("account-c", expect::none(), facts(1)));
       ASSERT_TRUE(fails(refused, errc::version_conflict));
       ASSERT_NE(refused.error().why(), nullptr);
       EXPECT_EQ(refused.error().why()->clause, "streams[1].expect");
       EXPECT_EQ(refused.error().why()->stream, "account-b");
       EXPECT_EQ(refused.error().why()->actual, version{1});
       on.now_and_reopened([&] {
         EXPECT_EQ(on.head(), before);
         EXPECT_EQ(names_in(on), std::vector<std::string>{"account-b"});
       });
     },
     need::several_streams},

    {"name_the_first_expectation_that_fails_in_the_order_listed",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("account-a", expect::none(), facts(1))));
       ASSERT_TRUE(succeeds(on.append("account-b", expect::none(), facts(1))));
       const auto refused = on.append(writing("account-c", expect::none(), facts(1))
                                          .to("account-b", expect::none(), facts(1))
                                          .to("account-a", expect::none(), facts(1)));
       ASSERT_TRUE(fails(refused, errc::version_conflict));
       ASSERT_NE(refused.error().why(), nullptr);
       EXPECT_EQ(refused.error().why()->clause, "streams[1].expect");
     },
     need::several_streams},

    {"without_events_are_only_checked",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("customer-1", expect::none(), facts(2))));
       const auto stored = on.append(writing("customer-1", expect::at({2}))
                                         .to("order-1", expect::none(), facts(1))
                                         .to("block-1", expect::none()));
       ASSERT_TRUE(succeeds(stored));
       EXPECT_EQ(stored->stream_version, version{2});
       EXPECT_EQ(stored->first, (position{.sequence = 3}));
       on.now_and_reopened([&] {
         EXPECT_EQ(names_in(on), (std::vector<std::string>{"customer-1", "order-1"}));
         EXPECT_EQ(on.read_stream("customer-1").end.stream_version, version{2});
       });
       EXPECT_TRUE(fails(
           on.append(
               writing("customer-1", expect::at({1})).to("order-2", expect::none(), facts(1))),
           errc::version_conflict));
       EXPECT_EQ(on.read_stream("order-2").end.stream_version, version{0});
     },
     need::several_streams},

    {"refuse_any_and_exists",
     [](subject& on) {
       for (const auto expected : {expect::any(), expect::exists()}) {
         EXPECT_TRUE(fails(on.append(writing("account-a", expected, facts(1))
                                         .to("account-b", expect::none(), facts(1))),
                           errc::invalid_argument));
         EXPECT_TRUE(fails(
             on.append(writing("account-a", expect::none(), facts(1)).to("account-b", expected)),
             errc::invalid_argument));
       }
       EXPECT_TRUE(on.head().is_start());
     },
     need::several_streams},

    {"refuse_a_stream_that_is_listed_twice",
     [](subject& on) {
       EXPECT_TRUE(fails(on.append(writing("account-a", expect::none(), facts(1))
                                       .to("account-b", expect::none(), facts(1))
                                       .to("account-a", expect::at({1}), facts(1))),
                         errc::invalid_argument));
       EXPECT_TRUE(on.head().is_start());
     },
     need::several_streams},

    {"with_one_key_are_never_merged",
     [](subject& on) {
       const std::string named = "account-a";
       const auto same_key = stream_key_of(named).to_string();
       EXPECT_TRUE(fails(
           on.append(
               writing(named, expect::none(), facts(1)).to(same_key, expect::none(), facts(1))),
           errc::stream_key_collision));
       EXPECT_TRUE(
           fails(on.append(writing(same_key, expect::none()).to(named, expect::none(), facts(1))),
                 errc::stream_key_collision));
       EXPECT_TRUE(on.head().is_start());
     },
     need::several_streams},

    {"are_refused_before_anything_is_written_where_info_says_so",
     [](subject& on) {
       if (on.info().multi_stream_appends) GTEST_SKIP() << "the store takes them";
       const auto refused = on.append(writing("account-a", expect::none(), facts(1))
                                          .to("account-b", expect::none(), facts(1)));
       ASSERT_TRUE(fails(refused, errc::unsupported));
       EXPECT_NE(refused.error().message().find("streams"), std::string::npos);
       EXPECT_TRUE(on.head().is_start());
     }},
};

}  // namespace

case_list several_streams_cases() {
  return cases;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
