#include "tail_image.h"

#include <gtest/gtest.h>

namespace annals::embedded {
namespace {

constexpr std::size_t budget = 4U << 20U;

log_stretch stretch(std::uint64_t from, std::uint64_t end, std::shared_ptr<aligned_bytes> page) {
  const auto* data = page->data();
  return {lsn::at(1, from), lsn::at(1, end), data, std::move(page)};
}

TEST(tail_image, finds_what_was_added_and_nothing_else) {
  tail_image image(budget);
  image.add(stretch(4096, 8192, image.page(10)));
  image.add(stretch(9000, 9008, image.page(10)));
  EXPECT_FALSE(image.find(lsn::at(1, 4088)));
  EXPECT_TRUE(image.find(lsn::at(1, 4096)));
  EXPECT_TRUE(image.find(lsn::at(1, 8184)));
  EXPECT_FALSE(image.find(lsn::at(1, 8192)));
  EXPECT_TRUE(image.find(lsn::at(1, 9000)));
  EXPECT_FALSE(image.find(lsn::at(1, 9008)));
  EXPECT_FALSE(image.find(lsn::at(2, 4096)));
}

TEST(tail_image, says_where_it_begins) {
  tail_image image(budget);
  EXPECT_EQ(image.begin(), std::nullopt);
  for (std::uint64_t i = 0; i <= budget / tail_image::page_bytes; ++i)
    image.add(stretch(4096 + i * 64, 4096 + (i + 1) * 64, image.page(10)));
  EXPECT_EQ(image.begin(), lsn::at(1, 4096 + 64));
}

TEST(tail_image, keeps_the_newest_pages_within_its_budget) {
  tail_image image(budget);
  constexpr std::uint64_t stretches = 3 * budget / tail_image::page_bytes;
  for (std::uint64_t i = 0; i < stretches; ++i)
    image.add(stretch(4096 + i * 64, 4096 + (i + 1) * 64, image.page(10)));
  std::uint64_t found = 0;
  for (std::uint64_t i = 0; i < stretches; ++i)
    if (image.find(lsn::at(1, 4096 + i * 64))) ++found;
  EXPECT_EQ(found, budget / tail_image::page_bytes);
  EXPECT_TRUE(image.find(lsn::at(1, 4096 + (stretches - 1) * 64)));
}

TEST(tail_image, counts_a_page_that_holds_many_stretches_once) {
  tail_image image(budget);
  const auto page = image.page(10);
  for (std::uint64_t i = 0; i < 1000; ++i)
    image.add(stretch(4096 + i * 64, 4096 + (i + 1) * 64, page));
  EXPECT_TRUE(image.find(lsn::at(1, 4096)));
}

TEST(tail_image, does_not_take_back_a_page_that_is_still_read) {
  tail_image image(budget);
  image.add(stretch(4096, 4160, image.page(10)));
  const auto read = image.find(lsn::at(1, 4096));
  for (std::uint64_t i = 1; i < 20; ++i) {
    const auto page = image.page(10);
    EXPECT_NE(page->data(), read->data);
    image.add(stretch(4096 + i * 64, 4096 + (i + 1) * 64, page));
  }
}

TEST(tail_image, takes_less_of_a_small_device) {
  EXPECT_EQ(tail_image::budget_for(4U << 20U), 2U << 20U);
  EXPECT_EQ(tail_image::budget_for(32U << 20U), 4U << 20U);
  EXPECT_EQ(tail_image::budget_for(std::uint64_t{4} << 30U), 8U << 20U);
}

}  // namespace
}  // namespace annals::embedded
