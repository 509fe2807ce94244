#include <gtest/gtest.h>

#include <cstdlib>

#include "crash_run.h"

namespace annals {
namespace simulated {
namespace {

std::uint64_t times_longer() {
  return std::getenv("ANNALS_LONG") != nullptr ? 20 : 1;
}

/// Runs of consecutive seeds; what goes wrong names the seed for `simulate --seed`.
void run_many(std::uint64_t first_seed, std::uint64_t runs, run_plan plan) {
  std::uint64_t crashes = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t watched = 0;
  for (plan.seed = first_seed; plan.seed < first_seed + runs * times_longer(); ++plan.seed) {
    const auto report = run_crashes(plan);
    crashes += report.crashes();
    acknowledged += report.acknowledged;
    watched += report.watched;
    ASSERT_EQ(report.problem, "") << "simulate --seed " << plan.seed << " --verbose"
                                  << (plan.faults ? "" : " --no-faults")
                                  << (plan.lies ? " --lies" : "")
                                  << (plan.buffered ? " --buffered" : "")
                                  << (plan.os ? " --os" : "");
  }
  EXPECT_GT(crashes, runs * static_cast<std::uint64_t>(plan.lives) / 2);
  EXPECT_GT(acknowledged, 0U);
  EXPECT_GT(watched, acknowledged / 2) << "a reader that sees nothing proves nothing";
  ::testing::Test::RecordProperty("crashes", std::to_string(crashes));
}

class crashes : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(crashes, leave_what_was_acknowledged_and_all_or_none_of_the_rest) {
  run_many(1'000 * GetParam(), 75, {.lives = 20, .faults = false});
}

TEST_P(crashes, of_a_failing_disk_leave_what_was_acknowledged_and_all_or_none_of_the_rest) {
  run_many(1'000'000 + 1'000 * GetParam(), 75, {.lives = 20});
}

INSTANTIATE_TEST_SUITE_P(of, crashes, ::testing::Values(0, 1, 2, 3));

TEST(disks, that_lied_are_noticed_or_cost_the_end_of_the_log_only) {
  run_many(2'000'000, 50, {.lives = 12, .faults = false, .lies = true});
}

// That a kill costs nothing is seen until the first power cut; afterwards, that what is left opens
// and is a prefix.
TEST(operating_systems, that_flush_later_lose_the_end_of_the_log_only_and_only_with_the_power) {
  run_many(3'000'000, 100, {.lives = 12, .faults = false, .os = true});
}

// A failed sync leaves pages that are seen and not on the disk. Opened again, the store must
// neither go on behind them, nor serve what a power cut will take.
TEST(file_systems, without_unbuffered_writes_keep_what_was_acknowledged_after_a_failed_sync) {
  run_many(4'000'000, 150, {.lives = 20, .buffered = true});
}

TEST(file_systems, without_unbuffered_writes_that_flush_later_lose_the_end_of_the_log_only) {
  run_many(6'000'000, 50, {.lives = 12, .buffered = true, .os = true});
}

TEST(simulation, repeats_a_run_exactly) {
  const auto once = run_crashes({.seed = 7});
  const auto again = run_crashes({.seed = 7});
  EXPECT_EQ(once.trace, again.trace);
  EXPECT_EQ(once.events, again.events);
  EXPECT_NE(once.trace, run_crashes({.seed = 8}).trace);
}

}  // namespace
}  // namespace simulated
}  // namespace annals
