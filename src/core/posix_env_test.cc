#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <latch>
#include <set>

#include "annals/env.h"
#include "annals/uuid.h"

namespace annals {
namespace {

using std::chrono::milliseconds;

class posix_files : public testing::Test {
 protected:
  posix_files() { std::filesystem::create_directories(folder); }
  ~posix_files() override { std::filesystem::remove_all(folder); }

  env& world = posix_env();
  std::string folder = testing::TempDir() + "annals_posix_env_" +
                       testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(posix_files, names_the_file_system) {
  const auto on = world.volume(folder).value();
  EXPECT_FALSE(on.kind.empty());
  EXPECT_GT(on.free_bytes, 0U);
  EXPECT_EQ(world.volume("/proc").value().kind, "0x9fa0");  // one that it has no name for
  EXPECT_EQ(world.volume(folder + "/none").error().code(), errc::database_error);
  if (std::filesystem::is_directory("/dev/shm")) {
    EXPECT_EQ(world.volume("/dev/shm").value().kind, "tmpfs");
  }
}

TEST_F(posix_files, maps_what_was_written) {
  auto opened = world.open(folder + "/a", file_mode::create, write_through::none).value();
  const std::string text(10'000, 'm');
  opened->write_at(0, std::as_bytes(std::span(text))).value();
  const auto seen = opened->map(text.size()).value();
  opened.reset();
  seen->expect(0, text.size());
  seen->fetch(5'000, 5'000).value();
  seen->fetch(0, 1).value();
  ASSERT_EQ(seen->bytes().size(), text.size());
  EXPECT_TRUE(std::ranges::equal(seen->bytes(), std::as_bytes(std::span(text))));
}

TEST_F(posix_files, maps_no_more_than_there_is) {
  auto opened = world.open(folder + "/a", file_mode::create, write_through::none).value();
  EXPECT_EQ(opened->map(1).error().code(), errc::store_corrupt);
  EXPECT_EQ(opened->map(0).error().code(), errc::store_corrupt);
}

// A file that is cut off under its mapping: looking would be a signal, fetching is an error.
TEST_F(posix_files, fetching_what_is_gone_is_an_error) {
  auto opened = world.open(folder + "/a", file_mode::create, write_through::none).value();
  opened->truncate(3 * 4096).value();
  const auto seen = opened->map(3 * 4096).value();
  opened->truncate(4096).value();
  EXPECT_TRUE(seen->fetch(0, 4096));
  EXPECT_EQ(seen->fetch(8192, 1).error().code(), errc::database_error);
}

TEST_F(posix_files, reads_what_was_written_and_no_more) {
  auto opened = world.open(folder + "/a", file_mode::create, write_through::none).value();
  const std::string text = "hello";
  opened->write_at(3, std::as_bytes(std::span(text))).value();
  EXPECT_EQ(opened->size().value(), 8U);
  std::string back(10, 'x');
  EXPECT_EQ(opened->read_at(3, std::as_writable_bytes(std::span(back))).value(), 5U);
  EXPECT_EQ(back.substr(0, 5), text);
  EXPECT_EQ(opened->read_at(100, std::as_writable_bytes(std::span(back))).value(), 0U);
  opened->truncate(2).value();
  EXPECT_EQ(opened->size().value(), 2U);
  opened->sync().value();
}

TEST_F(posix_files, writes_through_in_blocks_of_its_alignment) {
  auto opened = world.open(folder + "/a", file_mode::create, write_through::durable).value();
  alignas(4096) static std::byte block[4096] = {std::byte{7}};
  opened->write_at(4096, block).value();
  alignas(4096) static std::byte back[4096] = {};
  EXPECT_EQ(opened->read_at(4096, back).value(), 4096U);
  EXPECT_EQ(back[0], std::byte{7});
  EXPECT_EQ(4096U % opened->alignment(), 0U);
}

TEST_F(posix_files, names_path_and_reason_when_it_fails) {
  const auto missing = world.open(folder + "/none", file_mode::read, write_through::none);
  EXPECT_EQ(missing.error().code(), errc::database_error);
  EXPECT_NE(missing.error().message().find(folder + "/none: No such file"), std::string::npos);
  ASSERT_TRUE(world.open(folder + "/a", file_mode::create, write_through::none));
  EXPECT_FALSE(world.open(folder + "/a", file_mode::create, write_through::none));
}

TEST_F(posix_files, makes_lists_renames_and_removes) {
  world.create_directories(folder + "/x/y/z").value();
  world.create_directories(folder + "/x/y/z").value();
  EXPECT_TRUE(world.is_directory(folder + "/x/y/z").value());
  world.open(folder + "/x/b", file_mode::create, write_through::none).value();
  world.open(folder + "/x/a", file_mode::create, write_through::none).value();
  EXPECT_EQ(world.list(folder + "/x").value(), (std::vector<std::string>{"a", "b", "y"}));
  world.rename(folder + "/x/a", folder + "/x/c").value();
  world.remove(folder + "/x/b").value();
  world.sync_directory(folder + "/x").value();
  EXPECT_EQ(world.list(folder + "/x").value(), (std::vector<std::string>{"c", "y"}));
  EXPECT_FALSE(world.exists(folder + "/x/a").value());
  EXPECT_FALSE(world.remove(folder + "/x/a"));
  EXPECT_FALSE(world.list(folder + "/none"));
}

TEST_F(posix_files, locks_for_one_holder_at_a_time_and_names_it) {
  {
    const auto held = world.lock(folder + "/LOCK").value();
    const auto second = world.lock(folder + "/LOCK");
    EXPECT_EQ(second.error().code(), errc::store_in_use);
    EXPECT_NE(second.error().message().find("in use by pid " + std::to_string(::getpid())),
              std::string::npos);
  }
  EXPECT_TRUE(world.lock(folder + "/LOCK"));
}

TEST(posix_env, draws_bytes_that_do_not_repeat) {
  std::set<uuid> seen;
  for (int i = 0; i < 10'000; ++i) {
    std::array<std::uint8_t, 16> random{};
    posix_env().random(random);
    EXPECT_TRUE(seen.insert(make_uuid_v4(random)).second);
  }
  std::vector<std::uint8_t> large(100'000);
  posix_env().random(large);
  EXPECT_GT(std::set<std::uint8_t>(large.begin(), large.end()).size(), 200U);
}

TEST(posix_env, parks_until_woken_or_for_a_time) {
  auto& world = posix_env();
  std::atomic<std::uint32_t> word{0};
  const auto started = world.monotonic();
  world.park(word, 0, milliseconds(20));
  EXPECT_GE(world.monotonic() - started, milliseconds(15));
  world.park(word, 1, milliseconds(100'000));  // the word has another value: returns at once
  const auto sleeper = world.spawn("sleeper", [&] {
    while (word.load() == 0) world.park(word, 0);
  });
  word = 1;
  world.wake_all(word);
  sleeper->join();
}

TEST(posix_env, concurrent_posts_run_each_task_once_when_it_is_due) {
  auto& world = posix_env();
  constexpr int tasks = 50;
  std::latch done(tasks);
  std::atomic<int> early{0};
  for (int i = 0; i < tasks; ++i) {
    const auto due = world.monotonic() + milliseconds(i % 7);
    world.post(milliseconds(i % 7), [&, due] {
      early += world.monotonic() < due ? 1 : 0;
      done.count_down();
    });
  }
  done.wait();
  EXPECT_EQ(early, 0);
}

TEST(posix_env, has_a_clock_of_utc_microseconds) {
  const auto now = posix_env().now();
  EXPECT_GT(now, parse_rfc3339("2024-01-01T00:00:00Z").value());
  EXPECT_LE(now, posix_env().now() + std::chrono::seconds(1));
}

TEST(posix_env, lets_an_idle_thread_have_what_others_leave) {
  constexpr int who_process = 1;
  constexpr long class_shift = 13;
  struct seen {
    int scheduler = -1;
    long io_class = -1;
  };
  const auto look = [](thread_priority priority) {
    seen found;
    posix_env()
        .spawn(
            "looking",
            [&] {
              found.scheduler = ::sched_getscheduler(0);
              found.io_class = ::syscall(SYS_ioprio_get, who_process, 0) >> class_shift;
            },
            priority)
        ->join();
    return found;
  };
  const auto idle = look(thread_priority::idle);
  EXPECT_EQ(idle.scheduler, SCHED_IDLE);
  EXPECT_EQ(idle.io_class, 3);
  const auto normal = look(thread_priority::normal);
  EXPECT_EQ(normal.scheduler, SCHED_OTHER);
  EXPECT_NE(normal.io_class, 3);
}

TEST(posix_env, counts_the_processors_that_it_may_use) {
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  EXPECT_EQ(posix_env().processors(), static_cast<unsigned>(CPU_COUNT(&before)));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int i = 0; CPU_COUNT(&one) == 0; ++i)
    if (CPU_ISSET(i, &before)) CPU_SET(i, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(posix_env().processors(), 1U);
  ASSERT_EQ(::sched_setaffinity(0, sizeof before, &before), 0);
}

}  // namespace
}  // namespace annals
