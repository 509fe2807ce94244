#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "annals/forwarding_env.h"
#include "frame.h"
#include "segment.h"
#include "shared_state.h"
#include "store_directory.h"
#include "store_fixture.h"

namespace annals::embedded {
namespace {

namespace fs = std::filesystem;

/// An env for readers: time can be skipped, what is read past the page cache can be disturbed, and
/// waits for the writer go on until it wakes them.
class reading_env final : public forwarding_env {
 public:
  reading_env() : forwarding_env(posix_env()) {}

  /// The next so many reads of unbuffered files find a byte near their end changed.
  void disturb_reads(int count) { disturbed_ = count; }
  int disturbed_left() const { return disturbed_; }
  void wait_for_ever(bool wait) { waits_for_ever_ = wait; }
  void skip(std::chrono::nanoseconds time) { skipped_ = skipped_.load() + time; }

  result<std::unique_ptr<file>> open(const std::string& path, file_mode mode,
                                     write_through through) override {
    auto opened = forwarding_env::open(path, mode, through);
    if (!opened || through == write_through::none) return opened;
    return std::make_unique<disturbed_file>(*this, std::move(*opened));
  }
  result<std::unique_ptr<shared_page>> share(const std::string& path, file_mode mode) override {
    auto below = forwarding_env::share(path, mode);
    if (!below) return below;
    return std::make_unique<patient_page>(*this, std::move(*below));
  }
  std::chrono::nanoseconds monotonic() override {
    return forwarding_env::monotonic() + skipped_.load();
  }

 private:
  class patient_page final : public shared_page {
   public:
    patient_page(reading_env& by, std::unique_ptr<shared_page> below)
        : by_(by), below_(std::move(below)) {}
    std::byte* data() noexcept override { return below_->data(); }
    void park(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
              std::optional<std::chrono::nanoseconds> timeout) override {
      below_->park(word, expected, by_.waits_for_ever_ ? std::nullopt : timeout);
    }
    void wake_all(const std::atomic<std::uint32_t>& word) override { below_->wake_all(word); }

   private:
    reading_env& by_;
    std::unique_ptr<shared_page> below_;
  };
  class disturbed_file final : public forwarding_file {
   public:
    disturbed_file(reading_env& by, std::unique_ptr<file> below)
        : forwarding_file(std::move(below)), by_(by) {}
    result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) override {
      auto got = below().read_at(offset, out);
      if (!got || by_.disturbed_ <= 0) return got;
      --by_.disturbed_;
      // In the middle of a block that is being written, so to speak: what is not zero any more.
      for (auto at = out.begin() + static_cast<std::ptrdiff_t>(*got); at != out.begin();)
        if (*--at != std::byte{0}) {
          *at ^= std::byte{0x10};
          break;
        }
      return got;
    }
    // What is mapped is read through here.
    result<std::unique_ptr<mapping>> map(std::uint64_t length) override {
      return file::map(length);
    }

   private:
    reading_env& by_;
  };

  std::atomic<int> disturbed_{0};
  std::atomic<bool> waits_for_ever_{false};
  std::atomic<std::chrono::nanoseconds> skipped_{};
};

class reading_store : public store_fixture {
 protected:
  std::unique_ptr<event_store> open_reader() { return open_reader(reader_env); }
  std::unique_ptr<event_store> open_reader(env& world) {
    auto opened = open_embedded(root(), {.read_only = true}, world);
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().to_string());
    return opened ? std::move(*opened) : nullptr;
  }
  errc opening_fails_with() {
    const auto opened = open_embedded(root(), {.read_only = true}, reader_env);
    return opened ? errc::unsupported : opened.error().code();
  }
  /// A store with so many events in one stream, each in a frame, as a crash leaves it.
  void crashed_store(int events) {
    auto store = open();
    for (int i = 0; i < events; ++i) ASSERT_TRUE(append(*store, "order-1", {std::to_string(i)}));
    crash(std::move(store));
  }
  /// What is told only since the machine was started is gone.
  void restart_machine() { fs::remove(root() + "/STATE"); }

