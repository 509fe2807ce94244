#include "verify.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <thread>

#include "annals/forwarding_env.h"
#include "indexer.h"
#include "store_fixture.h"

namespace annals::embedded {
namespace {

namespace fs = std::filesystem;

/// An env with so many processors.
class env_with_processors final : public forwarding_env {
 public:
  explicit env_with_processors(unsigned count) : forwarding_env(posix_env()), count_(count) {}
  unsigned processors() noexcept override { return count_; }

 private:
  unsigned count_;
};

/// A store of many small segments, in which each of a few streams has events in many of them. What
/// a segment says can be changed so that all CRCs and links of frames hold.
class many_segments : public store_fixture {
 protected:
  many_segments() : store_fixture(disk::memory) {
    auto store = open({.segment_bytes = 16U << 10U});
    for (std::uint8_t i = 0; i < 200; ++i) {
      const std::string payload(700, 'p');
      const auto type = "type" + std::to_string(i / 20);
      const new_event event{.type = type, .payload = std::as_bytes(std::span(payload))};
      const auto name = "order-" + std::to_string(i % 40);
      const stream_write write{name, expect::any(), {&event, 1}};
      EXPECT_TRUE(store->append({.streams = {&write, 1}, .context = {.command_id = {{9, i}}}}));
      // Of a stream whose events stand in earlier segments.
      if (i % 50 == 45) {
        EXPECT_TRUE(store->retain("order-" + std::to_string((i + 7) % 40), {.max_count = 100}));
      }
    }
    store.reset();
    for (const auto& one : fs::directory_iterator(root() + "/log"))
      segments_ += one.path().extension() == ".seg" ? 1 : 0;
    EXPECT_GT(segments_, 12);
  }

  std::vector<std::string> damage(unsigned processors) const {
    env_with_processors world(processors);
    return verify_embedded(root(), {}, world).value().damage;
  }

  std::string path_of(int number) const {
    return store_paths{root()}.segment(static_cast<std::uint64_t>(number));
  }

  using change = std::function<void(std::byte* item, lsn place)>;

  /// Calls `each` with all items, and mends what hangs on their bytes.
  void for_each_item(const change& each) {
    std::uint32_t last_crc = 0;
    for (int number = 1; number <= segments_; ++number) {
      auto bytes = content(path_of(number));
      auto header = read_as<segment_header>(bytes.data());
      header.previous_crc = last_crc;
      const auto block = header_block(header);
      std::memcpy(bytes.data(), block.data(), block.size());
      const auto seed = seed_of(header.salt);
      for (std::size_t at = first_frame_offset; at + sizeof(frame_header) <= bytes.size();) {
        auto frame = read_as<frame_header>(bytes.data() + at);
        if (frame.length == 0) break;
        std::uint32_t items_crc = seed;
        for (auto item = at + sizeof frame; item < at + frame.length;
             item += read_as<item_header>(bytes.data() + item).length) {
          each(bytes.data() + item, lsn::at(header.number, item));
          finish_head(bytes.data() + item, seed, items_crc);
        }
        frame.items_crc = items_crc;
        frame.previous_crc = last_crc;
        last_crc = finish_frame(bytes.data() + at, frame, seed);
        at += frame.length;
      }
      overwrite(path_of(number), 0, bytes);
    }
  }

  /// Changes the first item of a kind that `wanted` picks; all index files are made anew.
  template <class Item>
  void change_one(item_kind kind, const std::function<bool(Item&, lsn)>& changed) {
    bool done = false;
    for_each_item([&](std::byte* at, lsn place) {
      if (done || static_cast<item_kind>(read_as<item_header>(at).kind) != kind) return;
      auto item = read_as<Item>(at);
      done = changed(item, place);
      if (done) write_as(at, item);
    });
    ASSERT_TRUE(done) << "nothing was changed";
    index_again();
  }

  void index_again() {
    unindex();
    const auto marker = content(root() + "/ANNALS");
    const auto id = read_as<store_mark>(marker.data()).store_id;
    const store_paths paths{root()};
    auto empty = read_manifest(*env_, paths.manifest(), id).value();
    const auto context = std::make_shared<const sealed_context>(sealed_context{
        .environment = *env_, .paths = paths, .store_id = id, .hash_seed = empty.hash_seed});
    auto nothing = open_sealed_log(context, empty, nullptr).value();
    indexer again(context, std::move(empty), std::move(nothing), [](const auto&) {});
    for (int i = 1; i < segments_; ++i) ASSERT_TRUE(again.index_next());
  }

  /// What verify says with index files and without is the same, and says this.
  void expect_damage(const std::string& words) {
    const auto indexed = damage(2);
    ASSERT_EQ(indexed.size(), 1U) << (indexed.size() > 1 ? indexed[1] : "");
    EXPECT_NE(indexed.front().find(words), std::string::npos) << indexed.front();
    EXPECT_EQ(damage(1), indexed);
    unindex();
    EXPECT_EQ(damage(3), indexed);
  }

