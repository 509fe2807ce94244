#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

#include "annals/embedded.h"
#include "annals/forwarding_env.h"
#include "loop_volume.h"

namespace annals {
namespace {

using requests = loop_volume::requests;

/// Counts the bytes that are written durably.
class counting_env final : public forwarding_env {
 public:
  using forwarding_env::forwarding_env;

  std::uint64_t bytes() const { return bytes_; }
  result<std::unique_ptr<file>> open(const std::string& path, file_mode mode,
                                     write_through through) override;

 private:
  class counted;
  std::atomic<std::uint64_t> bytes_{0};
};

class counting_env::counted final : public forwarding_file {
 public:
  counted(std::unique_ptr<file> below, counting_env& by)
      : forwarding_file(std::move(below)), by_(by) {}

  result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    by_.bytes_ += bytes.size();
    return forwarding_file::write_at(offset, bytes);
  }

 private:
  counting_env& by_;
};

result<std::unique_ptr<file>> counting_env::open(const std::string& path, file_mode mode,
                                                 write_through through) {
  auto opened = below().open(path, mode, through);
  if (!opened || through != write_through::durable) return opened;
  return std::make_unique<counted>(std::move(*opened), *this);
}

class committed : public ::testing::TestWithParam<const char*> {
 protected:
  static constexpr std::uint64_t segment_bytes = 8U << 20U;

  void SetUp() override {
    if (const auto why = loop_volume::refused(GetParam())) GTEST_SKIP() << *why;
    volume_ = std::make_unique<loop_volume>(GetParam());
    store_ = open_embedded(directory(), {.segment_bytes = segment_bytes}, env_).value();
  }
  void TearDown() override {
    if (store_) {
      EXPECT_TRUE(store_->close());
    }
  }

  std::string directory() const { return volume_->path() + "/store"; }

  void append(int stream, std::size_t payload_bytes = 256) {
    const std::string payload(payload_bytes, 'x');
    const auto name = "stream-" + std::to_string(stream);
    const new_event event{
        .type = "written", .codec = codec::binary, .payload = std::as_bytes(std::span(payload))};
    const stream_write write{.name = name, .events = {&event, 1}};
    store_->append({.streams = {&write, 1}}).value();
  }

  /// How many groups were committed: each is published once, see docs/format.md, `STATE`.
  std::uint64_t groups() const {
    auto state = posix_env().open(directory() + "/STATE", file_mode::read, write_through::none);
    std::array<std::byte, 4> bytes{};
    state.value()->read_at(72, bytes).value();
    return std::bit_cast<std::uint32_t>(bytes) / 2;
  }

  /// What the device was asked to do while `run` ran, and what for.
  struct window {
    requests device{};
    std::uint64_t bytes = 0;  ///< that the engine wrote
    std::uint64_t groups = 0;
  };
  /// Less than the file system (5 s and more), the kernel (5 s) and the engine (1 s) take before
  /// they write something of their own; a run that takes longer is run again. So is one in which
  /// more was written than the engine did: the kernel may be short of memory and write back early.
  /// Not for ever: what always comes with a commit is not chance.
  static constexpr std::chrono::milliseconds undisturbed{900};
  static constexpr int tries = 3;

  template <class Run>
  window trace(Run&& run) {
    for (int disturbed = 0;;) {
      volume_->settle();
      const auto start = std::chrono::steady_clock::now();
      const auto device = volume_->count();
      const auto bytes = env_.bytes();
      const auto before = groups();
      run();
      const window seen{volume_->count() - device, env_.bytes() - bytes, groups() - before};
      if (std::chrono::steady_clock::now() - start > undisturbed) continue;
      if (seen.device.bytes == seen.bytes || ++disturbed == tries) return seen;
    }
  }

  std::unique_ptr<loop_volume> volume_{};
  counting_env env_{posix_env()};
  std::unique_ptr<event_store> store_{};
};

constexpr std::uint64_t appends = 100;

TEST_P(committed, costs_exactly_a_write_and_a_flush) {
  append(0);
  const auto seen = trace([&] {
    for (std::uint64_t i = 0; i < appends; ++i) append(0);
  });
  EXPECT_EQ(seen.device.writes, appends);
  EXPECT_EQ(seen.device.flushes, appends);
  EXPECT_EQ(seen.device.bytes, seen.bytes);
}

// Segment 1 has 4 MiB: these go to the second one, past the half of it, and the third is zeroed.
TEST_P(committed, costs_no_more_in_a_segment_that_was_made_ahead) {
  for (int i = 0; i < 10; ++i) append(0, 1U << 20U);
  const auto seen = trace([&] {
    for (std::uint64_t i = 0; i < appends; ++i) append(0);
  });
  EXPECT_TRUE(std::filesystem::exists(directory() + "/log/000000000003.zero"));
  EXPECT_EQ(seen.device.writes, appends);
  EXPECT_EQ(seen.device.flushes, appends);
  EXPECT_EQ(seen.device.bytes, seen.bytes);
}

TEST_P(committed, costs_a_write_and_a_flush_for_each_group_of_concurrent_appends) {
  constexpr int threads = 16;
  for (int stream = 0; stream < threads; ++stream) append(stream);
  const auto seen = trace([&] {
    std::vector<std::jthread> running;
    for (int stream = 0; stream < threads; ++stream)
      running.emplace_back([&, stream] {
        for (int i = 0; i < 50; ++i) append(stream);
      });
  });
  EXPECT_LT(seen.groups, threads * 50U) << "nothing was grouped";
  EXPECT_EQ(seen.device.writes, seen.groups);
  EXPECT_EQ(seen.device.flushes, seen.groups);
  EXPECT_EQ(seen.device.bytes, seen.bytes);
}

INSTANTIATE_TEST_SUITE_P(on, committed, ::testing::Values("ext4", "xfs"),
                         [](const auto& on) { return std::string(on.param); });

}  // namespace
}  // namespace annals
