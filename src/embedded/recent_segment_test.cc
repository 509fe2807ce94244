#include "recent_segment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace annals::embedded {
namespace {

constexpr std::uint64_t first_position = 1'001;

std::shared_ptr<segment> some_segment() {
  auto made = std::make_shared<segment>();
  made->header.number = 3;
  made->header.first_sequence = first_position;
  return made;
}

/// An index of events with random types and tags, and the same as plain lists.
struct random_events : ::testing::Test {
  struct plain_event {
    std::uint32_t type{};
    std::vector<std::string> tags{};
  };
  recent_segment index{some_segment()};
  std::vector<plain_event> plain{};
  std::mt19937 random{42};

  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random() % bound); }
  std::string some_tag() { return "n:" + std::to_string(below(6)); }

  void add(int count) {
    for (int i = 0; i < count; ++i) {
      const uuid key{{static_cast<std::uint8_t>(below(10))}};
      auto* stream = index.find(key);
      if (stream == nullptr) {
        stream = &index.add_stream(key);
        stream->before = below(4);
      }
      plain_event made{.type = 1 + below(5)};
      for (auto tags = below(4); tags > 0; --tags) made.tags.push_back(some_tag());
      index.add_event(*stream, {.type = made.type, .stream = stream->number});
      for (const auto& tag : made.tags) index.add_tag(tag);
      plain.push_back(std::move(made));
    }
  }

  std::uint64_t plain_match(const std::vector<std::uint32_t>& types,
                            const std::vector<std::string_view>& tags, std::uint64_t after,
                            std::uint64_t hidden) const {
    for (std::size_t i = 0; i < plain.size(); ++i) {
      const auto sequence = first_position + i;
      if (sequence <= after || sequence % 7 == hidden) continue;
      const bool type_fits = types.empty() || std::ranges::count(types, plain[i].type) != 0;
      const bool tags_fit = std::ranges::all_of(
          tags, [&](auto tag) { return std::ranges::count(plain[i].tags, tag) != 0; });
      if (type_fits && tags_fit) return sequence;
    }
    return 0;
  }
};

TEST_F(random_events, are_matched_as_by_looking_at_each) {
  add(300);
  int found = 0;
  for (int i = 0; i < 3'000; ++i) {
    std::vector<std::uint32_t> types;
    for (auto n = below(3); n > 0; --n) types.push_back(1 + below(6));
    std::vector<std::string> texts;
    for (auto n = below(3); n > 0; --n) texts.push_back(below(9) == 0 ? "never:1" : some_tag());
    const std::vector<std::string_view> tags(texts.begin(), texts.end());
    const std::uint64_t after = first_position - 20 + below(330);
    const std::uint64_t hidden = below(9);
    const auto match = index.first_match(
        types, tags, after, [&](std::uint64_t sequence) { return sequence % 7 != hidden; });
    ASSERT_EQ(match, plain_match(types, tags, after, hidden)) << "round " << i;
    found += match != 0 ? 1 : 0;
  }
  EXPECT_GT(found, 1'000);
}

TEST_F(random_events, know_the_version_of_a_stream_at_every_moment) {
  add(200);
  std::map<std::uint32_t, std::uint64_t> versions;
  for (auto sequence = first_position; sequence <= index.last_sequence(); ++sequence) {
    const auto& stream = index.stream_of(index.event(sequence));
    const auto [known, first] = versions.try_emplace(stream.number, stream.before);
    EXPECT_EQ(index.newest_at(stream, sequence - 1).number, known->second);
    EXPECT_EQ(index.newest_at(stream, sequence).number, ++known->second);
    EXPECT_EQ(index.sequence_of(stream, {known->second}), sequence);
  }
}

TEST_F(random_events, of_retention_the_newest_before_a_place_counts) {
  const uuid key{{1}};
  EXPECT_EQ(index.find_retention(key, lsn::greatest()), nullptr);
  index.add_retention(key, lsn::at(3, 4096), {.max_count = 1});
  index.add_retention(key, lsn::at(3, 8192), {.max_count = 2});
  EXPECT_EQ(index.find_retention(key, lsn::at(3, 4096)), nullptr);
  EXPECT_EQ(index.find_retention(key, lsn::at(3, 8192))->max_count, 1U);
  EXPECT_EQ(index.find_retention(key, lsn::greatest())->max_count, 2U);
}

}  // namespace
}  // namespace annals::embedded