  int segments_ = 0;
};

TEST_F(many_segments, are_sound_with_index_files_and_without) {
  EXPECT_EQ(damage(2), std::vector<std::string>{});
  for_each_item([](std::byte*, lsn) {});
  index_again();
  EXPECT_EQ(damage(2), std::vector<std::string>{});
  unindex();
  EXPECT_EQ(damage(1), std::vector<std::string>{});
}

// The threads come to them in any order.
TEST_F(many_segments, are_told_of_in_the_order_of_the_log) {
  for (const int number : {9, 3, 11, 1, 7}) flip(path_of(number), 5'000);
  const auto found = damage(4);
  ASSERT_GE(found.size(), 5U);
  const std::array<int, 5> expected{1, 3, 7, 9, 11};
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_TRUE(found[i].starts_with(path_of(expected[i]))) << found[i];
  EXPECT_EQ(damage(1), found);
}

TEST_F(many_segments, tell_progress_in_bytes_that_only_grow_on_the_thread_that_asks) {
  env_with_processors world(3);
  const auto me = std::this_thread::get_id();
  std::vector<std::uint64_t> told;
  std::uint64_t all = 0;
  const auto report = verify_embedded(
      root(),
      [&](std::uint64_t done, std::uint64_t total) {
        EXPECT_EQ(std::this_thread::get_id(), me);
        EXPECT_LE(done, total);
        told.push_back(done);
        all = total;
      },
      world);
  ASSERT_TRUE(report);
  EXPECT_TRUE(std::ranges::is_sorted(told));
  EXPECT_EQ(told.back(), all);
  EXPECT_EQ(report->bytes, all);
  std::uint64_t bytes = 0;
  for (const auto* folder : {"/log", "/idx", "/snap"})
    for (const auto& one : fs::directory_iterator(root() + folder))
      bytes += one.path().extension() == ".zero" ? 0 : one.file_size();
  EXPECT_EQ(all, bytes);
}

TEST_F(many_segments, must_link_an_event_to_the_one_before_it_in_an_earlier_segment) {
  std::map<uuid, std::vector<lsn>> events;
  change_one<event_item>(item_kind::event, [&](event_item& event, lsn place) {
    auto& before = events[event.stream_key];
    before.push_back(place);
    if (before.size() < 4 || event.previous.segment() == place.segment()) return false;
    event.previous = before[before.size() - 3];
    return true;
  });
  expect_damage("an event does not follow the one before it in its stream");
}

TEST_F(many_segments, must_not_have_a_version_of_a_stream_twice) {
  std::map<uuid, event_item> before;
  change_one<event_item>(item_kind::event, [&](event_item& event, lsn place) {
    auto& last = before[event.stream_key];
    const bool fork = event.version == 5 && last.previous.segment() < place.segment();
    if (fork) {
      event.version = last.version;
      event.previous = last.previous;
    }
    last = event;
    return fork;
  });
  expect_damage(" follows version 4");
}

TEST_F(many_segments, must_not_leave_a_version_of_a_stream_out) {
  change_one<event_item>(item_kind::event, [&](event_item& event, lsn) {
    if (event.version != 5) return false;
    event.version = 6;
    return true;
  });
  expect_damage("version 6 of stream ");
}

TEST_F(many_segments, must_have_the_name_where_an_event_says) {
  change_one<event_item>(item_kind::event, [&](event_item& event, lsn place) {
    if (event.version != 3 || event.name.segment() == place.segment()) return false;
    event.name.bits += 1;
    return true;
  });
  expect_damage("an event does not follow the one before it in its stream");
}

TEST_F(many_segments, must_not_name_a_stream_again) {
  std::optional<uuid> first;
  change_one<name_item>(item_kind::stream_name, [&](name_item& name, lsn place) {
    if (!first) first = name.stream_key;
    if (place.segment() < 2) return false;
    name.stream_key = *first;
    return true;
  });
  EXPECT_FALSE(damage(2).empty());
  EXPECT_EQ(damage(1), damage(2));
}

TEST_F(many_segments, must_not_have_a_command_twice) {
  std::optional<uuid> first;
  change_one<command_item>(item_kind::command, [&](command_item& command, lsn place) {
    if (!first) first = command.command_id;
    if (place.segment() < 6) return false;
    command.command_id = *first;
    return true;
  });
  expect_damage(" stands there twice");
}

TEST_F(many_segments, must_number_texts_in_order) {
  change_one<dictionary_item>(item_kind::dictionary, [&](dictionary_item& entry, lsn place) {
    if (place.segment() < 4) return false;
    ++entry.number;
    return true;
  });
  EXPECT_FALSE(damage(2).empty());
  unindex();
  const auto found = damage(2);
  ASSERT_FALSE(found.empty());
  EXPECT_NE(found.front().find("an event type is unknown"), std::string::npos) << found.front();
}

TEST_F(many_segments, must_know_the_version_that_retention_speaks_of) {
  change_one<retention_item>(item_kind::retention, [&](retention_item& retained, lsn place) {
    if (place.segment() < 4 || retained.version < 2) return false;
    retained.version -= 1;
    return true;
  });
  expect_damage("retention of another version of a stream");
}

TEST_F(many_segments, must_be_what_the_manifest_says) {
  const auto marker = content(root() + "/ANNALS");
  const auto id = read_as<store_mark>(marker.data()).store_id;
  const auto path = root() + "/MANIFEST";
  const auto known = read_manifest(*env_, path, id).value();
  const auto is_seen = [&](const std::function<void(manifest&)>& lie, const std::string& words) {
    auto changed = known;
    lie(changed);
    ASSERT_TRUE(write_manifest(*env_, path, changed));
    const auto found = damage(2);
    ASSERT_FALSE(found.empty()) << words;
    EXPECT_NE(found.front().find(words), std::string::npos) << found.front();
  };
  is_seen([](manifest& m) { m.segments[3].digest[5] ^= std::byte{1}; }, "the digest in MANIFEST");
  is_seen([](manifest& m) { m.segments[3].clock += 1; }, "it does not have segment 4 as that is");
  is_seen([](manifest& m) { m.segments[3].last_event.bytes[1] ^= 1; }, "segment 4 as that is");
  is_seen([](manifest& m) { m.types[2] += 'x'; }, "other types or categories than the log");
  is_seen([](manifest& m) { m.types.pop_back(); }, "other types or categories than the log");
}

}  // namespace
}  // namespace annals::embedded
