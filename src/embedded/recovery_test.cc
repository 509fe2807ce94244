#include "recovery.h"

#include <gtest/gtest.h>

#include "bytes.h"
#include "frame.h"
#include "store_fixture.h"

namespace annals::embedded {
namespace {

namespace fs = std::filesystem;

struct frame_place {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  frame_kind kind{};
};

class store_recovery : public store_fixture {
 protected:
  using store_fixture::store_fixture;

  /// The frames of a segment, by their lengths.
  std::vector<frame_place> frames(int number = 1) const {
    const auto bytes = content(segment(number));
    std::vector<frame_place> found;
    for (std::uint64_t at = first_frame_offset; at + sizeof(frame_header) <= bytes.size();) {
      const auto header = read_as<frame_header>(bytes.data() + at);
      if (header.length == 0) break;
      found.push_back({at, header.length, static_cast<frame_kind>(header.kind)});
      at += header.length;
    }
    return found;
  }
  /// A store with events "0" … in one stream, as a crash leaves it.
  void crashed_store(int events) {
    auto store = open();
    for (int i = 0; i < events; ++i) ASSERT_TRUE(append(*store, "order-1", {std::to_string(i)}));
    crash(std::move(store));
  }
  void zero(std::uint64_t from, std::uint64_t end, int number = 1) const {
    overwrite(segment(number), from, std::vector<std::byte>(end - from));
  }
  std::vector<std::string> lost_files() const {
    std::vector<std::string> found;
    if (fs::exists(root() + "/lost"))
      for (const auto& entry : fs::directory_iterator(root() + "/lost"))
        found.push_back(entry.path());
    return found;
  }
  error refused() const {
    auto opened = try_open();
    EXPECT_FALSE(opened);
    return opened ? error(errc::not_a_store, "was opened") : opened.error();
  }
  /// Appends until a third segment has begun.
  void fill_segments() {
    auto store = open();
    const std::string text(100'000, 'x');
    while (!fs::exists(segment(3))) ASSERT_TRUE(append(*store, "order-1", {text}));
  }
};

TEST_F(store_recovery, keeps_all_that_was_acknowledged_before_a_crash) {
  crashed_store(20);
  auto store = open();
  EXPECT_EQ(texts(*store, "order-1").size(), 20U);
  EXPECT_TRUE(lost_files().empty());
}

/// Stores whose frames hold and contradict themselves, as a faulty writer would leave them.
struct contradiction : store_recovery {
  /// Changes the last item of a kind, in the last frame that has one, and makes its CRCs hold.
  template <class Item, class Change>
  void change_last(item_kind kind, Change&& change) const {
    const auto bytes = content(segment(1));
    const auto seed = seed_of(read_as<segment_header>(bytes.data()).salt);
    std::vector<std::byte> frame;
    std::size_t at = 0;
    std::uint64_t offset = 0;
    for (const auto& place : frames()) {
      const std::span<const std::byte> whole(bytes.data() + place.offset, place.length);
      frame_view(whole.data()).for_each_item([&](const item_view& item) {
        if (item.kind() != kind) return;
        at = static_cast<std::size_t>(item.data() - whole.data());
        offset = place.offset;
        frame.assign(whole.begin(), whole.end());
      });
    }
    ASSERT_NE(offset, 0U);
    auto item = read_as<Item>(frame.data() + at);
    change(item);
    write_as(frame.data() + at, item);
    auto header = read_as<frame_header>(frame.data());
    header.items_crc = seed;
    frame_view(frame.data()).for_each_item([&](const item_view& one) {
      finish_head(frame.data() + (one.data() - frame.data()), seed, header.items_crc);
    });
    finish_frame(frame.data(), header, seed);
    overwrite(segment(1), offset, frame);
  }
  void is_refused(std::string_view what) const {
    const auto why = refused();
    EXPECT_EQ(why.code(), errc::store_corrupt);
    EXPECT_NE(why.message().find(what), std::string::npos) << why.message();
    const auto report = verified();
    ASSERT_FALSE(report.damage.empty());
    EXPECT_NE(report.damage.front().find(what), std::string::npos) << report.damage.front();
  }
};

TEST_F(contradiction, in_an_events_distance_to_its_frame_was_read_outside_of_the_log) {
  crashed_store(2);
  change_last<event_item>(item_kind::event, [](event_item& event) { event.frame_distance += 512; });
  is_refused("an event does not know its frame");
}

TEST_F(contradiction, in_an_events_predecessor_is_damage) {
  crashed_store(2);
  change_last<event_item>(item_kind::event, [](event_item& event) { event.previous = {}; });
  is_refused("an event does not follow the one before it in its stream");
}

TEST_F(contradiction, in_an_events_category_is_damage) {
  crashed_store(2);
  change_last<event_item>(item_kind::event, [](event_item& event) { event.category = 0; });
  is_refused("an event has another category");
}

TEST_F(contradiction, in_a_maximum_age_below_zero_is_damage) {
  {
    auto store = open();
    ASSERT_TRUE(append(*store, "order-1", {"0"}));
    ASSERT_TRUE(store->retain("order-1", {.max_age = std::chrono::hours(1)}));
    crash(std::move(store));
  }
  change_last<retention_item>(item_kind::retention,
                              [](retention_item& kept) { kept.max_age = INT64_MIN; });
  is_refused("a maximum age is negative");
}

struct torn_tail : store_recovery {
  torn_tail() : store_recovery(disk::memory) {}
};

TEST_F(torn_tail, is_repaired_at_any_byte_of_the_last_frame) {
  crashed_store(4);
  const auto last = frames().back();
  const auto whole = content(segment(1));
  for (std::uint64_t cut = last.offset; cut < last.offset + last.length; cut += 1) {
    overwrite(segment(1), 0, whole);
    zero(cut, last.offset + last.length);
    fs::remove(root() + "/CLOSED");
    fs::remove_all(root() + "/lost");
    const auto torn = verified();
    EXPECT_TRUE(torn.damage.empty()) << "cut at " << cut << ": " << torn.damage.front();
    auto store = open();
    ASSERT_TRUE(store) << "cut at " << cut;
    const bool intact =
        whole[cut] == std::byte{0} &&
        std::all_of(whole.begin() + static_cast<std::ptrdiff_t>(cut),
                    whole.begin() + static_cast<std::ptrdiff_t>(last.offset + last.length),
                    [](std::byte b) { return b == std::byte{0}; });
    ASSERT_EQ(texts(*store, "order-1").size(), intact ? 4U : 3U) << "cut at " << cut;
    ASSERT_TRUE(append(*store, "order-1", {"again"}));
    if (cut > last.offset && !intact) {
      EXPECT_GT(torn.torn_tail_bytes, 0U) << "cut at " << cut;
      ASSERT_EQ(lost_files().size(), 1U) << "cut at " << cut;
      const auto lost = content(lost_files().front());
      EXPECT_TRUE(std::equal(lost.begin(),
                             lost.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(
                                                lost.size(), cut - last.offset)),
                             whole.begin() + static_cast<std::ptrdiff_t>(last.offset)));
    }
  }
}

TEST_F(store_recovery, drops_intact_frames_behind_a_torn_one_that_was_never_acknowledged) {
  crashed_store(1);
  auto store = open();
  // Two frames of one group: neither knows the other to be durable.
  std::atomic<int> left{200};
  for (int i = 0; i < 200; ++i) {
    const new_event event{.type = "happened"};
    const stream_write write{"order-2", expect::any(), {&event, 1}};
    store->append({.streams = {&write, 1}}, [&](result<appended>) { --left; });
  }
  while (left > 0) std::this_thread::yield();
  crash(std::move(store));
  const auto all = frames();
  const auto bytes = content(segment(1));
  const auto durable_of = [&](const frame_place& place) {
    return read_as<frame_header>(bytes.data() + place.offset).durable;
  };
  // The last frame that none of the later ones proves.
  std::size_t torn = all.size() - 1;
  while (durable_of(all.back()) <= lsn::at(1, all[torn - 1].offset)) --torn;
  if (torn + 1 == all.size()) GTEST_SKIP() << "every group held one frame only";
  flip(segment(1), all[torn].offset + 70);
  store = open();
  ASSERT_TRUE(store);
  EXPECT_EQ(texts(*store, {}).size(), torn - 2);  // without `opened`, twice
}

TEST_F(store_recovery, refuses_damage_before_an_acknowledged_frame_and_names_the_place) {
  crashed_store(6);
  const auto place = frames()[3];  // opened, 0, 1, then 2
  flip(segment(1), place.offset + place.length - 9);
  const auto problem = refused();
  EXPECT_EQ(problem.code(), errc::store_corrupt);
  EXPECT_NE(problem.message().find(segment(1)), std::string::npos) << problem.message();
  EXPECT_NE(problem.message().find("offset " + std::to_string(place.offset)), std::string::npos)
      << problem.message();
  EXPECT_NE(problem.message().find("positions from 3 to 3"), std::string::npos)
      << problem.message();
  EXPECT_TRUE(lost_files().empty());
}

TEST_F(store_recovery, refuses_a_hole_of_zeros_before_an_acknowledged_frame) {
  crashed_store(6);
  const auto place = frames()[3];
  zero(place.offset, place.offset + place.length);
  EXPECT_EQ(refused().code(), errc::store_corrupt);
}

TEST_F(store_recovery, refuses_a_log_that_ends_before_the_place_where_it_was_closed) {
  ASSERT_TRUE(append(*open(), "order-1", {"one"}));
  const auto last = frames().back();
  EXPECT_EQ(last.kind, frame_kind::mark);
  zero(last.offset, last.offset + last.length);
  const auto problem = refused();
  EXPECT_EQ(problem.code(), errc::store_corrupt);
  EXPECT_NE(problem.message().find("closed"), std::string::npos) << problem.message();
}

TEST_F(store_recovery, drops_rubbish_behind_the_end_and_keeps_a_copy) {
  crashed_store(2);
  const auto last = frames().back();
  const std::vector<std::byte> rubbish(100, std::byte{0xab});
  overwrite(segment(1), last.offset + last.length + 5000, rubbish);
  EXPECT_EQ(verified().torn_tail_bytes, padded(5100)) << "up to the last word that is not zero";
  auto store = open();
  EXPECT_EQ(texts(*store, "order-1").size(), 2U);
  ASSERT_EQ(lost_files().size(), 1U);
  store.reset();
  EXPECT_EQ(verified().torn_tail_bytes, 0U);
}

TEST_F(store_recovery, changes_nothing_when_opened_read_only) {
  crashed_store(3);
  const auto last = frames().back();
  flip(segment(1), last.offset + 80);
  fs::remove(root() + "/STATE");  // as after another start of the machine: a torn tail, then
  const auto before = content(segment(1));
  {
    auto store = open({.create = false, .read_only = true});
    ASSERT_TRUE(store);
    EXPECT_EQ(texts(*store, "order-1").size(), 2U);
    EXPECT_EQ(append(*store, "order-1", {"x"}).error().code(), errc::unsupported);
    EXPECT_EQ(store->retain("order-1", {.tombstone = true}).error().code(), errc::unsupported);
  }
  EXPECT_EQ(content(segment(1)), before);
  EXPECT_TRUE(lost_files().empty());
  EXPECT_FALSE(fs::exists(root() + "/CLOSED"));
}

TEST_F(store_recovery, continues_over_many_segments) {
  fill_segments();
  auto store = open();
  const auto found = texts(*store, "order-1");
  EXPECT_GT(found.size(), 15U);
  EXPECT_EQ(found.back().size(), 100'000U);
  EXPECT_TRUE(append(*store, "order-1", {"more"}));
}

TEST_F(store_recovery, refuses_a_missing_segment_by_name) {
  fill_segments();
  for (const int missing : {1, 2, 3}) {
    fs::rename(segment(missing), root() + "/aside");
    const auto problem = refused();
    EXPECT_EQ(problem.code(), errc::store_corrupt);
    EXPECT_NE(problem.message().find(segment(missing)), std::string::npos) << problem.message();
    EXPECT_FALSE(verified().damage.empty());
    fs::rename(root() + "/aside", segment(missing));
  }
  EXPECT_TRUE(verified().damage.empty());
}

TEST_F(store_recovery, refuses_segments_that_changed_places) {
  fill_segments();
  fs::rename(segment(1), root() + "/aside");
  fs::rename(segment(2), segment(1));
  fs::rename(root() + "/aside", segment(2));
  EXPECT_EQ(refused().code(), errc::store_corrupt);
  EXPECT_GE(verified().damage.size(), 2U);
}

TEST_F(store_recovery, refuses_a_segment_of_another_store) {
  fill_segments();
  const auto first = content(segment(2));
  fs::rename(root(), root() + "-other");
  fill_segments();
  overwrite(segment(2), 0, first);
  const auto problem = refused();
  EXPECT_EQ(problem.code(), errc::store_corrupt);
  EXPECT_NE(problem.message().find("belongs to store"), std::string::npos) << problem.message();
}

// The same number in an older copy of the same store: what follows does not follow it.
TEST_F(store_recovery, refuses_a_segment_of_another_history_of_the_store) {
  ASSERT_TRUE(append(*open(), "order-1", {"one"}));
  fs::copy(root(), root() + "-fork", fs::copy_options::recursive);
  fill_segments();
  const auto second = content(segment(2));
  fs::remove_all(root());
  fs::rename(root() + "-fork", root());
  fill_segments();
  overwrite(segment(2), 0, second);
  EXPECT_EQ(refused().code(), errc::store_corrupt);
}

TEST_F(store_recovery, refuses_a_truncated_segment) {
  fill_segments();
  for (const int number : {2, 3}) {
    const auto size = fs::file_size(segment(number));
    fs::resize_file(segment(number), size - 4096);
    EXPECT_EQ(refused().code(), errc::store_corrupt) << number;
    EXPECT_FALSE(verified().damage.empty());
    fs::resize_file(segment(number), size);
  }
}

TEST_F(store_recovery, discards_a_successor_that_the_crash_left_without_a_seal_before_it) {
  fill_segments();
  const auto seal = frames(2).back();
  ASSERT_EQ(seal.kind, frame_kind::seal);
  // Back to the moment after the third segment got its name: no seal yet, nothing in the third.
  unindex();
  zero(seal.offset, seal.offset + seal.length, 2);
  zero(first_frame_offset, fs::file_size(segment(3)), 3);
  fs::remove(root() + "/CLOSED");
  EXPECT_TRUE(verified().damage.empty()) << verified().damage.front();
  auto store = open();
  ASSERT_TRUE(store);
  EXPECT_FALSE(fs::exists(segment(3)));
  const std::string text(100'000, 'y');
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(append(*store, "order-2", {text}));
  EXPECT_TRUE(fs::exists(segment(3)));
  store = nullptr;
  EXPECT_TRUE(verified().damage.empty());
}

TEST_F(store_recovery, refuses_an_unsealed_segment_that_frames_follow) {
  fill_segments();
  const auto seal = frames(2).back();
  zero(seal.offset, seal.offset + seal.length, 2);
  fs::remove(root() + "/CLOSED");
  unindex();
  EXPECT_FALSE(verified().damage.empty());
  EXPECT_EQ(refused().code(), errc::store_corrupt);
}

// A mark is written a second after the last append: from then on damage to it is no torn tail.
TEST_F(store_recovery, marks_the_end_of_an_idle_log) {
  auto store = open();
  ASSERT_TRUE(append(*store, "order-1", {"one"}));
  const auto has_mark = [&] { return frames().back().kind == frame_kind::mark; };
  const auto deadline = env_->monotonic() + std::chrono::seconds(20);
  while (!has_mark() && env_->monotonic() < deadline) std::this_thread::yield();
  ASSERT_TRUE(has_mark());
  const auto last = frames()[1];
  crash(std::move(store));
  flip(segment(1), last.offset + 80);
  EXPECT_EQ(refused().code(), errc::store_corrupt);
}

}  // namespace
}  // namespace annals::embedded