  std::uint64_t end_of_log(int number = 1) const {
    const auto bytes = content(segment(number));
    std::uint64_t at = first_frame_offset;
    while (const auto length = read_as<std::uint32_t>(bytes.data() + at)) at += length;
    return at;
  }
  std::map<std::string, std::vector<std::byte>> all_files() const {
    std::map<std::string, std::vector<std::byte>> found;
    for (const auto& entry : fs::recursive_directory_iterator(root()))
      if (entry.is_regular_file()) found[entry.path()] = content(entry.path());
    return found;
  }
  /// Reads on from a checkpoint, and moves it.
  static std::vector<std::string> read_on(event_store& store, checkpoint& at) {
    std::vector<std::string> found;
    const auto end = store.read({.after = at}, [&](const event_batch& batch) {
      for (const auto& event : batch.events) found.emplace_back(event.text());
      return flow::more;
    });
    EXPECT_TRUE(end) << (end ? "" : end.error().to_string());
    if (end) at = end->scanned_to;
    return found;
  }

  reading_env reader_env{};
};

using strings = std::vector<std::string>;

// The writer was killed between a seal and what comes after it; or is just there.
TEST_F(reading_store, begins_where_the_last_indexed_segment_ends) {
  auto writer = open({.segment_bytes = 16U << 10U});
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(append(*writer, "order-1", {std::string(500, 'p')}));
  writer.reset();
  const store_paths paths{root()};
  const auto id = find_directory(root(), reader_env).value().store_id;
  const auto last = read_manifest(reader_env, paths.manifest(), id).value().segments.back();
  const auto end = lsn::at(last.number, last.seal.offset() + seal_frame_bytes);
  const auto state = shared_state::make(reader_env, paths, id).value();
  const auto real_end = state->durable();
  ASSERT_GT(real_end, end);
  state->publish(end);
  const auto reader = open_reader();
  ASSERT_TRUE(reader);
  checkpoint at;
  EXPECT_EQ(read_on(*reader, at).size(), last.first_sequence + last.events - 1);
  EXPECT_EQ(reader->head()->in(0).sequence, last.first_sequence + last.events - 1);
  EXPECT_EQ(read_on(*reader, at).size(), 0U);
  state->publish(real_end);
  EXPECT_EQ(read_on(*reader, at).size(), 100 - (last.first_sequence + last.events - 1));
}

TEST_F(reading_store, shows_at_once_what_a_writer_beside_it_has_acknowledged) {
  const auto writer = open();
  ASSERT_TRUE(append(*writer, "order-1", {"one"}));
  const auto reader = open_reader();
  checkpoint at;
  EXPECT_EQ(read_on(*reader, at), strings{"one"});
  const uuid command{{9}};
  ASSERT_TRUE(append(*writer, "order-1", {"two"}, expect::any(), {.command_id = command}));
  EXPECT_EQ(reader->head().value(), writer->head().value());
  EXPECT_EQ(read_on(*reader, at), strings{"two"});
  ASSERT_TRUE(append(*writer, "order-2", {"three"}));
  EXPECT_EQ(reader->list_streams({}).value().size(), 2U);
  EXPECT_TRUE(reader->find_command(command).value());
}

TEST_F(reading_store, is_opened_by_many_with_and_without_a_writer) {
  auto writer = open();
  ASSERT_TRUE(append(*writer, "order-1", {"one"}));
  const auto first = open_reader();
  const auto second = open_reader();
  writer.reset();
  const auto third = open_reader();
  for (auto* one : {first.get(), second.get(), third.get()})
    EXPECT_EQ(texts(*one, "order-1"), strings{"one"});
  writer = open();
  EXPECT_TRUE(append(*writer, "order-1", {"two"}));
  for (auto* one : {first.get(), second.get(), third.get()})
    EXPECT_EQ(texts(*one, "order-1"), (strings{"one", "two"}));
}

