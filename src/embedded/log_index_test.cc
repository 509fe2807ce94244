#include "log_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace annals::embedded {
namespace {

TEST(dictionary, numbers_texts_from_1_and_keeps_0_for_the_empty_one) {
  dictionary texts;
  EXPECT_EQ(texts.number_of("a"), 0U);
  EXPECT_EQ(texts.add("a"), 1U);
  EXPECT_EQ(texts.add("b"), 2U);
  EXPECT_EQ(texts.number_of("b"), 2U);
  EXPECT_EQ(texts.text_of(1), "a");
  EXPECT_EQ(texts.number_of(""), 0U);
  EXPECT_EQ(texts.text_of(0), "");
}

TEST(dictionary, gives_out_texts_that_stay_where_they_are) {
  dictionary texts;
  texts.add("short");
  const auto first = texts.text_of(1);
  for (int i = 0; i < 10'000; ++i) texts.add(std::to_string(i));
  EXPECT_EQ(first.data(), texts.text_of(1).data());
}

}  // namespace
}  // namespace annals::embedded
