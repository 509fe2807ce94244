#include <gtest/gtest.h>

#include <set>

#include "annals/hlc.h"
#include "annals/result.h"

namespace annals {
namespace {

constexpr auto last_code = errc::file_error;

TEST(error, has_a_name_and_an_exit_code_for_every_code) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(last_code); ++i) {
    const auto code = static_cast<errc>(i);
    EXPECT_TRUE(names.insert(name_of(code)).second) << name_of(code);
    EXPECT_GE(exit_code_of(code), 2) << name_of(code);
    EXPECT_LE(exit_code_of(code), 63) << name_of(code);
    EXPECT_GE(http_status_of(code), 400) << name_of(code);
    EXPECT_GE(grpc_status_of(code), 1) << name_of(code);
  }
}

TEST(error, tells_its_code_and_reason_in_text) {
  EXPECT_EQ(error(errc::disk_full, "writing x").to_string(), "disk_full: writing x");
  const auto rejected = error::rejected("not_created", "the order is not there");
  EXPECT_EQ(rejected.to_string(), "rejected (not_created): the order is not there");
  EXPECT_EQ(rejected.reason(), "not_created");
  EXPECT_EQ(error::rejected("no_items", "").message(), "no_items");
}

TEST(error, says_which_clause_refused_an_append) {
  const error conflict(errc::version_conflict, "m",
                       refusal{.clause = "streams[0].expect", .actual = {4}});
  EXPECT_EQ(conflict.why()->clause, "streams[0].expect");
  EXPECT_EQ(conflict.why()->actual.number, 4U);
  EXPECT_EQ(error(errc::disk_full, "m").why(), nullptr);
}

TEST(result, throws_the_whole_text_when_its_value_is_missing) {
  const result<int> failed = fail(errc::disk_full, "writing x");
  try {
    static_cast<void>(failed.value());
    FAIL() << "value() of a failed result returned";
  } catch (const exception& thrown) {
    EXPECT_STREQ(thrown.what(), "disk_full: writing x");
    EXPECT_EQ(thrown.error().code(), errc::disk_full);
  }
  EXPECT_THROW(result<void>(fail(errc::disk_full, "x")).value(), exception);
  EXPECT_EQ(result<int>(3).value(), 3);
}

TEST(hlc, follows_the_clock_while_that_is_ahead) {
  const time_point now(std::chrono::milliseconds(1000));
  EXPECT_EQ(next_hlc({}, {}, now), hlc::at(now));
  EXPECT_EQ(hlc::at(now).time(), now);
}

TEST(hlc, grows_when_the_clock_stands_or_steps_back) {
  const time_point now(std::chrono::milliseconds(1000));
  const auto last = hlc::at(now).plus(5);
  EXPECT_EQ(next_hlc(last, {}, now), last.plus(1));
  EXPECT_EQ(next_hlc(last, {}, now - std::chrono::hours(1)), last.plus(1));
}

TEST(hlc, is_later_than_what_was_received) {
  const time_point now(std::chrono::milliseconds(1000));
  const auto received = hlc::at(now + std::chrono::hours(1));
  EXPECT_EQ(next_hlc(hlc::at(now), received, now), received.plus(1));
}

TEST(hlc, carries_an_overflowing_counter_into_the_milliseconds) {
  const hlc full{(std::uint64_t{1000} << 16U) | 0xffff};
  EXPECT_EQ(full.plus(1).milliseconds(), 1001U);
  EXPECT_EQ(full.plus(1).counter(), 0U);
}

}  // namespace
}  // namespace annals
