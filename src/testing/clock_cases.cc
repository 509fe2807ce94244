#include "annals/limits.h"
#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

constexpr time_point noon(std::chrono::microseconds(1'700'000'000'000'000));

std::vector<hlc> readings(subject& on) {
  std::vector<hlc> all;
  for (const auto& event : on.read_store().events) all.push_back(event.metadata().recorded);
  return all;
}

void check_growth(subject& on) {
  const auto all = readings(on);
  for (std::size_t i = 1; i < all.size(); ++i) ASSERT_GT(all[i], all[i - 1]) << "event " << i + 1;
}

result<appended> append_having_received(subject& on, hlc received) {
  writing what("order-1", expect::any(), facts(1));
  what.context.received = received;
  return on.append(what);
}

constexpr conformance_case cases[] = {
    {"reading_grows_with_every_event",
     [](subject& on) {
       for (int i = 0; i < 20; ++i)
         ASSERT_TRUE(
             succeeds(on.append("order-" + std::to_string(i % 3), expect::any(), facts(5))));
       on.now_and_reopened([&] { check_growth(on); });
     }},

    {"reading_is_that_of_the_world_where_it_can_be",
     [](subject& on) {
       on.world().set_clock(noon);
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       on.world().advance_clock(std::chrono::seconds(3));
       ASSERT_TRUE(succeeds(on.append("order-1", expect::any(), facts(1))));
       on.now_and_reopened([&] {
         EXPECT_EQ(readings(on).at(0).time(), noon);
         EXPECT_EQ(readings(on).at(1).time(), noon + std::chrono::seconds(3));
       });
     }},

    {"reading_grows_while_the_clock_stands_or_goes_back",
     [](subject& on) {
       on.world().set_clock(noon);
       ASSERT_TRUE(succeeds(on.append("order-1", expect::any(), facts(3))));
       ASSERT_TRUE(succeeds(on.append("order-1", expect::any(), facts(3))));
       on.world().set_clock(noon - std::chrono::hours(1));
       ASSERT_TRUE(succeeds(on.append("order-1", expect::any(), facts(3))));
       on.now_and_reopened([&] { check_growth(on); });
       ASSERT_TRUE(succeeds(on.append("order-1", expect::any(), facts(3))));
       check_growth(on);
       const auto events = on.read_store().events;
       EXPECT_EQ(events.at(8).metadata().timestamp, noon - std::chrono::hours(1))
           << "the timestamp is the clock's, and may go back";
     }},

    {"reading_carries_when_its_counter_is_full",
     [](subject& on) {
       on.world().set_clock(noon);
       for (int i = 0; i < 7; ++i)
         ASSERT_TRUE(succeeds(on.append("order-1", expect::any(), facts(10'000))));
       check_growth(on);
       EXPECT_EQ(readings(on).back().time(), noon + std::chrono::milliseconds(1));
     }},

    {"reading_is_later_than_what_the_writer_received",
     [](subject& on) {
       on.world().set_clock(noon);
       const auto ahead = hlc::at(noon + std::chrono::minutes(5)).plus(7);
       ASSERT_TRUE(succeeds(append_having_received(on, ahead)));
       ASSERT_TRUE(succeeds(append_having_received(on, {})));
       on.now_and_reopened([&] {
         EXPECT_GT(readings(on).at(0), ahead);
         check_growth(on);
       });
     }},

    {"reading_is_not_held_back_by_what_the_writer_received",
     [](subject& on) {
       on.world().set_clock(noon);
       ASSERT_TRUE(succeeds(append_having_received(on, hlc::at(noon - std::chrono::hours(1)))));
       EXPECT_EQ(readings(on).at(0).time(), noon);
     }},

    {"reading_follows_one_from_centuries_ahead",
     [](subject& on) {
       on.world().set_clock(noon);
       const auto ahead = hlc::at(noon + std::chrono::years(500));
       ASSERT_TRUE(succeeds(append_having_received(on, ahead)));
       on.now_and_reopened([&] { EXPECT_GT(readings(on).at(0), ahead); });
       ASSERT_TRUE(succeeds(on.append("order-1", expect::any(), facts(100))));
       check_growth(on);
     }},

    {"reading_from_the_end_of_time_is_refused",
     [](subject& on) {
       const hlc latest{(limits::clock_milliseconds << 16U) | 0xffffU};
       for (const auto beyond : {latest.plus(1), hlc{UINT64_MAX}}) {
         const auto refused = append_having_received(on, beyond);
         ASSERT_TRUE(fails(refused, errc::limit_exceeded));
         EXPECT_NE(refused.error().message().find("clock_milliseconds"), std::string::npos);
       }
       ASSERT_TRUE(succeeds(append_having_received(on, latest)));
       ASSERT_TRUE(succeeds(on.append("order-1", expect::any(), facts(1000))));
       EXPECT_GT(readings(on).at(0), latest);
       check_growth(on);
     }},
};

}  // namespace

case_list clock_cases() {
  return cases;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
