#include "annals/checkpoint.h"

#include <gtest/gtest.h>

namespace annals {
namespace {

const uuid here = uuid::parse("0197c2d0-7b1e-7a2b-8c3d-4e5f60718293").value();
const uuid elsewhere = uuid::parse("0197c2d0-7b1e-7a2b-8c3d-4e5f60718294").value();

checkpoint seen(std::uint64_t sequence, std::uint64_t fingerprint = 7) {
  return {here, {.sequence = sequence, .fingerprint = fingerprint}};
}

TEST(checkpoint, starts_at_nothing_seen) {
  EXPECT_TRUE(checkpoint{}.is_start());
  EXPECT_EQ(checkpoint{}.to_string(), "start");
  EXPECT_EQ(checkpoint{}.in(0).sequence, 0U);
  EXPECT_TRUE(checkpoint(here, {}).is_start());
}

TEST(checkpoint, parses_what_it_prints) {
  auto of_three = seen(42, 0xfeed);
  of_three.advance(here, {.partition = 7, .sequence = 9, .fingerprint = 1});
  of_three.advance(here, {.partition = 3, .sequence = 5, .fingerprint = UINT64_MAX});
  for (const auto& one : {checkpoint{}, seen(1), seen(UINT64_MAX, 0), of_three})
    EXPECT_EQ(checkpoint::parse(one.to_string()).value(), one) << one.to_string();
  EXPECT_EQ(of_three.to_string(), here.to_string() + "@0:42:feed,3:5:ffffffffffffffff,7:9:1");
}

TEST(checkpoint, refuses_what_it_never_prints) {
  const auto id = here.to_string();
  for (const auto& text :
       {std::string(), std::string("Start"), id, id + "@", id + "@0:1", id + "@0:0:7",
        id + "@0:1:7,", id + "@0:1:7,0:2:7", id + "@1:1:7,0:2:7", id + "@0:-1:7", id + "@0:1:7 ",
        "x" + id + "@0:1:7", id + "@0:99999999999999999999:7"})
    EXPECT_EQ(checkpoint::parse(text).error().code(), errc::invalid_argument) << text;
}

TEST(checkpoint, is_ordered_within_one_store) {
  EXPECT_TRUE(seen(1) < seen(2));
  EXPECT_TRUE(seen(2) > seen(1));
  EXPECT_TRUE(checkpoint{} < seen(1));
  EXPECT_TRUE((seen(2) <=> seen(2)) == std::partial_ordering::equivalent);
}

TEST(checkpoint, has_no_order_where_neither_saw_all_of_the_other) {
  auto left = seen(5);
  auto right = seen(4);
  right.advance(here, {.partition = 1, .sequence = 1, .fingerprint = 1});
  EXPECT_TRUE((left <=> right) == std::partial_ordering::unordered);
  left.advance(here, {.partition = 1, .sequence = 1, .fingerprint = 1});
  EXPECT_TRUE(left > right);
}

TEST(checkpoint, has_no_order_across_stores_and_histories) {
  const checkpoint other(elsewhere, {.sequence = 1, .fingerprint = 7});
  EXPECT_TRUE((seen(2) <=> other) == std::partial_ordering::unordered);
  EXPECT_TRUE((seen(2, 7) <=> seen(2, 8)) == std::partial_ordering::unordered);
}

TEST(checkpoint, keeps_one_mark_per_partition) {
  auto one = seen(1);
  one.advance(here, {.sequence = 2, .fingerprint = 8});
  EXPECT_EQ(one, seen(2, 8));
  EXPECT_EQ(one.in(1).sequence, 0U);
}

TEST(position, prints_as_a_plain_number_in_partition_0) {
  EXPECT_EQ((position{.sequence = 42}.to_string()), "42");
  EXPECT_EQ((position{.partition = 3, .sequence = 42}.to_string()), "3:42");
}

TEST(fingerprint, differs_between_ids_that_differ_in_one_bit) {
  for (std::size_t bit = 0; bit < 128; ++bit) {
    auto changed = here;
    changed.bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_NE(fingerprint_of(here), fingerprint_of(changed)) << bit;
  }
}

}  // namespace
}  // namespace annals
