#include <gtest/gtest.h>

#include "annals/forwarding_env.h"
#include "store_fixture.h"

namespace annals::embedded {
namespace {

/// A disk whose mapped files never show what is written to them later.
class stale_env final : public forwarding_env {
 public:
  stale_env() : forwarding_env(posix_env()) {}

  result<std::unique_ptr<file>> open(const std::string& path, file_mode mode,
                                     write_through through) override {
    auto opened = forwarding_env::open(path, mode, through);
    if (!opened || mode != file_mode::read || !path.ends_with(".seg")) return opened;
    return std::make_unique<stale_file>(std::move(*opened), mapped_);
  }
  int mapped() const { return mapped_; }

 private:
  struct stale_mapping final : mapping {
    explicit stale_mapping(std::vector<std::byte> bytes) : seen(std::move(bytes)) {}
    std::span<const std::byte> bytes() const noexcept override { return seen; }
    result<void> fetch(std::uint64_t, std::size_t) override { return {}; }
    void expect(std::uint64_t, std::size_t) noexcept override {}
    std::vector<std::byte> seen;
  };
  class stale_file final : public forwarding_file {
   public:
    stale_file(std::unique_ptr<file> below, int& mapped)
        : forwarding_file(std::move(below)), mapped_(mapped) {}
    result<std::unique_ptr<mapping>> map(std::uint64_t length) override {
      std::vector<std::byte> bytes(static_cast<std::size_t>(length));
      if (auto read = below().read_at(0, bytes); !read) return std::unexpected(read.error());
      ++mapped_;
      return std::make_unique<stale_mapping>(std::move(bytes));
    }

   private:
    int& mapped_;
  };

  int mapped_ = 0;
};

/// Stores whose newest segment has far more events than are looked up one by one. Read forwards
/// they are walked through, read backwards each event is found by the index: both must agree.
class recent_walk_of_store : public store_fixture {
 protected:
  static constexpr embedded_options one_segment{.segment_bytes = 64U << 20U,
                                                .durability = durability::os};

  static void append_some(event_store& store, int appends, int seed) {
    for (int i = 0; i < appends; ++i) {
      const auto name = (i % 3 == 0 ? "order-" : "cart-") + std::to_string(i * seed % 61);
      const std::string payload(static_cast<std::size_t>(i * 37 % 300),
                                static_cast<char>('a' + i % 26));
      const auto tag = "place:" + std::to_string(i % 7);
      const std::string_view tags[] = {tag};
      const new_event one{.type = i % 5 == 0 ? "paid" : "made",
                          .payload = std::as_bytes(std::span(payload)),
                          .tags = tags};
      const std::vector<new_event> events(static_cast<std::size_t>(1 + i % 4), one);
      const stream_write write{name, expect::any(), events};
      const append_request request{
          .streams = {&write, 1},
          .context = {
              .command_id = uuid{{static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i >> 8),
                                  static_cast<std::uint8_t>(seed)}},
              .causation_id = uuid{{3}}}};
      ASSERT_TRUE(store.append(request));
    }
  }
  static void append_bulk(event_store& store, std::size_t mebibytes) {
    const std::string mebibyte(1U << 20U, 'x');
    for (std::size_t i = 0; i < mebibytes; ++i) ASSERT_TRUE(append(store, "bulk-1", {mebibyte}));
  }

