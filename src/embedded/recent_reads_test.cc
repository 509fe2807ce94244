// Reads, event by event, of the segment that is written: from the memory that it was written from,
// then from its file. What was checked in one is checked again in the other, once.
#include <gtest/gtest.h>

#include "annals/forwarding_env.h"
#include "format.h"
#include "store_fixture.h"

namespace annals::embedded {
namespace {

/// A disk whose mapped files cannot be looked at while `refuses`; reading them goes on.
class refusing_env final : public forwarding_env {
 public:
  refusing_env() : forwarding_env(posix_env()) {}
  result<std::unique_ptr<file>> open(const std::string& path, file_mode mode,
                                     write_through through) override {
    auto opened = forwarding_env::open(path, mode, through);
    if (!opened) return opened;
    return std::make_unique<refusing_file>(std::move(*opened), *this);
  }

  bool refuses = false;
  int refused = 0;

 private:
  class refusing_mapping final : public mapping {
   public:
    refusing_mapping(std::unique_ptr<mapping> below, refusing_env& by)
        : below_(std::move(below)), by_(by) {}
    std::span<const std::byte> bytes() const noexcept override { return below_->bytes(); }
    result<void> fetch(std::uint64_t offset, std::size_t length) override {
      if (!by_.refuses) return below_->fetch(offset, length);
      ++by_.refused;
      return fail(errc::database_error, "refused");
    }
    void expect(std::uint64_t offset, std::size_t length) noexcept override {
      below_->expect(offset, length);
    }

   private:
    std::unique_ptr<mapping> below_;
    refusing_env& by_;
  };
  class refusing_file final : public forwarding_file {
   public:
    refusing_file(std::unique_ptr<file> below, refusing_env& by)
        : forwarding_file(std::move(below)), by_(by) {}
    result<std::unique_ptr<mapping>> map(std::uint64_t length) override {
      auto mapped = forwarding_file::map(length);
      if (!mapped) return mapped;
      return std::make_unique<refusing_mapping>(std::move(*mapped), by_);
    }

   private:
    refusing_env& by_;
  };
};

class recent_reads : public store_fixture {
 protected:
  static constexpr embedded_options two_mebibytes_in_memory{.segment_bytes = 16U << 20U,
                                                            .durability = durability::os};

  /// Appends of one event and of three, of several streams, with all that a frame says of them.
  static void append_some(event_store& store) {
    for (std::uint8_t i = 0; i < 60; ++i) {
      const std::string payload(std::size_t{i} * 37 % 300, static_cast<char>('a' + i % 26));
      const std::string_view tags[] = {"place:3"};
      const new_event one{
          .type = "made", .payload = std::as_bytes(std::span(payload)), .tags = tags};
      const std::vector<new_event> events(i % 2 == 0 ? 1 : 3, one);
      const auto name = (i % 3 == 0 ? "order-" : "cart-") + std::to_string(i % 5);
      const stream_write write{name, expect::any(), events};
      const append_request request{.streams = {&write, 1},
                                   .context = {.command_id = uuid{{1, i}},
                                               .correlation_id = uuid{{2, i}},
                                               .causation_id = uuid{{3, i}},
                                               .tracestate = "vendor=1"}};
      ASSERT_TRUE(store.append(request));
    }
  }
  /// So much that nothing of what was there before is in memory; the segment is the same.
  static void push_out_of_memory(event_store& store) {
    const std::string mebibyte(1U << 20U, 'x');
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(append(store, "bulk-1", {mebibyte}));
  }

  static std::vector<event_record> read(event_store& store, std::string_view stream) {
    std::vector<event_record> found;
    const auto end = store.read({.stream = stream}, [&](const event_batch& batch) {
      for (const auto& event : batch.events) found.emplace_back(event);
      return flow::more;
    });
    EXPECT_TRUE(end) << (end ? "" : end.error().to_string());
    return found;
  }
  static void expect_same(const std::vector<event_record>& some,
                          const std::vector<event_record>& others) {
    ASSERT_EQ(some.size(), others.size());
    for (std::size_t i = 0; i < some.size(); ++i) {
      const auto& a = some[i].metadata();
      const auto& b = others[i].metadata();
      EXPECT_EQ(a.event_id, b.event_id);
      EXPECT_EQ(a.stream, b.stream);
      EXPECT_EQ(a.version, b.version);
      EXPECT_EQ(a.position, b.position);
      EXPECT_EQ(a.command_id, b.command_id);
      EXPECT_EQ(a.correlation_id, b.correlation_id);
      EXPECT_EQ(a.causation_id, b.causation_id);
      EXPECT_EQ(a.tracestate, b.tracestate);
      EXPECT_EQ(a.tags, b.tags);
      EXPECT_EQ(some[i].text(), others[i].text());
    }
  }

