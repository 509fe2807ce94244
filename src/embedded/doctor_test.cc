#include <gtest/gtest.h>

#include "failing_env.h"
#include "store_fixture.h"

namespace annals::embedded {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t segment_bytes = 64U << 20U;

storage_facts sound() {
  return {.file_system = "ext4",
          .free_bytes = 2 * segment_bytes,
          .unbuffered = true,
          .writes = 400,
          .p50 = std::chrono::microseconds(10),
          .p99 = std::chrono::microseconds(200),
          .max = std::chrono::milliseconds(5)};
}

void is_suspicious(const storage_facts& facts, std::string_view what) {
  const auto found = suspicions(facts, segment_bytes);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NE(found.front().find(what), std::string::npos) << found.front();
}

TEST(suspicions, are_none_of_a_sound_disk) {
  EXPECT_TRUE(suspicions(sound(), segment_bytes).empty());
  auto facts = sound();
  for (const auto* kind : {"xfs", "ext4", "f2fs", "", "0x1234"}) {
    facts.file_system = kind;
    EXPECT_TRUE(suspicions(facts, segment_bytes).empty()) << kind;
  }
}

TEST(suspicions, name_file_systems_on_which_a_flush_is_worth_less) {
  auto facts = sound();
  for (const auto& [kind, what] :
       std::initializer_list<std::pair<const char*, const char*>>{{"tmpfs", "memory"},
                                                                  {"ramfs", "memory"},
                                                                  {"nfs", "network"},
                                                                  {"cifs", "network"},
                                                                  {"smb2", "network"},
                                                                  {"ceph", "network"},
                                                                  {"9p", "network"},
                                                                  {"btrfs", "copy-on-write"},
                                                                  {"zfs", "copy-on-write"},
                                                                  {"bcachefs", "copy-on-write"},
                                                                  {"overlay", "container"},
                                                                  {"fuse", "program"}}) {
    facts.file_system = kind;
    is_suspicious(facts, what);
    is_suspicious(facts, kind);
  }
}

TEST(suspicions, are_of_writes_that_are_too_fast) {
  auto facts = sound();
  facts.p50 -= std::chrono::nanoseconds(1);
  is_suspicious(facts, "9999 ns");
}

TEST(suspicions, are_of_refused_unbuffered_writes) {
  auto facts = sound();
  facts.unbuffered = false;
  is_suspicious(facts, "O_DIRECT");
}

TEST(suspicions, are_of_a_disk_that_is_nearly_full) {
  auto facts = sound();
  --facts.free_bytes;
  is_suspicious(facts, "make room");
}

class measured_storage : public store_fixture {};

TEST_F(measured_storage, leaves_a_store_as_it_was) {
  open().reset();
  const auto names = env_->list(root()).value();
  const auto facts = measure_storage(root(), *env_);
  ASSERT_TRUE(facts) << facts.error().to_string();
  EXPECT_EQ(facts->writes, 400U);
  EXPECT_GT(facts->p50.count(), 0);
  EXPECT_LE(facts->p50, facts->p99);
  EXPECT_LE(facts->p99, facts->max);
  EXPECT_FALSE(facts->file_system.empty());
  EXPECT_GT(facts->free_bytes, 0U);
  EXPECT_EQ(env_->list(root()).value(), names);
}

TEST_F(measured_storage, is_told_to_be_buffered_where_it_is) {
  fs::create_directory(root());
  failing_env failing(posix_env());
  failing.buffered_only(true);
  EXPECT_FALSE(measure_storage(root(), failing).value().unbuffered);
}

TEST_F(measured_storage, leaves_nothing_behind_when_the_disk_fails) {
  fs::create_directory(root());
  failing_env failing(posix_env());
  for (const std::uint64_t n : {1U, 7U}) {
    failing.fail_writes_from(n, errc::disk_full);
    const auto facts = measure_storage(root(), failing);
    ASSERT_FALSE(facts);
    EXPECT_EQ(facts.error().code(), errc::disk_full);
    failing.heal();
    EXPECT_TRUE(fs::is_empty(root()));
  }
}

TEST_F(measured_storage, wants_a_directory) {
  const auto facts = measure_storage(root(), *env_);
  ASSERT_FALSE(facts);
  EXPECT_EQ(facts.error().code(), errc::not_a_store);
}

}  // namespace
}  // namespace annals::embedded
