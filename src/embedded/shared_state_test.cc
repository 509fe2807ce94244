#include "shared_state.h"

#include <gtest/gtest.h>

#include <thread>

#include "annals/forwarding_env.h"
#include "store_fixture.h"

namespace annals::embedded {
namespace {

namespace fs = std::filesystem;

constexpr uuid some_store{{7}};

/// Counts what a page asks of the system, and says which start of the machine this is.
class page_counting_env final : public forwarding_env {
 public:
  page_counting_env() : forwarding_env(posix_env()) {}

  result<std::unique_ptr<shared_page>> share(const std::string& path, file_mode mode) override {
    if (mode != file_mode::read && refuses_writing)
      return fail(errc::database_error, "opening " + path + ": Permission denied");
    auto below = forwarding_env::share(path, mode);
    if (!below) return below;
    return std::make_unique<counted_page>(*this, std::move(*below));
  }
  uuid boot_id() override { return boot; }

  uuid boot{{1}};
  bool refuses_writing = false;
  std::atomic<int> wakes{0};
  std::atomic<int> parks{0};
  std::atomic<bool> timed{false};  // the last park had no more than some milliseconds

 private:
  class counted_page final : public shared_page {
   public:
    counted_page(page_counting_env& counts, std::unique_ptr<shared_page> below)
        : counts_(counts), below_(std::move(below)) {}
    std::byte* data() noexcept override { return below_->data(); }
    void park(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
              std::optional<std::chrono::nanoseconds> timeout) override {
      counts_.timed = timeout && *timeout < std::chrono::milliseconds(10);
      ++counts_.parks;
      below_->park(word, expected, timeout);
    }
    void wake_all(const std::atomic<std::uint32_t>& word) override {
      ++counts_.wakes;
      below_->wake_all(word);
    }

   private:
    page_counting_env& counts_;
    std::unique_ptr<shared_page> below_;
  };
};

class told_state : public store_fixture {
 protected:
  told_state() { fs::create_directory(root()); }

  std::unique_ptr<shared_state> make(const uuid& store = some_store) {
    auto made = shared_state::make(world, paths, store);
    EXPECT_TRUE(made) << (made ? "" : made.error().to_string());
    return std::move(*made);
  }
  std::unique_ptr<shared_state> find(const uuid& store = some_store) {
    auto found = shared_state::find(world, paths, store);
    EXPECT_TRUE(found) << (found ? "" : found.error().to_string());
    return std::move(*found);
  }