  std::uint64_t offset_of(std::string_view text) const {
    const auto bytes = content(segment(1));
    const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    EXPECT_EQ(all.find(text), all.rfind(text));
    return all.find(text);
  }
  static void expect_damage(event_store& store, std::string_view what) {
    const auto end =
        store.read({.stream = "order-1"}, [](const event_batch&) { return flow::more; });
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().code(), errc::store_corrupt);
    EXPECT_NE(end.error().message().find(what), std::string::npos) << end.error().message();
  }
};

TEST_F(recent_reads, tell_the_same_each_time_and_from_wherever_it_comes) {
  auto store = open(two_mebibytes_in_memory);
  append_some(*store);
  const auto orders = read(*store, "order-3");
  const auto carts = read(*store, "cart-3");
  ASSERT_EQ(orders.size(), 8U);  // one or three of each fifteenth append
  ASSERT_EQ(orders.front().metadata().command_id, (uuid{{1, 3}}));
  ASSERT_EQ(orders.front().metadata().tracestate, "vendor=1");
  const auto expect_both = [&] {
    for (int i = 0; i < 2; ++i) {
      expect_same(read(*store, "order-3"), orders);
      expect_same(read(*store, "cart-3"), carts);
    }
  };
  expect_both();
  push_out_of_memory(*store);
  expect_both();
  store.reset();
  store = open(two_mebibytes_in_memory);
  expect_both();
}

TEST_F(recent_reads, check_in_the_file_what_was_read_from_memory_before) {
  const auto store = open(two_mebibytes_in_memory);
  ASSERT_TRUE(append(*store, "order-1", {"what nobody may change"}));
  EXPECT_EQ(texts(*store, "order-1").size(), 1U);
  const auto place = offset_of("what nobody may change");
  flip(segment(1), place);
  EXPECT_EQ(texts(*store, "order-1").front(), "what nobody may change") << "not from memory";
  push_out_of_memory(*store);
  expect_damage(*store, "the CRC of an item does not hold");
  expect_damage(*store, "the CRC of an item does not hold");
}

TEST_F(recent_reads, find_damage_of_the_frame_each_time) {
  {
    const auto store = open(two_mebibytes_in_memory);
    ASSERT_TRUE(append(*store, "order-1", {"one event", "and the next"}));
  }
  const auto store = open(two_mebibytes_in_memory);
  const auto item = offset_of("one event") - sizeof(event_item);
  const auto bytes = content(segment(1));
  const auto event = read_as<event_item>(bytes.data() + item);
  flip(segment(1), item - std::uint64_t{event.frame_distance} * 8 + offsetof(frame_header, clock));
  expect_damage(*store, "the CRC of a frame's header does not hold");
  expect_damage(*store, "the CRC of a frame's header does not hold");
}

// It reaches into the page where the log is still written, which is looked at anew each time.
TEST_F(recent_reads, check_what_must_be_read_from_the_file_though_it_was_mapped_before) {
  refusing_env refusing;
  env_ = &refusing;
  {
    const auto store = open(two_mebibytes_in_memory);
    ASSERT_TRUE(append(*store, "order-1", {std::string(5'000, 'x') + "what nobody may change"}));
  }
  const auto store = open(two_mebibytes_in_memory);
  EXPECT_EQ(texts(*store, "order-1").size(), 1U);
  refusing.refuses = true;
  EXPECT_EQ(texts(*store, "order-1").size(), 1U);
  EXPECT_GT(refusing.refused, 0);
  flip(segment(1), offset_of("what nobody may change"));
  expect_damage(*store, "the CRC of an item does not hold");
}

}  // namespace
}  // namespace annals::embedded