TEST_F(reading_store, changes_no_file) {
  open()->close().value();
  const auto before = all_files();
  {
    const auto reader = open_reader();
    const auto waits = reader->notify_past({}, [](const result<checkpoint>&) {});
    EXPECT_EQ(texts(*reader, {}).size(), 0U);
  }
  const auto after = all_files();
  ASSERT_EQ(after.size(), before.size());
  for (const auto& [path, bytes] : before)
    EXPECT_TRUE(path.ends_with("/STATE") || after.at(path) == bytes) << path;
}

TEST_F(reading_store, refuses_whatever_writes) {
  const auto writer = open();
  ASSERT_TRUE(append(*writer, "order-1", {"one"}));
  const auto reader = open_reader();
  EXPECT_EQ(append(*reader, "order-1", {"two"}).error().code(), errc::unsupported);
  EXPECT_EQ(reader->retain("order-1", {.tombstone = true}).error().code(), errc::unsupported);
  EXPECT_EQ(reader->save_snapshot({.stream = "order-1", .version = {1}}).error().code(),
            errc::unsupported);
  EXPECT_EQ(texts(*writer, "order-1").size(), 1U);
  ASSERT_TRUE(reader->close());
  EXPECT_EQ(append(*reader, "order-1", {"two"}).error().code(), errc::shutting_down);
  EXPECT_EQ(reader->head().error().code(), errc::shutting_down);
}

// Of a group that was written and never answered nothing is known: the writer may yet fail.
TEST_F(reading_store, shows_nothing_that_no_later_frame_proves) {
  crashed_store(3);
  restart_machine();
  auto reader = open_reader();
  EXPECT_EQ(texts(*reader, "order-1"), (strings{"0", "1"}));
  auto writer = open();
  EXPECT_EQ(texts(*reader, "order-1"), (strings{"0", "1", "2"})) << "now it is settled";
}

TEST_F(reading_store, shows_what_a_killed_writer_had_acknowledged) {
  crashed_store(3);
  EXPECT_EQ(texts(*open_reader(), "order-1"), (strings{"0", "1", "2"}));
}

TEST_F(reading_store, shows_everything_that_a_clean_close_proves) {
  ASSERT_TRUE(append(*open(), "order-1", {"one"}));
  restart_machine();
  EXPECT_EQ(texts(*open_reader(), "order-1"), strings{"one"});
}

TEST_F(reading_store, is_in_doubt_of_a_checkpoint_that_nothing_proves_yet) {
  crashed_store(3);
  checkpoint seen;
  read_on(*open_reader(), seen);
  ASSERT_EQ(seen.in(0).sequence, 3U);
  restart_machine();
  const auto reader = open_reader();
  const auto ignore = [](const event_batch&) { return flow::more; };
  const auto early = reader->read({.after = seen}, ignore);
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code(), errc::in_doubt) << early.error().to_string();
  const auto writer = open();
  ASSERT_TRUE(append(*writer, "order-1", {"3"}));
  EXPECT_EQ(read_on(*reader, seen), strings{"3"});
}

