#include <gtest/gtest.h>

#include <vector>

#include "annals/await.h"
#include "annals/embedded.h"
#include "annals/testing/simulation.h"
#include "counter.h"

namespace annals {
namespace simulated {
namespace {

using counter_domain::add;
using counter_domain::counter;
using counters = category<counter, counter_domain::counter_events>;

constexpr const char* root = "/store";
constexpr std::int64_t tasks = 40;
constexpr std::int64_t commands = 5;

uuid one_counter() {
  return make_uuid_v5({}, "one counter");
}

std::unique_ptr<event_store> open_store(env& process) {
  return open_embedded(root, {.segment_bytes = 1U << 20U}, process).value();
}

/// What the tasks of one run have come to.
struct tally {
  std::int64_t ended = 0;
  std::int64_t stored = 0;
  std::int64_t tries = 0;
};

task<> add_some(event_store& store, tally& all) {
  const counters in(store, "counter");
  const execute_options options{.attempts = 1'000, .budget = std::chrono::hours(1)};
  for (std::int64_t i = 0; i < commands; ++i) {
    const auto done = co_await execute(in, one_counter(), add{1}, options);
    if (!done) co_return;
    ++all.stored;
    all.tries += done->attempts;
  }
}

void start_all(event_store& store, tally& all) {
  for (std::int64_t i = 0; i < tasks; ++i)
    start_detached(add_some(store, all), [&all](const result<void>&) { ++all.ended; });
}

/// Parks until all tasks have ended; the simulated world turns to others meanwhile.
void wait_for_all(env& process, const tally& all) {
  const std::atomic<std::uint32_t> nobody{0};
  for (int i = 0; i < 1'000'000 && all.ended < tasks; ++i)
    process.park(nobody, 0, std::chrono::milliseconds(1));
}

std::uint64_t run_of(std::uint64_t seed, tally& all) {
  testing::simulation machine(seed);
  const auto process = machine.start_process();
  const auto store = open_store(*process);
  start_all(*store, all);
  wait_for_all(*process, all);
  const auto last = sync_wait(load(counters(*store, "counter"), one_counter()), *process);
  EXPECT_EQ(last.value().state.total, all.stored);
  EXPECT_TRUE(store->close());
  return machine.trace();
}

TEST(coroutines, that_conflict_retry_until_all_have_taken_effect) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    tally all;
    run_of(seed, all);
    EXPECT_EQ(all.ended, tasks);
    EXPECT_EQ(all.stored, tasks * commands);
    EXPECT_GT(all.tries, all.stored) << "nobody met a conflict";
  }
}

TEST(coroutines, run_the_same_way_from_the_same_seed) {
  tally one;
  tally other;
  EXPECT_EQ(run_of(7, one), run_of(7, other));
  EXPECT_EQ(one.tries, other.tries);
}

TEST(coroutines, all_end_when_the_power_is_cut_and_lose_nothing_they_were_told_is_stored) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    testing::simulation machine(seed);
    tally all;
    {
      const auto process = machine.start_process();
      const auto store = open_store(*process);
      machine.cut_power_at(machine.steps() + 1 + machine.draw(40));
      start_all(*store, all);
      wait_for_all(*process, all);
      EXPECT_EQ(all.ended, tasks) << "seed " << seed;
      static_cast<void>(store->close());
    }
    if (!machine.has_power()) machine.restore_power();
    const auto process = machine.start_process();
    const auto store = open_store(*process);
    const auto found = sync_wait(load(counters(*store, "counter"), one_counter()), *process);
    EXPECT_GE(found.value().state.total, all.stored) << "seed " << seed;
  }
}

}  // namespace
}  // namespace simulated
}  // namespace annals
