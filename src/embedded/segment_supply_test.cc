#include "segment_supply.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/stat.h>

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

/// Which file it is, whatever its name.
std::uint64_t identity(const std::string& path) {
  struct stat facts{};
  EXPECT_EQ(::stat(path.c_str(), &facts), 0) << path;
  return facts.st_ino;
}

bool is_zero(const std::vector<std::byte>& bytes) {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

// Its blocks, not what stands in them: shorter or longer than what is wanted.
TEST_F(supply_of_segments, uses_a_file_again) {
  for (const std::size_t length : {std::size_t{9}, std::size_t{3 * mib}}) {
    std::ofstream(paths.zeroed(7)) << std::string(length, 'x');
    const auto before = identity(paths.zeroed(7));
    segment_supply again{disk_env, paths, 7, write_through::durable};
    ASSERT_TRUE(again.wait_for(2 * mib));
    EXPECT_EQ(again.take().capacity, 2 * mib);
    EXPECT_EQ(identity(paths.zeroed(7)), before);
    EXPECT_EQ(content(paths.zeroed(7)).size(), 2 * mib);
    EXPECT_TRUE(is_zero(content(paths.zeroed(7))));
  }
}

// As a segment that was freed would be: full of frames of its life before.
TEST_F(supply_of_segments, of_a_store_uses_a_file_of_frames_again_as_its_next_segment) {
  const auto first = [&] { return content(segment(1)); };
  const auto next = root() + "/log/000000000002.zero";
  std::uint64_t events = 0;
  {
    auto store = open();
    for (; events < 40; ++events)
      ASSERT_TRUE(append(*store, "order-1", {std::string(20'000, 'x')}));
    ASSERT_TRUE(store->close());
  }
  std::filesystem::remove(next);
  std::filesystem::copy_file(segment(1), next);
  const auto before = identity(next);
  auto store = open();
  for (; !std::filesystem::exists(segment(2)); ++events)
    ASSERT_TRUE(append(*store, "order-1", {std::string(20'000, 'x')}));
  EXPECT_EQ(identity(segment(2)), before);
  EXPECT_NE(read_as<segment_header>(content(segment(2)).data()).salt,
            read_as<segment_header>(first().data()).salt);
  ASSERT_TRUE(store->close());
  store.reset();
  EXPECT_TRUE(verified().damage.empty());
  EXPECT_EQ(verified().torn_tail_bytes, 0U);
  EXPECT_EQ(texts(*open(), "order-1").size(), events);
}

TEST_F(supply_of_segments, says_why_it_cannot_and_tries_again_when_asked_again) {
  disk_env.leave_room(mib / 2);
  EXPECT_EQ(supply.wait_for(mib).error().code(), errc::disk_full);
  EXPECT_FALSE(std::filesystem::exists(paths.zeroed(7)));
  disk_env.heal();
  EXPECT_TRUE(supply.wait_for(mib));
}

/// An env whose idle threads stand still, as they may when others want the processors, between the
/// bytes that they write.
class busy_env final : public forwarding_env {
 public:
  busy_env() : forwarding_env(posix_env()) {}

  std::unique_ptr<thread> spawn(std::string_view name, std::function<void()> body,
                                thread_priority priority) override {
    idle_threads += priority == thread_priority::idle ? 1 : 0;
    return forwarding_env::spawn(
        name,
        [this, priority, body = std::move(body)] {
          is_idle = priority == thread_priority::idle;
          if (is_idle)
            while (!released) posix_env().park(released_word, 0, std::chrono::milliseconds(1));
          body();
        },
        priority);
  }

  std::atomic<int> idle_threads{0};
  std::atomic<bool> released{false};
  std::atomic<std::uint32_t> released_word{0};
  static thread_local bool is_idle;
};
thread_local bool busy_env::is_idle = false;

TEST_F(supply_of_segments, makes_a_file_at_once_for_one_who_waits_while_its_thread_stands_still) {
  busy_env busy;
  segment_supply slow(busy, paths, 7, write_through::durable);
  slow.want(mib);
  EXPECT_EQ(busy.idle_threads, 1);
  ASSERT_TRUE(slow.wait_for(2 * mib));
  EXPECT_EQ(slow.take().capacity, 2 * mib);
  busy.released = true;
}

/// An env that counts which threads write, and stops an idle one at its second write until another
/// thread waits.
class watched_env final : public forwarding_env {
 public:
  watched_env() : forwarding_env(posix_env()) {}

  class watched_file final : public forwarding_file {
   public:
    watched_file(watched_env& world, std::unique_ptr<file> of)
        : forwarding_file(std::move(of)), world_(world) {}
    result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
      const bool idle = ::sched_getscheduler(0) == SCHED_IDLE;
      (idle ? world_.by_idle : world_.by_others) += bytes.size();
      auto written = below().write_at(offset, bytes);
      if (idle && world_.by_idle >= mib / 4)
        while (!world_.waits) posix_env().park(world_.word, 0, std::chrono::milliseconds(1));
      return written;
    }

   private:
    watched_env& world_;
  };

  result<std::unique_ptr<file>> open(const std::string& path, file_mode mode,
                                     write_through through) override {
    auto opened = forwarding_env::open(path, mode, through);
    if (!opened) return opened;
    return std::make_unique<watched_file>(*this, std::move(*opened));
  }
  void park(const std::atomic<std::uint32_t>& parked, std::uint32_t expected,
            std::optional<std::chrono::nanoseconds> timeout) override {
    if (::sched_getscheduler(0) != SCHED_IDLE) waits = true;
    forwarding_env::park(parked, expected, timeout);
  }

  std::atomic<std::uint64_t> by_idle{0};
  std::atomic<std::uint64_t> by_others{0};
  std::atomic<bool> waits{false};
  std::atomic<std::uint32_t> word{0};
};

TEST_F(supply_of_segments, leaves_what_its_idle_thread_has_begun_to_one_who_waits) {
  watched_env watched;
  segment_supply shared(watched, paths, 7, write_through::durable);
  shared.want(4 * mib);
  while (watched.by_idle < mib / 4) posix_env().park(watched.word, 0, std::chrono::milliseconds(1));
  ASSERT_TRUE(shared.wait_for(4 * mib));
  EXPECT_LT(watched.by_idle, 4 * mib);
  EXPECT_GT(watched.by_others, 0U);
  EXPECT_EQ(watched.by_idle + watched.by_others, 4 * mib) << "nothing is zeroed twice";
  EXPECT_EQ(shared.take().capacity, 4 * mib);
  EXPECT_EQ(content(paths.zeroed(7)).size(), 4 * mib);
  shared.want(mib);
  while (!shared.has(mib)) posix_env().park(watched.word, 0, std::chrono::milliseconds(1));
  EXPECT_GE(watched.by_idle, mib) << "with nobody waiting it goes on";
}

}  // namespace
}  // namespace annals::embedded
