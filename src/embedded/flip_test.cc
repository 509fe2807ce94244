#include <gtest/gtest.h>

#include <functional>

#include "bytes.h"
#include "format.h"
#include "frame.h"
#include "snapshot_format.h"
#include "store_fixture.h"

namespace annals::embedded {
namespace {

/// Flips bits of the files of a small store, one at a time.
class flipped_store : public store_fixture {
 protected:
  flipped_store() : store_fixture(disk::memory) {
    auto store = open();
    const std::vector<std::string_view> tags{"customer:17850", "country:UK"};
    const std::string payload = R"({"amount":12.5})";
    const new_event event{
        .type = "created", .payload = std::as_bytes(std::span(payload)), .tags = tags};
    const stream_write write{"order-1", expect::none(), {&event, 1}};
    EXPECT_TRUE(store->append(
        {.streams = {&write, 1}, .context = {.command_id = {{1}}, .correlation_id = {{2}}}}));
    EXPECT_TRUE(append(*store, "order-1", {"paid"}));
    EXPECT_TRUE(store->retain("order-1", {.max_count = 100}));
    uuid last;
    EXPECT_TRUE(store->read({.stream = "order-1"}, [&](const event_batch& some) {
      last = some.events.back().header().event_id;
      return flow::more;
    }));
    EXPECT_TRUE(store->save_snapshot({.stream = "order-1",
                                      .version = {2},
                                      .last_event = last,
                                      .state = std::as_bytes(std::span(payload))}));
  }

  /// Flips one bit of every byte in a range and calls `check` with the offset each time.
  void for_each_flip(const std::string& path, std::uint64_t from, std::uint64_t end,
                     const std::function<void(std::uint64_t)>& check) {
    const auto bytes = content(path);
    for (std::uint64_t at = from; at < end && !HasFailure(); ++at) {
      const auto original = bytes[static_cast<std::size_t>(at)];
      const std::byte flipped = original ^ static_cast<std::byte>(1U << (at * 5 + at / 8) % 8);
      overwrite(path, at, {&flipped, 1});
      check(at);
      overwrite(path, at, {&original, 1});
    }
  }

  std::uint64_t log_end() const {
    const auto bytes = content(segment(1));
    std::uint64_t at = first_frame_offset;
    while (const auto length = read_as<std::uint32_t>(bytes.data() + at)) at += length;
    return at;
  }
};

TEST_F(flipped_store, is_sound_before_anything_is_flipped) {
  const auto report = verified();
  EXPECT_TRUE(report.damage.empty());
  EXPECT_EQ(report.torn_tail_bytes, 0U);
  EXPECT_EQ(report.events, 2U);
  EXPECT_EQ(report.snapshots, 1U);
  EXPECT_EQ(report.segments, 1U);
  EXPECT_TRUE(open()->load_snapshot("order-1", 0).value());
}

TEST_F(flipped_store, is_refused_for_every_byte_of_the_log) {
  for_each_flip(segment(1), 0, log_end(), [&](std::uint64_t at) {
    const auto report = verify_embedded(root());
    const bool seen =
        report ? !report->damage.empty() : report.error().code() == errc::store_too_new;
    EXPECT_TRUE(seen) << "byte " << at << " was not noticed by verify";
    const auto opened = try_open({.create = false, .read_only = true});
    EXPECT_FALSE(opened) << "byte " << at << " was not noticed by open";
  });
}

// Dead space: no CRC covers the zeros behind the last frame, and nobody reads them as events.
TEST_F(flipped_store, reports_dead_space_that_is_not_zero_and_loses_nothing) {
  const auto end = log_end();
  for_each_flip(segment(1), end, end + 256, [&](std::uint64_t at) {
    const auto report = verified();
    EXPECT_TRUE(report.damage.empty()) << "byte " << at << ": " << report.damage.front();
    EXPECT_GT(report.torn_tail_bytes, 0U) << "byte " << at;
    const auto opened = open({.create = false, .read_only = true});
    EXPECT_EQ(texts(*opened, {}).size(), 2U) << "byte " << at;
  });
}

TEST_F(flipped_store, is_refused_for_every_byte_of_its_marker) {
  for (const auto* name : {"/ANNALS", "/CLOSED"})
    for_each_flip(root() + name, 0, block_bytes, [&](std::uint64_t at) {
      EXPECT_FALSE(try_open({.create = false, .read_only = true})) << name << " byte " << at;
      const auto report = verify_embedded(root());
      EXPECT_TRUE(!report || !report->damage.empty()) << name << " byte " << at;
    });
}

TEST_F(flipped_store, never_gives_out_a_damaged_snapshot) {
  const auto path = root() + "/snap/000000000001.snap";
  for_each_flip(path, 0, std::filesystem::file_size(path), [&](std::uint64_t at) {
    const auto report = verified();
    EXPECT_TRUE(!report.damage.empty() || report.torn_tail_bytes > 0) << "byte " << at;
    const auto opened = open({.create = false, .read_only = true});
    const auto kept = opened->load_snapshot("order-1", 0);
    EXPECT_TRUE(kept && !*kept) << "byte " << at;
    EXPECT_EQ(texts(*opened, {}).size(), 2U);
  });
}

// What a slot says is only where to look. Dead space: free slots, and the rest of the header's
// page.
TEST_F(flipped_store, gives_out_the_right_snapshot_or_none_for_every_byte_of_their_table) {
  const auto path = root() + "/snap/table";
  const auto bytes = content(path);
  const auto check = [&](std::uint64_t at) {
    const bool is_header = at < sizeof(snapshot_table_header);
    const auto slot = round_down(at, sizeof(snapshot_slot));
    const bool is_slot = at >= block_bytes && slot + sizeof(snapshot_slot) <= bytes.size();
    const bool is_used = is_slot && read_as<snapshot_slot>(bytes.data() + slot).newest != 0;
    const auto in_slot = at - slot;
    const bool says_used = is_slot && in_slot >= offsetof(snapshot_slot, newest) &&
                           in_slot < offsetof(snapshot_slot, previous);
    EXPECT_EQ(!verified().damage.empty(), is_header || is_used || says_used) << "byte " << at;
    const auto opened = open({.create = false, .read_only = true});
    const auto kept = opened->load_snapshot("order-1", 0);
    ASSERT_TRUE(kept) << "byte " << at;
    EXPECT_TRUE(!*kept || (*kept)->version.number == 2U) << "byte " << at;
  };
  for_each_flip(path, 0, sizeof(snapshot_table_header) + 32, check);
  std::uint64_t used = block_bytes;
  while (read_as<snapshot_slot>(bytes.data() + used).newest == 0) used += sizeof(snapshot_slot);
  for_each_flip(path, std::max<std::uint64_t>(used - 64, block_bytes),
                std::min<std::uint64_t>(used + 96, bytes.size()), check);
}

}  // namespace
}  // namespace annals::embedded
