#include "annals/time.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace annals {
namespace {

using std::chrono::microseconds;

TEST(rfc3339, prints_utc_with_six_decimals) {
  EXPECT_EQ(to_rfc3339(time_point{}), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(to_rfc3339(time_point(microseconds(-1))), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(to_rfc3339(time_point(microseconds(1291191960000001))), "2010-12-01T08:26:00.000001Z");
}

TEST(rfc3339, clamps_to_the_years_it_can_print) {
  EXPECT_EQ(to_rfc3339(end_of_time), "9999-12-31T23:59:59.999999Z");
  EXPECT_EQ(to_rfc3339(time_point::min()), "0001-01-01T00:00:00.000000Z");
}

TEST(rfc3339, parses_offsets_fractions_and_either_separator) {
  const auto at = parse_rfc3339("2010-12-01T08:26:00Z").value();
  for (const auto* text :
       {"2010-12-01 08:26:00Z", "2010-12-01t08:26:00.000Z", "2010-12-01T10:56:00+02:30",
        "2010-12-01T07:26:00-01:00", "2010-12-01T08:26:00.000000Z"})
    EXPECT_EQ(parse_rfc3339(text).value(), at) << text;
  EXPECT_EQ(parse_rfc3339("2010-12-01T08:26:00.5Z").value(), at + microseconds(500'000));
  EXPECT_EQ(
      parse_rfc3339("2012-02-29T00:00:00Z").value() - parse_rfc3339("2012-02-28T00:00:00Z").value(),
      std::chrono::days(1));
}

TEST(rfc3339, refuses_every_other_form) {
  for (const auto* text :
       {"", "2010-12-01", "2010-12-01T08:26:00", "2010-12-01T08:26Z", "2010-13-01T08:26:00Z",
        "2010-02-29T08:26:00Z", "2010-12-32T08:26:00Z", "2010-12-01T24:00:00Z",
        "2010-12-01T08:60:00Z", "2010-12-01T08:26:60Z", "2010-12-01T08:26:00.Z",
        "2010-12-01T08:26:00.1234567Z", "2010-12-01T08:26:00+24:00", "2010-12-01T08:26:00+0100",
        "10-12-01T08:26:00Z", "0000-01-01T00:00:00Z", " 2010-12-01T08:26:00Z",
        "2010-12-01T08:26:00Z ", "2010-1-01T08:26:00Z"}) {
    const auto parsed = parse_rfc3339(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), errc::invalid_argument);
  }
}

TEST(rfc3339, printed_another_time_than_it_parsed_where_the_offset_leaves_the_years_1_to_9999) {
  for (const auto* text : {"0001-01-01T00:00:00+00:01", "9999-12-31T23:59:00-00:01"}) {
    const auto parsed = parse_rfc3339(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), errc::invalid_argument);
  }
  EXPECT_TRUE(parse_rfc3339("0001-01-01T00:01:00+00:01"));
  EXPECT_TRUE(parse_rfc3339("9999-12-31T23:58:59.999999-00:01"));
}

RC_GTEST_PROP(rfc3339, parses_what_it_prints, ()) {
  const auto us = *rc::gen::inRange<std::int64_t>(-62135596800000000, 253402300799999999);
  const time_point time{microseconds(us)};
  RC_ASSERT(parse_rfc3339(to_rfc3339(time)).value() == time);
}

}  // namespace
}  // namespace annals