  page_counting_env world{};
  store_paths paths{root()};
};

TEST_F(told_state, is_found_once_a_writer_has_made_it_and_counts_once_it_has_published) {
  EXPECT_EQ(find(), nullptr);
  const auto writer = make();
  const auto reader = find();
  ASSERT_NE(reader, nullptr);
  EXPECT_FALSE(reader->counts());
  writer->publish(lsn::at(3, 4096));
  EXPECT_TRUE(reader->counts());
  EXPECT_EQ(reader->durable(), lsn::at(3, 4096));
  EXPECT_EQ(fs::file_size(paths.state()), shared_page::size);
}

TEST_F(told_state, stays_true_when_its_writer_is_gone_and_another_begins) {
  make()->publish(lsn::at(1, 8192));
  const auto reader = find();
  EXPECT_TRUE(reader->counts());
  const auto next = make();
  EXPECT_TRUE(reader->counts());
  EXPECT_EQ(reader->durable(), lsn::at(1, 8192));
}

TEST_F(told_state, is_worth_nothing_after_another_start_of_the_machine) {
  make()->publish(lsn::at(9, 8192));
  world.boot = uuid{{2}};
  const auto reader = find();
  ASSERT_NE(reader, nullptr);
  EXPECT_FALSE(reader->counts());
  const auto writer = make();
  EXPECT_FALSE(reader->counts()) << "the place of the start before is no place of this one";
  writer->publish(lsn::at(1, 4200));
  EXPECT_TRUE(reader->counts()) << "the same file is used again, so that readers hear of it";
  EXPECT_EQ(reader->durable(), lsn::at(1, 4200));
}

TEST_F(told_state, is_worth_nothing_where_starts_of_the_machine_cannot_be_told_apart) {
  world.boot = uuid{};
  const auto writer = make();
  writer->publish(lsn::at(1, 8192));
  EXPECT_FALSE(find()->counts());
}

TEST_F(told_state, of_another_store_is_worth_nothing) {
  make()->publish(lsn::at(1, 8192));
  EXPECT_FALSE(find(uuid{{8}})->counts());
  const auto other = make(uuid{{8}});
  EXPECT_FALSE(find()->counts());
}

TEST_F(told_state, that_is_cut_off_is_not_found_and_made_again) {
  make()->publish(lsn::at(1, 8192));
  fs::resize_file(paths.state(), 100);
  EXPECT_EQ(find(), nullptr);
  make()->publish(lsn::at(1, 4200));
  EXPECT_EQ(find()->durable(), lsn::at(1, 4200));
}

TEST_F(told_state, asks_nothing_of_the_system_while_nobody_waits) {
  const auto writer = make();
  for (int i = 1; i <= 100; ++i) {
    writer->publish(lsn::at(1, 4096 + 8 * static_cast<std::uint64_t>(i)));
    writer->wake_waiting();
  }
  EXPECT_EQ(world.wakes, 0);
}

// Two mappings of one file, as two processes have them. Without a wake-up it would wait an hour.
TEST_F(told_state, wakes_who_waits_concurrently) {
  const auto writer = make();
  const auto reader = find();
  const auto seen = reader->changes();
  std::thread waiting([&] {
    while (reader->changes() == seen) reader->wait(seen, std::chrono::hours(1));
  });
  while (world.parks == 0) std::this_thread::yield();
  writer->publish(lsn::at(1, 8192));
  writer->wake_waiting();
  waiting.join();
  EXPECT_EQ(reader->durable(), lsn::at(1, 8192));
  EXPECT_LE(world.wakes, 1);
}

TEST_F(told_state, never_waits_past_a_change_that_came_concurrently) {
  const auto writer = make();
  const auto reader = find();
  std::thread writing([&] {
    for (std::uint64_t i = 1; i <= 20'000; ++i) {
      writer->publish(lsn::at(1, 4096 + 8 * i));
      writer->wake_waiting();
    }
  });
  const auto last = lsn::at(1, 4096 + 8 * 20'000);
  for (auto seen = reader->changes(); reader->durable() != last; seen = reader->changes())
    if (reader->durable() != last) reader->wait(seen, std::chrono::hours(1));
  writing.join();
}

TEST_F(told_state, costs_one_wake_up_after_a_reader_that_was_killed_while_it_waited) {
  const auto writer = make();
  find()->wait(0, std::chrono::nanoseconds(1));  // asks to be woken, and never takes it back
  for (int i = 0; i < 10; ++i) {
    writer->publish(lsn::at(1, 8192));
    writer->wake_waiting();
  }
  EXPECT_EQ(world.wakes, 1);
}

TEST_F(told_state, is_looked_at_often_by_readers_that_may_not_write_to_it) {
  const auto writer = make();
  world.refuses_writing = true;
  const auto reader = find();
  ASSERT_NE(reader, nullptr);
  reader->wait(reader->changes(), std::chrono::hours(1));
  EXPECT_TRUE(world.timed);
  reader->interrupt();
  writer->publish(lsn::at(1, 8192));
  EXPECT_EQ(reader->durable(), lsn::at(1, 8192));
}

TEST_F(told_state, ends_waits_for_nothing_when_interrupted_concurrently) {
  const auto writer = make();
  const auto reader = find();
  const auto seen = reader->changes();
  std::thread waiting([&] {
    while (reader->changes() == seen) reader->wait(seen, std::chrono::hours(1));
  });
  reader->interrupt();
  waiting.join();
}

}  // namespace
}  // namespace annals::embedded
