#include "failing_env.h"

#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "store_fixture.h"

namespace annals {
inline namespace v1 {
namespace embedded {

// Here and not in a file of its own: what is in no test belongs to the library.
class failing_env::failing_file final : public forwarding_file {
 public:
  failing_file(failing_env& world, std::string path, std::unique_ptr<file> below, bool synced)
      : forwarding_file(std::move(below)), world_(world), path_(std::move(path)), synced_(synced) {}

  result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) override {
    if (auto checked = world_.check_read(path_); !checked) return std::unexpected(checked.error());
    return below().read_at(offset, out);
  }
  result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    const auto size = below().size();
    if (!size) return std::unexpected(size.error());
    const std::uint64_t end = offset + bytes.size();
    if (auto checked = world_.count_write(path_, end > *size ? end - *size : 0); !checked)
      return checked;
    auto written = below().write_at(offset, bytes);
    return written && synced_ ? below().sync() : written;
  }
  result<void> sync() override {
    if (auto checked = world_.count_sync(path_); !checked) return checked;
    return below().sync();
  }
  // Through read_at, so that it fails as reads do.
  result<std::unique_ptr<mapping>> map(std::uint64_t length) override { return file::map(length); }

 private:
  failing_env& world_;
  std::string path_;
  bool synced_;  // after every write
};

result<std::unique_ptr<file>> failing_env::open(const std::string& path, file_mode mode,
                                                write_through through) {
  const bool synced = buffered_only_ && through == write_through::durable;
  auto opened = below().open(path, mode, synced ? write_through::none : through);
  if (!opened) return opened;
  return std::make_unique<failing_file>(*this, path, std::move(*opened), synced);
}

result<void> failing_env::count_write(const std::string& path, std::uint64_t growth) {
  while (hold_writes_) std::this_thread::yield();
  ++writes_;
  if (writes_left_ != unlimited && writes_left_-- <= 0) {
    writes_left_ = 0;
    return fail(code_, "writing " + path + ": an error on purpose");
  }
  if (room_ == unlimited || growth == 0) return {};
  if ((room_ -= static_cast<std::int64_t>(growth)) >= 0) return {};
  room_ += static_cast<std::int64_t>(growth);
  return fail(errc::disk_full, "writing " + path + ": no space left on purpose");
}

result<void> failing_env::count_sync(const std::string& path) {
  if (syncs_left_ == unlimited || syncs_left_-- > 0) return {};
  syncs_left_ = 0;
  return fail(errc::database_error, "syncing " + path + ": an error on purpose");
}

result<void> failing_env::check_read(const std::string& path) const {
  if (!fail_reads_) return {};
  return fail(errc::database_error, "reading " + path + ": an error on purpose");
}

namespace {

struct failing_world : store_fixture {
  failing_env world{posix_env()};
  std::unique_ptr<file> made() {
    EXPECT_TRUE(world.create_directories(root()));
    auto opened = world.open(root() + "/file", file_mode::create, write_through::none);
    EXPECT_TRUE(opened);
    return std::move(*opened);
  }
};

TEST_F(failing_world, fails_the_write_it_was_told_to_and_all_after_it) {
  const auto file = made();
  const std::array<std::byte, 16> bytes{};
  world.fail_writes_from(2, errc::database_error);
  EXPECT_TRUE(file->write_at(0, bytes));
  EXPECT_EQ(file->write_at(16, bytes).error().code(), errc::database_error);
  EXPECT_EQ(file->write_at(16, bytes).error().code(), errc::database_error);
  world.heal();
  EXPECT_TRUE(file->write_at(16, bytes));
}

TEST_F(failing_world, is_full_after_the_room_it_left) {
  const auto file = made();
  const std::array<std::byte, 16> bytes{};
  world.leave_room(24);
  EXPECT_TRUE(file->write_at(0, bytes));
  EXPECT_TRUE(file->write_at(0, bytes));  // does not grow
  EXPECT_EQ(file->write_at(16, bytes).error().code(), errc::disk_full);
}

}  // namespace
}  // namespace embedded
}  // namespace v1
}  // namespace annals