  static std::vector<event_record> read(event_store& store, read_request request) {
    std::vector<event_record> found;
    const auto end = store.read(request, [&](const event_batch& batch) {
      for (const auto& event : batch.events) found.emplace_back(event);
      return flow::more;
    });
    EXPECT_TRUE(end) << (end ? "" : end.error().to_string());
    return found;
  }
  static bool same(const event_record& a, const event_record& b) {
    const auto& one = a.metadata();
    const auto& other = b.metadata();
    return one.event_id == other.event_id && one.stream == other.stream &&
           one.version == other.version && one.position == other.position &&
           one.event_type == other.event_type && one.category == other.category &&
           one.command_id == other.command_id && one.causation_id == other.causation_id &&
           one.tags == other.tags && one.recorded == other.recorded && a.text() == b.text();
  }
  static void expect_both_ways_same(event_store& store, read_request request = {}) {
    const auto walked = read(store, request);
    request.direction = direction::backwards;
    auto picked = read(store, request);
    std::ranges::reverse(picked);
    ASSERT_EQ(walked.size(), picked.size());
    for (std::size_t i = 0; i < walked.size(); ++i)
      ASSERT_TRUE(same(walked[i], picked[i])) << "event " << i;
  }
};

TEST_F(recent_walk_of_store, finds_what_the_index_finds) {
  {
    auto store = open(one_segment);
    append_some(*store, 900, 7);  // 2,250 events
    expect_both_ways_same(*store);
  }
  auto store = open(one_segment);  // what is there by now is read through the mapping
  expect_both_ways_same(*store);
  append_some(*store, 600, 11);
  expect_both_ways_same(*store);
  expect_both_ways_same(*store, {.first = 777});
  expect_both_ways_same(*store, {.first = 5, .last = 2900});
  const std::string_view categories[] = {"order"};
  const std::string_view types[] = {"paid"};
  const std::string_view tags[] = {"place:3"};
  const query_item items[] = {{.types = types, .tags = tags}};
  expect_both_ways_same(*store, {.filter = {.categories = categories}});
  expect_both_ways_same(*store, {.filter = {.matching = {items}}});
  EXPECT_EQ(read(*store, {.limit = 1500}).size(), 1500U);
}

TEST_F(recent_walk_of_store, says_how_far_it_came) {
  auto store = open(one_segment);
  append_some(*store, 900, 7);
  std::uint64_t last = 0;
  const auto end = store->read({.limit = 1200}, [&](const event_batch& batch) {
    last = batch.events.back().position().sequence;
    EXPECT_EQ(batch.scanned_to.in(0).sequence, last);
    return flow::more;
  });
  ASSERT_TRUE(end);
  EXPECT_EQ(last, 1200U);
  EXPECT_FALSE(end->complete);
  const auto rest = read(*store, {.after = end->scanned_to});
  ASSERT_EQ(rest.size(), 2250U - 1200U);
  EXPECT_EQ(rest.front().metadata().position.sequence, 1201U);
}

TEST_F(recent_walk_of_store, finds_damage) {
  std::uint64_t damaged_from = 0;
  {
    auto store = open(one_segment);
    append_some(*store, 450, 7);
    damaged_from = store->head()->in(0).sequence + 1;
    ASSERT_TRUE(append(*store, "order-1", {"what nobody may change"}));
    append_some(*store, 450, 9);
  }
  auto store = open(one_segment);
  const auto bytes = content(segment(1));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  flip(segment(1), text.find("nobody may change"));
  std::uint64_t delivered = 0;
  const auto end = store->read({}, [&](const event_batch& batch) {
    delivered = batch.events.back().position().sequence;
    return flow::more;
  });
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code(), errc::store_corrupt);
  EXPECT_NE(end.error().message().find("position " + std::to_string(damaged_from)),
            std::string::npos)
      << end.error().message();
  EXPECT_EQ(delivered, damaged_from - 1);
}

TEST_F(recent_walk_of_store, says_when_the_file_was_cut_off_under_it) {
  {
    append_some(*open(one_segment), 900, 7);
  }
  auto store = open(one_segment);
  std::filesystem::resize_file(segment(1), 64U << 10U);
  const auto ignore = [](const event_batch&) { return flow::more; };
  const auto whole = store->read({}, ignore);
  ASSERT_FALSE(whole);
  EXPECT_NE(whole.error().message().find(segment(1)), std::string::npos) << whole.error().message();
  const auto newest = store->read({.direction = direction::backwards, .limit = 1}, ignore);
  ASSERT_FALSE(newest);
  EXPECT_NE(newest.error().message().find(segment(1)), std::string::npos)
      << newest.error().message();
}

TEST_F(recent_walk_of_store, reads_the_file_where_a_mapping_shows_something_older) {
  stale_env stale;
  env_ = &stale;
  auto store = open(one_segment);
  append_bulk(*store, 30);  // the fourth segment, of 32 MiB: more than what stays in memory
  const auto before = store->head()->in(0).sequence;
  append_some(*store, 600, 7);
  append_bulk(*store, 9);
  expect_both_ways_same(*store, {.first = before + 1});
  const auto mapped = stale.mapped();
  EXPECT_GT(mapped, 0);
  append_some(*store, 600, 11);
  append_bulk(*store, 9);
  expect_both_ways_same(*store, {.first = before + 1});
}

}  // namespace
}  // namespace annals::embedded
