#include <gtest/gtest.h>
#include <sys/mount.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <deque>
#include <thread>

#include "failing_env.h"
#include "store_fixture.h"

namespace annals::embedded {
namespace {

/// A store on a disk that fails on purpose.
class store_on_failing_disk : public store_fixture {
 protected:
  store_on_failing_disk() : store_fixture(store_fixture::disk::memory) { env_ = &disk; }
  failing_env disk{posix_env()};
};

bool is_unknown(errc code) {
  return code == errc::in_doubt || code == errc::database_error;
}

TEST_F(store_on_failing_disk, acknowledges_nothing_after_a_failed_write) {
  auto store = open();
  ASSERT_TRUE(append(*store, "order-1", {"kept"}));
  disk.fail_writes_from(1, errc::database_error);
  const auto failed = append(*store, "order-1", {"unknown"});
  ASSERT_FALSE(failed);
  EXPECT_TRUE(is_unknown(failed.error().code())) << failed.error().to_string();
  disk.heal();  // the disk says it is well again: it is not believed
  EXPECT_EQ(append(*store, "order-1", {"no"}).error().code(), errc::store_failed);
  EXPECT_EQ(store->retain("order-1", {.tombstone = true}).error().code(), errc::store_failed);
  EXPECT_EQ(texts(*store, "order-1"), (std::vector<std::string>{"kept"}));
  EXPECT_FALSE(store->close());
  store.reset();
  store = open();
  ASSERT_TRUE(store);
  EXPECT_EQ(texts(*store, "order-1").front(), "kept");
  EXPECT_TRUE(append(*store, "order-1", {"well again"}));
}

// At every write of a life with rotation, marks and snapshots: what was acknowledged is there.
TEST_F(store_on_failing_disk, keeps_what_was_acknowledged_whichever_write_fails) {
  std::uint64_t survived = 0;
  for (std::uint64_t nth = 1; nth <= 60; ++nth) {
    std::filesystem::remove_all(root());
    std::vector<std::string> acknowledged;
    std::vector<std::string> tried;
    disk.heal();
    disk.fail_writes_from(nth, nth % 2 == 0 ? errc::database_error : errc::disk_full);
    if (auto store = try_open(); store) {
      for (int i = 0; i < 24; ++i) {
        tried.push_back(std::to_string(i) + std::string(100'000, 'x'));
        if (append(**store, "order-1", {tried.back()})) acknowledged.push_back(tried.back());
      }
    }
    disk.heal();
    auto store = open();
    ASSERT_TRUE(store) << "write " << nth;
    const auto found = texts(*store, "order-1");
    ASSERT_GE(found.size(), acknowledged.size()) << "write " << nth;
    ASSERT_TRUE(std::equal(acknowledged.begin(), acknowledged.end(), found.begin()))
        << "write " << nth;
    for (const auto& text : found) ASSERT_TRUE(std::ranges::count(tried, text)) << "write " << nth;
    survived += found.size();
    store.reset();
    ASSERT_TRUE(verified().damage.empty()) << "write " << nth << verified().damage.front();
  }
  EXPECT_GT(survived, 0U);
}

TEST_F(store_on_failing_disk, keeps_what_was_acknowledged_whichever_sync_fails) {
  for (std::uint64_t nth = 1; nth <= 16; ++nth) {
    std::filesystem::remove_all(root());
    std::size_t acknowledged = 0;
    disk.heal();
    disk.fail_syncs_from(nth);
    if (auto store = try_open(); store)
      for (int i = 0; i < 24; ++i)
        if (append(**store, "order-1", {std::string(100'000, 'x')})) ++acknowledged;
    disk.heal();
    auto store = open();
    ASSERT_TRUE(store) << "sync " << nth;
    EXPECT_GE(texts(*store, "order-1").size(), acknowledged) << "sync " << nth;
  }
}

TEST_F(store_on_failing_disk, says_that_it_is_full_before_anything_is_written_and_reads_on) {
  auto store = open();
  const std::string text(100'000, 'x');
  disk.leave_room(0);
  std::size_t stored = 0;
  result<appended> answer;
  while ((answer = append(*store, "order-1", {text}))) ++stored;
  EXPECT_EQ(answer.error().code(), errc::disk_full) << answer.error().to_string();
  EXPECT_GE(stored, 5U);  // what the segment in use still had room for
  EXPECT_EQ(texts(*store, "order-1").size(), stored);
  EXPECT_EQ(append(*store, "order-1", {text}).error().code(), errc::disk_full);
  disk.heal();  // room was made: it goes on without reopening
  EXPECT_TRUE(append(*store, "order-1", {text}));
  EXPECT_TRUE(store->close());
  store.reset();
  EXPECT_TRUE(verified().damage.empty());
}

// What makes room must get in: each segment holds some back for it.
TEST_F(store_on_failing_disk, takes_retention_and_opens_when_it_is_full) {
  auto store = open();
  disk.leave_room(0);
  for (const std::size_t bytes : {50'000U, 1'000U, 1U})  // to the last byte
    while (append(*store, "order-1", {std::string(bytes, 'x')})) {
    }
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(store->retain(
        "order-1", {.truncate_before = version{2}, .max_count = 9U + static_cast<unsigned>(i)}));
  EXPECT_TRUE(store->retain("order-1", {.tombstone = true}));
  EXPECT_EQ(append(*store, "order-2", {"x"}).error().code(), errc::disk_full);
  crash(std::move(store));
  store = open();
  ASSERT_TRUE(store);
  EXPECT_TRUE(store->list_streams({})->front().gone);
  EXPECT_TRUE(store->retain("order-1", {.tombstone = false}));
  EXPECT_EQ(append(*store, "order-2", {"x"}).error().code(), errc::disk_full);
  // What is held back has an end, and is told; then room is made, and it goes on.
  result<void> told;
  for (int i = 0; i < 1'000 && told; ++i)
    told = store->retain("order-1", {.max_count = 9U + static_cast<unsigned>(i)});
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().code(), errc::disk_full);
  disk.heal();
  EXPECT_TRUE(append(*store, "order-2", {"x"}));
  store.reset();
  EXPECT_TRUE(verified().damage.empty());
}

TEST_F(store_on_failing_disk, gives_room_back_when_a_segment_cannot_be_made) {
  auto store = open();
  disk.leave_room(300'000);  // of the MiB that the next segment needs
  while (append(*store, "order-1", {std::string(100'000, 'x')})) {
  }
  EXPECT_FALSE(std::filesystem::exists(root() + "/log/000000000002.zero"));
}

TEST_F(store_on_failing_disk, cannot_be_made_on_a_full_disk_and_can_be_later) {
  disk.leave_room(10'000);
  EXPECT_EQ(try_open().error().code(), errc::disk_full);
  disk.heal();
  EXPECT_TRUE(append(*open(), "order-1", {"one"}));
}

TEST_F(store_on_failing_disk, answers_every_append_in_flight_exactly_once) {
  auto store = open();
  disk.fail_writes_from(3, errc::database_error);
  std::atomic<int> answers{0};
  std::atomic<int> stored{0};
  constexpr int appends = 2'000;
  for (int i = 0; i < appends; ++i) {
    const new_event event{.type = "happened"};
    const stream_write write{"order-1", expect::any(), {&event, 1}};
    store->append({.streams = {&write, 1}}, [&](result<appended> answer) {
      if (answer) {
        ++stored;
      } else {
        const auto code = answer.error().code();
        EXPECT_TRUE(is_unknown(code) || code == errc::store_failed) << answer.error().to_string();
      }
      ++answers;
    });
  }
  EXPECT_FALSE(store->close());
  EXPECT_EQ(answers, appends);
  store.reset();
  disk.heal();
  EXPECT_GE(texts(*open(), "order-1").size(), static_cast<std::size_t>(stored));
}

// What rests on staged data fails with it: here a conflict with an event that was never stored.
TEST_F(store_on_failing_disk, gives_no_answer_that_rests_on_lost_data) {
  auto store = open();
  ASSERT_TRUE(append(*store, "order-1", {"one"}));
  disk.fail_writes_from(1, errc::database_error);
  std::deque<errc> codes;
  const new_event event{.type = "happened"};
  const stream_write first{"order-1", expect::at({1}), {&event, 1}};
  // Several: the first may be on its way to the disk before the others are staged.
  for (int i = 0; i < 3; ++i)
    store->append({.streams = {&first, 1}}, [&](result<appended> answer) {
      codes.push_back(answer ? errc::rejected : answer.error().code());
    });
  EXPECT_FALSE(store->close());
  ASSERT_EQ(codes.size(), 3U);
  for (const auto code : codes)
    EXPECT_TRUE(is_unknown(code) || code == errc::store_failed) << name_of(code);
}

TEST_F(store_on_failing_disk, keeps_a_blocked_caller_waiting_for_what_its_conflict_rests_on) {
  auto store = open();
  ASSERT_TRUE(append(*store, "order-1", {"one"}));
  disk.hold_writes(true);
  const new_event event{.type = "happened"};
  const stream_write first{"order-1", expect::at({1}), {&event, 1}};
  store->append({.streams = {&first, 1}}, [](result<appended> answer) { EXPECT_FALSE(answer); });
  disk.fail_writes_from(1, errc::database_error);
  std::atomic<bool> answered{false};
  std::thread blocked([&] {
    const auto conflict = append(*store, "order-1", {"two"}, expect::at({1}));
    answered = true;
    ASSERT_FALSE(conflict);
    EXPECT_TRUE(is_unknown(conflict.error().code()) ||
                conflict.error().code() == errc::store_failed)
        << conflict.error().to_string();
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(answered);
  disk.hold_writes(false);
  blocked.join();
}

TEST_F(store_on_failing_disk, does_not_tell_of_a_command_that_is_not_durable_yet) {
  auto store = open();
  const uuid command{{1, 2, 3}};
  disk.hold_writes(true);
  std::atomic<bool> done{false};
  const new_event event{.type = "happened"};
  const stream_write write{"order-1", expect::any(), {&event, 1}};
  store->append({.streams = {&write, 1}, .context = {.command_id = command}},
                [&](result<appended> answer) {
                  EXPECT_TRUE(answer);
                  done = true;
                });
  EXPECT_FALSE(store->find_command(command).value().has_value());
  EXPECT_TRUE(texts(*store, "order-1").empty());
  EXPECT_TRUE(store->list_streams({}).value().empty());
  disk.hold_writes(false);
  while (!done) std::this_thread::yield();
  EXPECT_TRUE(store->find_command(command).value().has_value());
  EXPECT_EQ(texts(*store, "order-1").size(), 1U);
}

TEST_F(store_on_failing_disk, reports_a_read_that_fails_and_goes_on_when_it_succeeds_again) {
  {
    auto store = open();
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(append(*store, "order-1", {std::to_string(i)}));
  }
  auto store = open();  // nothing of it is in memory now
  disk.fail_reads(true);
  const auto failed =
      store->read({.stream = "order-1"}, [](const event_batch&) { return flow::more; });
  EXPECT_EQ(failed.error().code(), errc::database_error);
  disk.fail_reads(false);
  EXPECT_EQ(texts(*store, "order-1").size(), 5U);
}

// A real file system that is full, not one that says so on purpose.
TEST_F(store_on_failing_disk, meets_a_disk_that_is_really_full) {
  std::filesystem::create_directories(root());
  if (::mount("annals-test", root().c_str(), "tmpfs", 0, "size=3m") != 0)
    GTEST_SKIP() << "mounting a small tmpfs is not permitted here: " << std::strerror(errno);
  {
    auto store = open();
    ASSERT_TRUE(store);
    const std::string text(100'000, 'x');
    std::size_t stored = 0;
    result<appended> answer;
    while ((answer = append(*store, "order-1", {text}))) ++stored;
    EXPECT_EQ(answer.error().code(), errc::disk_full) << answer.error().to_string();
    EXPECT_GE(stored, 10U);
    EXPECT_EQ(texts(*store, "order-1").size(), stored);
    store.reset();
    EXPECT_TRUE(verified().damage.empty());
    store = open();
    ASSERT_TRUE(store);
    EXPECT_EQ(texts(*store, "order-1").size(), stored);
  }
  EXPECT_EQ(::umount(root().c_str()), 0);
}

// File systems without unbuffered writes: every write is then followed by the file's own sync.
TEST_F(store_on_failing_disk, works_where_files_are_buffered_only) {
  disk.buffered_only(true);
  auto store = open();
  for (int i = 0; i < 30; ++i)
    ASSERT_TRUE(append(*store, "order-1", {std::to_string(i) + std::string(60'000, 'x')}));
  store.reset();
  EXPECT_EQ(texts(*open(), "order-1").size(), 30U);
  EXPECT_TRUE(verified().damage.empty());
}

}  // namespace
}  // namespace annals::embedded
