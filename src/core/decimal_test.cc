#include "annals/decimal.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace annals {
namespace {

using money = decimal<3>;

TEST(decimal, prints_the_shortest_exact_form) {
  EXPECT_EQ(money{2550}.to_string(), "2.55");
  EXPECT_EQ(money{-1}.to_string(), "-0.001");
  EXPECT_EQ(money{}.to_string(), "0");
  EXPECT_EQ(money{1000}.to_string(), "1");
  EXPECT_EQ(money{100}.to_string(), "0.1");
  EXPECT_EQ(money{INT64_MAX}.to_string(), "9223372036854775.807");
  EXPECT_EQ(money{INT64_MIN}.to_string(), "-9223372036854775.808");
  EXPECT_EQ(decimal<0>{120}.to_string(), "120");
  EXPECT_EQ(decimal<18>{1}.to_string(), "0.000000000000000001");
}

TEST(decimal, parses_plain_notation_exactly) {
  EXPECT_EQ(money::parse("2.55").value(), money{2550});
  EXPECT_EQ(money::parse("-0.001").value(), money{-1});
  EXPECT_EQ(money::parse("007").value(), money{7000});
  EXPECT_EQ(money::parse("9223372036854775.807").value(), money{INT64_MAX});
  EXPECT_EQ(money::parse("-9223372036854775.808").value(), money{INT64_MIN});
  EXPECT_EQ(money::parse("-0").value(), money{});
}

TEST(decimal, refuses_every_other_form_and_what_does_not_fit) {
  for (const auto* text :
       {"", "-", ".", "1.", ".5", "+1", "1e3", "1,5", " 1", "1 ", "--1", "1.2345", "1.2300",
        "9223372036854775.808", "-9223372036854775.809", "99999999999999999999", "0x1", "1.2.3"}) {
    const auto parsed = money::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), errc::invalid_argument);
  }
  EXPECT_NE(money::parse("1.2345").error().message().find("more than 3 decimals"),
            std::string::npos);
}

TEST(decimal, checks_sums_and_products) {
  money out{7};
  EXPECT_TRUE(checked_add(money{1}, money{2}, out));
  EXPECT_EQ(out, money{3});
  EXPECT_FALSE(checked_add(money{INT64_MAX}, money{1}, out));
  EXPECT_FALSE(checked_multiply(money{INT64_MAX}, 2, out));
  EXPECT_EQ(out, money{3});
}

RC_GTEST_PROP(decimal, parses_what_it_prints, (std::int64_t units)) {
  RC_ASSERT(money::parse(money{units}.to_string()).value() == money{units});
}

}  // namespace
}  // namespace annals
