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

/// An index of events with random types and tags, and the same as plain lists.
struct random_events : ::testing::Test {
  struct plain_event {
    std::string type{};
    std::vector<std::string> tags{};
  };
  log_index index{};
  std::vector<plain_event> plain{};
  std::mt19937 random{42};

  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random() % bound); }
  std::string some_tag() { return "n:" + std::to_string(below(6)); }
  std::string some_type() { return "type" + std::to_string(below(5)); }

  void add(int count) {
    for (int i = 0; i < count; ++i) {
      const uuid key{{static_cast<std::uint8_t>(below(10))}};
      auto* stream = index.find(key);
      if (stream == nullptr) stream = &index.add_stream(key, "s" + std::to_string(i), 0);
      plain_event made{.type = some_type()};
      for (auto tags = below(4); tags > 0; --tags) made.tags.push_back(some_tag());
      auto type = index.types.number_of(made.type);
      if (type == 0) type = index.types.add(made.type);
      index.add_event(*stream, {.type = type, .stream = stream->number});
      for (const auto& tag : made.tags) index.add_tag(tag, index.events());
      plain.push_back(std::move(made));
    }
  }

  std::uint64_t plain_match(const query& selects, std::uint64_t after) const {
    for (std::size_t i = after; i < plain.size(); ++i) {
      const std::vector<std::string_view> tags(plain[i].tags.begin(), plain[i].tags.end());
      if (matches(selects, plain[i].type, tags)) return i + 1;
    }
    return 0;
  }
};

TEST_F(random_events, are_matched_as_by_looking_at_each) {
  add(300);
  for (int i = 0; i < 3'000; ++i) {
    std::vector<std::string> texts(8);
    for (std::size_t t = 0; t < 4; ++t) texts[t] = below(9) == 0 ? "never" : some_type();
    for (std::size_t t = 4; t < 8; ++t) texts[t] = below(9) == 0 ? "never:1" : some_tag();
    const std::vector<std::string_view> words(texts.begin(), texts.end());
    std::vector<query_item> items(below(3));
    for (auto& item : items)
      item = {.types = std::span(words).subspan(0, below(3)),
              .tags = std::span(words).subspan(4, below(3))};
    const query selects{items};
    const std::uint64_t after = below(301);
    ASSERT_EQ(index.first_match(selects, after, time_point{}), plain_match(selects, after))
        << "round " << i;
  }
}

TEST_F(random_events, know_the_version_of_a_stream_at_every_moment) {
  add(200);
  std::map<std::uint32_t, std::uint64_t> versions;
  for (std::uint64_t sequence = 1; sequence <= index.events(); ++sequence) {
    const auto& stream = index.stream_of(index.event(sequence));
    EXPECT_EQ(stream.newest_at(sequence).number, ++versions[stream.number]);
    EXPECT_EQ(stream.newest_at(sequence - 1).number, versions[stream.number] - 1);
  }
}

TEST_F(random_events, that_retention_hides_match_nothing) {
  add(100);
  auto& stream = index.stream(0);
  const auto first = stream.sequences.front();
  EXPECT_EQ(index.first_match({}, first - 1, time_point{}), first);
  stream.kept.truncate_before = {2};
  EXPECT_NE(index.first_match({}, first - 1, time_point{}), first);
  EXPECT_EQ(index.first_kept(stream, stream.newest(), time_point{}).number, 2U);
}

}  // namespace
}  // namespace annals::embedded
