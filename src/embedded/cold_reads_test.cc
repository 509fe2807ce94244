// What is asked of the disk: a look-up asks for its pages by themselves. Touching a page that is
// not in memory makes the system read around it, up to megabytes.
#include <gtest/gtest.h>

#include "annals/forwarding_env.h"
#include "store_fixture.h"

namespace annals::embedded {
namespace {

/// An env that counts what is fetched from mapped files without having been asked for before.
class asked_env final : public forwarding_env {
 public:
  asked_env() : forwarding_env(posix_env()) {}

  result<std::unique_ptr<file>> open(const std::string& path, file_mode mode,
                                     write_through through) override {
    auto opened = forwarding_env::open(path, mode, through);
    if (!opened) return opened;
    return std::make_unique<asked_file>(std::move(*opened), path, *this);
  }

  std::string touched{};  // pages, unasked
  int fetched = 0;        // pages

 private:
  class asked_mapping final : public mapping {
   public:
    asked_mapping(std::unique_ptr<mapping> below, std::string path, asked_env& by)
        : below_(std::move(below)),
          path_(std::move(path)),
          asked_(below_->bytes().size() / 4096 + 1),
          by_(by) {}

    std::span<const std::byte> bytes() const noexcept override { return below_->bytes(); }
    result<void> fetch(std::uint64_t offset, std::size_t length) override {
      for (auto page = offset / 4096; page * 4096 < offset + length; ++page) {
        ++by_.fetched;
        if (!asked_[static_cast<std::size_t>(page)])
          by_.touched += path_ + " at " + std::to_string(page * 4096) + '\n';
      }
      return below_->fetch(offset, length);
    }
    void expect(std::uint64_t offset, std::size_t length) noexcept override {
      for (auto page = offset / 4096; page * 4096 < offset + length && page < asked_.size(); ++page)
        asked_[static_cast<std::size_t>(page)] = true;
      below_->expect(offset, length);
    }
    result<void> check() const override { return below_->check(); }

   private:
    std::unique_ptr<mapping> below_;
    std::string path_;
    std::vector<bool> asked_;
    asked_env& by_;
  };
  class asked_file final : public forwarding_file {
   public:
    asked_file(std::unique_ptr<file> below, std::string path, asked_env& by)
        : forwarding_file(std::move(below)), path_(std::move(path)), by_(by) {}
    result<std::unique_ptr<mapping>> map(std::uint64_t length) override {
      auto mapped = forwarding_file::map(length);
      if (!mapped) return mapped;
      return std::make_unique<asked_mapping>(std::move(*mapped), path_, by_);
    }

   private:
    std::string path_;
    asked_env& by_;
  };
};

class cold_store : public store_fixture {
 protected:
  static constexpr embedded_options small_segments{.segment_bytes = 1U << 20U,
                                                   .durability = durability::os};

  cold_store() {
    auto store = store_fixture::open(small_segments);
    for (int i = 0; i < 10'000; ++i) {
      const auto name = "order-" + std::to_string(i % 1'000);
      EXPECT_TRUE(append(*store, name, {std::string(200, 'p')}));
    }
    env_ = &asked_;
  }

  asked_env asked_{};
};

TEST_F(cold_store, is_asked_for_the_pages_of_a_stream_and_no_others) {
  const auto store = open({.create = false, .read_only = true});
  asked_.touched.clear();
  asked_.fetched = 0;
  EXPECT_EQ(texts(*store, "order-7").size(), 10U);
  EXPECT_GT(asked_.fetched, 5) << "the store was in memory, or none of it is mapped";
  EXPECT_EQ(asked_.touched, "") << "of " << asked_.fetched;
}

// Of a block from which many events are wanted, all is checked.
TEST_F(cold_store, is_asked_for_the_blocks_of_a_stream_whose_events_are_neighbours) {
  env_ = &posix_env();
  {
    const auto store = store_fixture::open(small_segments);
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(append(*store, "cart-1", {"added"}));
    for (int i = 0; i < 6'000; ++i) EXPECT_TRUE(append(*store, "order-1", {std::string(200, 'p')}));
  }
  env_ = &asked_;
  const auto store = open({.create = false, .read_only = true});
  asked_.touched.clear();
  asked_.fetched = 0;
  EXPECT_EQ(texts(*store, "cart-1").size(), 100U);
  EXPECT_GT(asked_.fetched, 16);
  EXPECT_EQ(asked_.touched, "") << "of " << asked_.fetched;
}

TEST_F(cold_store, is_asked_for_the_pages_of_a_snapshot_and_what_follows) {
  {
    const auto store = open(small_segments);
    uuid last;
    ASSERT_TRUE(
        store->read({.stream = "order-7", .from = {8}, .to = {8}}, [&](const event_batch& some) {
          last = some.events.front().header().event_id;
          return flow::more;
        }));
    ASSERT_TRUE(store->save_snapshot({.stream = "order-7", .version = {8}, .last_event = last}));
  }
  const auto store = open({.create = false, .read_only = true});
  asked_.touched.clear();
  asked_.fetched = 0;
  std::uint64_t seen = 0;
  std::move_only_function<bool(const snapshot_view&)> any = [](const snapshot_view&) {
    return true;
  };
  ASSERT_TRUE(store->read({.stream = "order-7", .snapshot = {.accept = &any}},
                          [&](const event_batch& some) {
                            seen += some.events.size();
                            return flow::more;
                          }));
  EXPECT_EQ(seen, 2U);
  EXPECT_GT(asked_.fetched, 2);
  EXPECT_EQ(asked_.touched, "") << "of " << asked_.fetched;
}

}  // namespace
}  // namespace annals::embedded