TEST_F(reading_store, goes_on_over_writers_in_sequence_and_many_segments) {
  open()->close().value();
  const auto reader = open_reader();
  checkpoint at;
  strings wanted;
  strings seen;
  const std::string filler(150'000, 'x');
  for (int round = 0; round < 4; ++round) {
    const auto writer = open();
    for (int i = 0; i < 10; ++i) {
      wanted.push_back(std::to_string(round) + "." + std::to_string(i) + filler);
      ASSERT_TRUE(append(*writer, "order-" + std::to_string(i % 3), {wanted.back()}));
      if (i % 3 != 0) continue;
      for (auto& text : read_on(*reader, at)) seen.push_back(std::move(text));
      ASSERT_EQ(seen, wanted);
    }
  }
  for (auto& text : read_on(*reader, at)) seen.push_back(std::move(text));
  EXPECT_EQ(seen, wanted);
  EXPECT_TRUE(fs::exists(segment(5)));
  EXPECT_EQ(texts(*reader, {}), wanted);
}

TEST_F(reading_store, goes_on_over_a_torn_tail_and_its_repair) {
  crashed_store(2);
  const std::vector<std::byte> rubbish(5'000, std::byte{0xab});
  overwrite(segment(1), end_of_log(), rubbish);
  const auto reader = open_reader();
  checkpoint at;
  EXPECT_EQ(read_on(*reader, at), (strings{"0", "1"}));
  const auto writer = open();
  EXPECT_TRUE(fs::exists(root() + "/lost"));
  EXPECT_EQ(read_on(*reader, at), strings{});
  ASSERT_TRUE(append(*writer, "order-1", {"2"}));
  EXPECT_EQ(read_on(*reader, at), strings{"2"});
}

TEST_F(reading_store, reads_again_what_a_living_writer_is_rewriting) {
  const auto writer = open();
  ASSERT_TRUE(append(*writer, "order-1", {"one"}));
  const auto reader = open_reader();
  ASSERT_TRUE(append(*writer, "order-1", {"two"}));
  reader_env.disturb_reads(6);
  EXPECT_EQ(texts(*reader, "order-1"), (strings{"one", "two"}));
  EXPECT_LE(reader_env.disturbed_left(), 0);
}

TEST_F(reading_store, reports_damage_that_stays_with_file_and_position) {
  auto writer = open();
  ASSERT_TRUE(append(*writer, "order-1", {"one"}));
  const auto reader = open_reader();
  const auto at = end_of_log();
  ASSERT_TRUE(append(*writer, "order-1", {"two"}));
  flip(segment(1), at + 100);
  const auto found = reader->read({}, [](const event_batch&) { return flow::more; });
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), errc::store_corrupt);
  for (const auto& part :
       {segment(1), "offset " + std::to_string(at), std::string("positions from 2")})
    EXPECT_NE(found.error().message().find(part), std::string::npos) << found.error().message();
  flip(segment(1), at + 100);
  EXPECT_EQ(texts(*reader, "order-1").size(), 2U) << "mended, it is read";
}

TEST_F(reading_store, locks_the_segments_that_it_holds_against_being_used_again) {
  auto writer = open();
  const std::string filler(300'000, 'x');
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(append(*writer, "order-1", {filler}));
  auto reader = open_reader();
  ASSERT_EQ(texts(*reader, "order-1").size(), 8U);
  for (const int number : {1, 2, 3}) {
    const auto held = posix_env().open(segment(number), file_mode::write, write_through::none);
    ASSERT_TRUE(held);
    EXPECT_FALSE((*held)->try_lock(lock_kind::exclusive).value()) << number;
  }
  reader.reset();
  for (const int number : {1, 2, 3}) {
    const auto free = posix_env().open(segment(number), file_mode::write, write_through::none);
    EXPECT_TRUE((*free)->try_lock(lock_kind::exclusive).value()) << number;
  }
}

TEST_F(reading_store, does_not_read_a_segment_that_is_being_used_again) {
  ASSERT_TRUE(append(*open(), "order-1", {"one"}));
  {
    const auto held = posix_env().open(segment(1), file_mode::write, write_through::none);
    ASSERT_TRUE((*held)->try_lock(lock_kind::exclusive).value());
    EXPECT_EQ(opening_fails_with(), errc::store_corrupt);
  }
  EXPECT_EQ(texts(*open_reader(), "order-1"), strings{"one"});
}

TEST_F(reading_store, says_within_a_second_that_its_store_was_deleted) {
  auto writer = open();
  ASSERT_TRUE(append(*writer, "order-1", {"one"}));
  const auto reader = open_reader();
  fs::remove_all(root());
  const auto before = reader->read({}, [](const event_batch&) { return flow::more; });
  EXPECT_TRUE(before || before.error().code() == errc::not_a_store);
  reader_env.skip(std::chrono::seconds(1));
  EXPECT_EQ(reader->head().error().code(), errc::not_a_store);
  EXPECT_EQ(reader->read({}, [](const event_batch&) { return flow::more; }).error().code(),
            errc::not_a_store);
}

TEST_F(reading_store, says_that_another_store_was_put_in_its_place) {
  ASSERT_TRUE(append(*open(), "order-1", {"one"}));
  const auto reader = open_reader();
  fs::rename(root(), root() + "-before");
  ASSERT_TRUE(append(*open(), "order-2", {"other"}));
  reader_env.skip(std::chrono::seconds(1));
  const auto head = reader->head();
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().code(), errc::not_a_store);
  EXPECT_NE(head.error().message().find("another store"), std::string::npos)
      << head.error().message();
  fs::remove_all(root());
  fs::rename(root() + "-before", root());
  EXPECT_EQ(texts(*reader, "order-1"), strings{"one"}) << "back again, it is read again";
}

