#include "segment_supply.h"

#include <gtest/gtest.h>

#include "failing_env.h"
#include "store_fixture.h"

namespace annals::embedded {
namespace {

constexpr std::uint64_t mib = 1U << 20U;

struct supply_of_segments : store_fixture {
  supply_of_segments() { EXPECT_TRUE(disk_env.create_directories(paths.log())); }
  failing_env disk_env{posix_env()};
  store_paths paths{root()};
  segment_supply supply{disk_env, paths, 7, write_through::durable};
};

TEST_F(supply_of_segments, makes_a_file_of_zeros_of_the_size_asked_for) {
  ASSERT_TRUE(supply.wait_for(2 * mib));
  ASSERT_TRUE(supply.has(2 * mib));
  const auto made = supply.take();
  EXPECT_EQ(made.capacity, 2 * mib);
  const auto bytes = content(paths.zeroed(7));
  EXPECT_EQ(bytes.size(), 2 * mib);
  EXPECT_TRUE(std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; }));
  EXPECT_FALSE(supply.has(mib));
}

TEST_F(supply_of_segments, lengthens_a_file_that_is_too_short) {
  ASSERT_TRUE(supply.wait_for(mib));
  EXPECT_FALSE(supply.has(3 * mib));
  ASSERT_TRUE(supply.wait_for(3 * mib));
  EXPECT_EQ(supply.take().capacity, 3 * mib);
  EXPECT_EQ(content(paths.zeroed(7)).size(), 3 * mib);
}

// The name is the number's: what was taken keeps its file until it becomes a segment.
TEST_F(supply_of_segments, leaves_a_file_that_was_taken_alone) {
  ASSERT_TRUE(supply.wait_for(mib));
  const auto first = supply.take();
  const std::vector<std::byte> written(4096, std::byte{1});
  aligned_bytes block(4096);
  std::ranges::copy(written, block.data());
  ASSERT_TRUE(first.writer->write_at(0, block.bytes()));
  ASSERT_TRUE(supply.wait_for(mib));
  EXPECT_EQ(content(paths.zeroed(7)).front(), std::byte{1});
  EXPECT_EQ(content(paths.zeroed(8)).front(), std::byte{0});
}

TEST_F(supply_of_segments, replaces_a_file_left_over_by_another_process) {
  std::ofstream(paths.zeroed(7)) << "left over";
  ASSERT_TRUE(supply.wait_for(mib));
  EXPECT_EQ(content(paths.zeroed(7)).front(), std::byte{0});
}

TEST_F(supply_of_segments, says_why_it_cannot_and_tries_again_when_asked_again) {
  disk_env.leave_room(mib / 2);
  EXPECT_EQ(supply.wait_for(mib).error().code(), errc::disk_full);
  EXPECT_FALSE(std::filesystem::exists(paths.zeroed(7)));
  disk_env.heal();
  EXPECT_TRUE(supply.wait_for(mib));
}

}  // namespace
}  // namespace annals::embedded
