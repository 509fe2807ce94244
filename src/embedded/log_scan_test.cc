#include "log_scan.h"

#include <gtest/gtest.h>

#include <functional>

#include "crc32c.h"
#include "store_fixture.h"

namespace annals::embedded {
namespace {

/// The first segment of a store, whose frames are changed and signed again, as no accident can.
struct scanned_segment : store_fixture {
  scanned_segment() : store_fixture(disk::memory) {
    auto store = open();
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(append(*store, "order-1", {std::to_string(i)}));
  }

  segment_header header() const { return read_as<segment_header>(content(segment(1)).data()); }

  /// Changes the header of the n-th frame and makes its CRC hold.
  void change(int n, const std::function<void(frame_header&)>& how) {
    const auto bytes = content(segment(1));
    std::uint64_t at = first_frame_offset;
    for (int i = 0; i < n; ++i) at += read_as<std::uint32_t>(bytes.data() + at);
    auto changed = read_as<frame_header>(bytes.data() + at);
    how(changed);
    std::array<std::byte, sizeof changed> written{};
    finish_frame(written.data(), changed, seed_of(header().salt));
    overwrite(segment(1), at, written);
  }

  /// How many frames a scan accepts, and why it stops.
  std::pair<int, std::string> scan() {
    auto opened = env_->open(segment(1), file_mode::read, write_through::none);
    segment_scan scan(**opened, header());
    int frames = 0;
    while (scan.next().value()) ++frames;
    return {frames, scan.problem()};
  }
};

TEST_F(scanned_segment, is_accepted_to_its_end) {
  EXPECT_EQ(scan(), std::pair(7, std::string{}));  // opened, five, mark
}

TEST_F(scanned_segment, is_not_accepted_where_a_frame_does_not_follow_the_one_before) {
  change(3, [](frame_header& frame) { ++frame.previous_crc; });
  EXPECT_EQ(scan(), std::pair(3, std::string("a frame does not follow the one before it")));
}

TEST_F(scanned_segment, is_not_accepted_where_positions_do_not_follow) {
  change(3, [](frame_header& frame) { ++frame.first_sequence; });
  EXPECT_EQ(scan(), std::pair(3, std::string("a frame begins at position 4, not 3")));
}

TEST_F(scanned_segment, is_not_accepted_where_a_frame_names_another_place) {
  change(3, [](frame_header& frame) { frame.place.bits += 1; });
  EXPECT_EQ(scan(), std::pair(3, std::string("a frame stands in a wrong place")));
}

TEST_F(scanned_segment, is_not_accepted_where_a_frame_calls_itself_durable) {
  change(3, [](frame_header& frame) { frame.durable = {frame.place.bits + 1}; });
  EXPECT_EQ(scan(), std::pair(3, std::string("a frame calls itself durable, or what follows it")));
}

TEST_F(scanned_segment, is_not_accepted_where_a_frame_is_longer_than_it) {
  change(3, [](frame_header& frame) { frame.length = 2U << 20U; });
  EXPECT_EQ(scan(), std::pair(3, std::string("a frame is longer than the segment")));
}

TEST_F(scanned_segment, of_a_newer_program_is_refused_where_it_must_be_understood) {
  change(3, [](frame_header& frame) { frame.kind = must_be_understood + 1; });
  EXPECT_EQ(try_open().error().code(), errc::store_too_new);
}

TEST_F(scanned_segment, of_a_newer_program_is_read_where_it_need_not_be_understood) {
  change(6, [](frame_header& frame) { frame.kind = 77; });  // was the mark
  EXPECT_EQ(texts(*open(), "order-1").size(), 5U);
}

TEST_F(scanned_segment, goes_on_behind_damage) {
  const auto bytes = content(segment(1));
  const auto first = read_as<std::uint32_t>(bytes.data() + first_frame_offset);
  flip(segment(1), first_frame_offset + first + 20);
  auto opened = env_->open(segment(1), file_mode::read, write_through::none);
  segment_scan scan(**opened, header());
  int frames = 0;
  while (scan.next().value()) ++frames;
  EXPECT_EQ(frames, 1);
  EXPECT_EQ(scan.stop(), scan_stop::bad);
  ASSERT_TRUE(scan.resynchronise().value());
  while (scan.next().value()) ++frames;
  EXPECT_EQ(frames, 6);
  EXPECT_EQ(scan.stop(), scan_stop::end);
}

}  // namespace
}  // namespace annals::embedded