// What it needs next is gone, be it at once: it says so and does not read another store's file.
TEST_F(reading_store, never_goes_on_in_the_segment_of_another_store) {
  auto writer = open();
  const std::string filler(300'000, 'x');
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(append(*writer, "order-1", {filler}));
  const auto reader = open_reader();
  EXPECT_EQ(texts(*reader, {}).size(), 2U);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(append(*writer, "order-1", {filler}));
  // Once all that is sealed has been indexed, the writer has no more files to make here.
  const auto deadline = env_->monotonic() + std::chrono::seconds(20);
  const auto indexed = [&] {
    return read_manifest(*env_, root() + "/MANIFEST", writer->info().store_id)->segments.size();
  };
  while (fs::exists(segment(static_cast<int>(indexed()) + 2)) && env_->monotonic() < deadline)
    std::this_thread::yield();
  fs::rename(root(), root() + "-before");
  {
    const auto other = open();
    for (int i = 0; i < 6; ++i) ASSERT_TRUE(append(*other, "order-2", {filler}));
  }
  const auto found = reader->read({}, [](const event_batch&) { return flow::more; });
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), errc::not_a_store) << found.error().to_string();
  writer.reset();
}

TEST_F(reading_store, names_the_segment_that_was_taken_away) {
  auto writer = open();
  const std::string filler(300'000, 'x');
  ASSERT_TRUE(append(*writer, "order-1", {filler}));
  const auto reader = open_reader();
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(append(*writer, "order-1", {filler}));
  fs::rename(segment(2), root() + "/aside");
  const auto found = reader->head();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), errc::store_corrupt);
  EXPECT_NE(found.error().message().find(segment(2)), std::string::npos);
  fs::rename(root() + "/aside", segment(2));
  EXPECT_EQ(texts(*reader, {}).size(), 5U);
}

TEST_F(reading_store, notices_that_an_older_copy_was_put_in_its_place) {
  ASSERT_TRUE(append(*open(), "order-1", {"one"}));
  fs::copy(root(), root() + "-old", fs::copy_options::recursive);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(append(*open(), "order-1", {"new"}));
  const auto reader = open_reader();
  EXPECT_EQ(texts(*reader, {}).size(), 6U);
  fs::remove_all(root());
  fs::rename(root() + "-old", root());
  reader_env.skip(std::chrono::seconds(1));
  EXPECT_EQ(reader->head().error().code(), errc::store_corrupt);
}

