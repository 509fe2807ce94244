#include "in_order.h"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>
#include <thread>

#include "annals/forwarding_env.h"

namespace annals::embedded {
namespace {

class three_processors final : public forwarding_env {
 public:
  three_processors() : forwarding_env(posix_env()) {}
  unsigned processors() noexcept override { return 3; }
};

struct work_in_order : ::testing::Test {
  three_processors world{};
  std::vector<std::size_t> taken{};
};

// The first one waits for the fourth, so that they are made in another order than they are taken.
TEST_F(work_in_order, is_taken_in_order_when_concurrent_threads_end_in_another) {
  std::atomic<std::uint32_t> fourth{0};
  std::mutex mutex;
  std::set<std::thread::id> makers;
  in_order<std::size_t> work(world, 100, [] {});
  const auto make = [&](std::size_t i) {
    if (i == 3) {
      fourth = 1;
      world.wake_all(fourth);
    }
    while (i == 0 && fourth == 0) world.park(fourth, 0);
    const std::scoped_lock lock(mutex);
    makers.insert(std::this_thread::get_id());
    return i * i;
  };
  const auto done = work.run(make, [&](std::size_t i, std::size_t square) -> result<bool> {
    EXPECT_EQ(square, i * i);
    taken.push_back(i);
    return true;
  });
  ASSERT_TRUE(done);
  EXPECT_EQ(taken.size(), 100U);
  EXPECT_TRUE(std::ranges::is_sorted(taken));
  EXPECT_GT(makers.size(), 1U);
  EXPECT_FALSE(makers.contains(std::this_thread::get_id()));
}

TEST_F(work_in_order, is_never_more_than_two_results_per_concurrent_thread_ahead) {
  std::atomic<std::size_t> begun{0};
  std::atomic<std::size_t> ended{0};
  std::atomic<std::size_t> most{0};
  in_order<int> work(world, 200, [] {});
  const auto done = work.run(
      [&](std::size_t) {
        const auto ahead = ++begun - ended;
        if (ahead > most) most = ahead;
        return 0;
      },
      [&](std::size_t, int) -> result<bool> {
        world.park(std::atomic<std::uint32_t>{0}, 0, std::chrono::microseconds(200));
        ++ended;
        return true;
      });
  ASSERT_TRUE(done);
  EXPECT_LE(most, 7U);  // six, and the one that is being taken
}

TEST_F(work_in_order, ends_when_one_is_refused_or_throws_while_threads_wait) {
  in_order<int> refused(world, 1'000, [] {});
  const auto make = [](std::size_t) { return 0; };
  const auto done = refused.run(make, [&](std::size_t i, int) -> result<bool> {
    if (i == 5) return fail(errc::database_error, "no more");
    return true;
  });
  ASSERT_FALSE(done);
  in_order<int> left(world, 1'000, [] {});
  EXPECT_TRUE(left.run(make, [&](std::size_t i, int) -> result<bool> { return i < 5; }));
  in_order<int> thrown(world, 1'000, [] {});
  const auto throws = [](std::size_t i, int) -> result<bool> {
    if (i == 5) throw std::runtime_error("a progress function's");
    return true;
  };
  EXPECT_THROW((void)thrown.run(make, throws), std::runtime_error);
}

}  // namespace
}  // namespace annals::embedded
