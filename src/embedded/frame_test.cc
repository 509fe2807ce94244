#include "frame.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "crc32c.h"

namespace annals::embedded {
namespace {

constexpr std::uint32_t seed = 0x5eed5eedU;

/// A frame with a dictionary entry, a command and an event with payload and tags.
std::vector<std::byte> sample_frame() {
  std::vector<std::byte> bytes(sizeof(frame_header));
  std::uint32_t items_crc = seed;
  const auto add = [&](auto item, std::string_view rest) {
    const std::size_t at = bytes.size();
    item.item.head = sizeof item;
    item.item.length = static_cast<std::uint32_t>(sizeof item + padded(rest.size()));
    bytes.resize(at + item.item.length);
    write_as(bytes.data() + at, item);
    std::memcpy(bytes.data() + at + sizeof item, rest.data(), rest.size());
    finish_rest(bytes.data() + at);
    finish_head(bytes.data() + at, seed, items_crc);
  };
  const auto kind = [](item_kind k) { return item_header{.kind = static_cast<std::uint16_t>(k)}; };
  add(
      dictionary_item{
          .item = kind(item_kind::dictionary), .number = 1, .dictionary = 1, .length = 8},
      "happened");
  add(command_item{.item = kind(item_kind::command), .command_id = {{1, 2, 3}}}, "");
  const std::string payload = "a payload of 24 bytes...";
  std::string rest = payload;
  const section_header section{.length = 24, .kind = 1, .count = 2};
  rest.append(reinterpret_cast<const char*>(&section), sizeof section);
  rest += std::string(
              "\x05"
              "a:one"
              "\x06"
              "bb:two") +
          std::string(3, '\0');
  add(event_item{.item = kind(item_kind::event),
                 .stream_key = {{9}},
                 .version = 1,
                 .type = 1,
                 .payload_length = 24,
                 .sections_length = 24},
      rest);
  finish_frame(bytes.data(),
               {.length = static_cast<std::uint32_t>(bytes.size()),
                .place = lsn::at(3, 4096),
                .first_sequence = 17,
                .events = 1,
                .items = 3,
                .kind = 1,
                .items_crc = items_crc},
               seed);
  return bytes;
}

bool is_valid(const std::vector<std::byte>& bytes, std::uint32_t with = seed) {
  if (!frame_header_holds(bytes.data(), with)) return false;
  const frame_view frame(bytes.data());
  return frame.header().length == bytes.size() && !frame.problem(with);
}

TEST(lsn, keeps_segment_and_offset_and_grows_with_the_log) {
  const auto place = lsn::at(7, 4096);
  EXPECT_EQ(place.segment(), 7U);
  EXPECT_EQ(place.offset(), 4096U);
  EXPECT_EQ(lsn::at(1, 4U << 30U).offset(), std::uint64_t{4U << 30U});
  EXPECT_LT(lsn::at(7, 4096), lsn::at(7, 4104));
  EXPECT_LT(lsn::at(7, (std::uint64_t{4} << 30U) - 8), lsn::at(8, 4096));
}

TEST(frame, gives_back_its_items) {
  const auto bytes = sample_frame();
  ASSERT_TRUE(is_valid(bytes));
  std::vector<item_kind> kinds;
  frame_view(bytes.data()).for_each_item([&](const item_view& item) {
    kinds.push_back(item.kind());
    EXPECT_TRUE(item.holds(seed));
    EXPECT_TRUE(item.fits());
    if (item.kind() == item_kind::dictionary) {
      EXPECT_EQ(text_in(item, item.as<dictionary_item>().length), "happened");
    }
    if (item.kind() == item_kind::event) {
      std::vector<std::string_view> tags;
      for_each_tag(item, [&](std::string_view tag) { tags.push_back(tag); });
      EXPECT_EQ(tags, (std::vector<std::string_view>{"a:one", "bb:two"}));
    }
  });
  EXPECT_EQ(kinds,
            (std::vector<item_kind>{item_kind::dictionary, item_kind::command, item_kind::event}));
}

TEST(frame, shows_every_flipped_bit) {
  auto bytes = sample_frame();
  for (std::size_t at = 0; at < bytes.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      const auto mask = static_cast<std::byte>(1U << static_cast<unsigned>(bit));
      bytes[at] ^= mask;
      EXPECT_FALSE(is_valid(bytes)) << "byte " << at << " bit " << bit;
      bytes[at] ^= mask;
    }
}

TEST(frame, of_another_salt_is_none) {
  EXPECT_FALSE(is_valid(sample_frame(), seed + 1));
}

TEST(frame, with_exchanged_items_is_damaged) {
  auto bytes = sample_frame();
  // Dictionary entry (32 bytes) and command (72 bytes) change places; each still holds.
  std::vector<std::byte> items(bytes.begin() + 64, bytes.begin() + 64 + 104);
  std::ranges::rotate(items, items.begin() + 32);
  std::ranges::copy(items, bytes.begin() + 64);
  EXPECT_EQ(frame_view(bytes.data()).problem(seed), "the items CRC does not hold");
}

TEST(item, does_not_fit_when_its_fields_reach_beyond_it) {
  auto bytes = sample_frame();
  const std::size_t at = 64;
  auto entry = read_as<dictionary_item>(bytes.data() + at);
  entry.length = 9;  // of 8
  write_as(bytes.data() + at, entry);
  std::uint32_t ignored = seed;
  finish_head(bytes.data() + at, seed, ignored);
  EXPECT_TRUE(item_view(bytes.data() + at).holds(seed));
  EXPECT_FALSE(item_view(bytes.data() + at).fits());
}

TEST(item, is_out_of_bounds_when_longer_than_the_room_it_has) {
  const auto bytes = sample_frame();
  EXPECT_TRUE(item_in_bounds(bytes.data() + 64, 32));
  EXPECT_FALSE(item_in_bounds(bytes.data() + 64, 24));
  EXPECT_FALSE(item_in_bounds(bytes.data() + 64, 8));
}

TEST(event_item, refuses_sections_that_do_not_fit) {
  auto bytes = sample_frame();
  const std::size_t at = 64 + 32 + 72;
  const std::size_t count = at + sizeof(event_item) + 24 + offsetof(section_header, count);
  ASSERT_TRUE(item_view(bytes.data() + at).fits());
  bytes[count] = std::byte{200};  // tags
  EXPECT_FALSE(item_view(bytes.data() + at).fits());
}

}  // namespace
}  // namespace annals::embedded