TEST_F(reading_store, finds_snapshots_that_were_saved_since) {
  const auto writer = open();
  ASSERT_TRUE(append(*writer, "order-1", {"one", "two"}));
  const auto reader = open_reader();
  const auto save = [&](std::uint64_t version) {
    uuid last;
    ASSERT_TRUE(writer->read({.stream = "order-1", .from = {version}, .limit = 1},
                             [&](const event_batch& batch) {
                               last = batch.events.front().header().event_id;
                               return flow::more;
                             }));
    ASSERT_TRUE(
        writer->save_snapshot({.stream = "order-1", .version = {version}, .last_event = last}));
    const auto kept = reader->load_snapshot("order-1", 0).value();
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->version.number, version);
  };
  EXPECT_FALSE(reader->load_snapshot("order-1", 0).value());
  save(1);
  save(2);
}

TEST_F(reading_store, is_told_of_the_store_being_deleted_while_it_waits) {
  auto writer = open();
  const auto reader = open_reader();
  std::atomic<int> told{0};
  const auto waits = reader->notify_past({}, [&](const result<checkpoint>& answer) {
    told = answer ? 1 : answer.error().code() == errc::not_a_store ? 2 : 3;
  });
  fs::remove_all(root());
  while (told == 0) std::this_thread::yield();
  EXPECT_EQ(told, 2);
}

TEST_F(reading_store, notifies_of_what_a_writer_beside_it_appends) {
  reader_env.wait_for_ever(true);
  const auto writer = open();
  const auto reader = open_reader();
  for (std::uint64_t i = 1; i <= 20; ++i) {
    std::atomic<std::uint64_t> told{0};
    const auto waits =
        reader->notify_past(reader->head().value(), [&](const result<checkpoint>& answer) {
          told = answer ? answer->in(0).sequence : UINT64_MAX;
        });
    ASSERT_TRUE(append(*writer, "order-1", {"x"}));
    while (told == 0) std::this_thread::yield();
    EXPECT_EQ(told, i);
  }
}

/// Run under the thread sanitizer too.
TEST_F(reading_store, follows_concurrent_writers_without_gap_in_several_threads) {
  constexpr std::uint64_t events = 600;
  const auto writer = open();
  const auto reader = open_reader();
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < events / 2; ++i)
        EXPECT_TRUE(append(*writer, "order-" + std::to_string(t), {std::string(5'000, 'x')}));
    });
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&] {
      checkpoint at;
      std::uint64_t next = 1;
      while (next <= events && !HasFailure()) {
        const auto end = reader->read({.after = at}, [&](const event_batch& batch) {
          for (const auto& event : batch.events) {
            EXPECT_EQ(event.position().sequence, next++);
            EXPECT_EQ(event.metadata().position, event.position());
          }
          return flow::more;
        });
        ASSERT_TRUE(end) << end.error().to_string();
        at = end->scanned_to;
        std::atomic<std::uint32_t> told{0};
        const auto waits = reader->notify_past(at, [&](const result<checkpoint>&) {
          told = 1;
          posix_env().wake_all(told);
        });
        while (next <= events && told == 0) posix_env().park(told, 0);
      }
    });
  for (auto& one : threads) one.join();
  EXPECT_EQ(texts(*reader, {}).size(), events);
}

TEST_F(reading_store, closes_while_threads_wait_and_read_concurrently) {
  const auto writer = open();
  for (int round = 0; round < 10; ++round) {
    const auto reader = open_reader();
    std::atomic<int> answered{0};
    std::vector<std::unique_ptr<wait_handle>> waits;
    for (int i = 0; i < 5; ++i)
      waits.push_back(
          reader->notify_past(writer->head().value(), [&](const result<checkpoint>& answer) {
            EXPECT_TRUE(answer || answer.error().code() == errc::shutting_down);
            ++answered;
          }));
    std::thread reading([&] {
      for (;;)
        if (const auto head = reader->head(); !head) {
          EXPECT_EQ(head.error().code(), errc::shutting_down);
          return;
        }
    });
    ASSERT_TRUE(append(*writer, "order-1", {"x"}));
    ASSERT_TRUE(reader->close());
    reading.join();
    EXPECT_EQ(answered, 5);
  }
}

}  // namespace
}  // namespace annals::embedded
