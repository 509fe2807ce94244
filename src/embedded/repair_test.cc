#include <gtest/gtest.h>

#include <map>

#include "annals/stream.h"
#include "failing_env.h"
#include "frame.h"
#include "recovery.h"
#include "store_fixture.h"

namespace annals::embedded {
namespace {

namespace fs = std::filesystem;

constexpr embedded_options tiny_segments{.segment_bytes = 16U << 10U};

/// A store of small segments, and what is done to it.
class repaired_store : public store_fixture {
 protected:
  repaired_store() : store_fixture(disk::memory) {}

  using files = std::map<std::string, std::vector<std::byte>>;

  /// All files by path, without those that only say who has the store open.
  files all_files() const {
    files found;
    for (const auto& entry : fs::recursive_directory_iterator(root()))
      if (entry.is_regular_file() && entry.path().filename() != "LOCK")
        found.emplace(entry.path().string(), content(entry.path()));
    return found;
  }

  /// Appends to one of three streams in turn, until so many segments are there; then closes.
  void fill(int segments) {
    auto store = open(tiny_segments);
    while (!fs::exists(segment(segments))) {
      const auto stream = "order-" + std::to_string(texts_.size() % 3);
      texts_.push_back(std::to_string(texts_.size()) + std::string(600, 'x'));
      ASSERT_TRUE(append(*store, stream, {texts_.back()}));
    }
    texts_.push_back("last");
    ASSERT_TRUE(append(*store, "order-0", {"last"}));
  }

  /// The offsets of the frames of a segment that hold events, and their first positions.
  std::map<std::uint64_t, std::uint64_t> appends_in(int number) const {
    const auto bytes = content(segment(number));
    std::map<std::uint64_t, std::uint64_t> found;
    for (std::uint64_t at = first_frame_offset; at + sizeof(frame_header) <= bytes.size();) {
      const auto header = read_as<frame_header>(bytes.data() + at);
      if (header.length == 0) break;
      if (header.events != 0) found.emplace(at, header.first_sequence);
      at += header.length;
    }
    return found;
  }

  repair_report repair(bool accept_loss) const {
    auto report = repair_embedded(root(), {.accept_loss = accept_loss}, {}, *env_);
    EXPECT_TRUE(report) << (report ? "" : report.error().to_string());
    return report ? *report : repair_report{};
  }

  std::vector<std::string> kept(std::uint64_t events) const {
    return {texts_.begin(), texts_.begin() + static_cast<std::ptrdiff_t>(events)};
  }

  /// What stands in files of `lost/`, one after the other; only those of this segment.
  std::vector<std::byte> lost_of(int number) const {
    std::map<std::string, std::vector<std::byte>> sorted;
    for (const auto& entry : fs::directory_iterator(root() + "/lost"))
      if (entry.path().filename().string().starts_with(std::to_string(number) + '-'))
        sorted.emplace(entry.path(), content(entry.path()));
    std::vector<std::byte> all;
    for (const auto& [path, bytes] : sorted) all.insert(all.end(), bytes.begin(), bytes.end());
    return all;
  }

  /// Refused without the flag, with nothing changed; then cut, so that `events` are left, after
  /// which appends go on and another repair has nothing to do.
  log_loss is_cut_to(std::uint64_t events) {
    EXPECT_FALSE(verified().damage.empty());
    const auto before = all_files();
    const auto told = repair(false);
    EXPECT_FALSE(told.changed);
    EXPECT_TRUE(all_files() == before) << "a repair that was not to lose anything changed files";
    if (!told.loss) {
      ADD_FAILURE() << "no loss was told";
      return {};
    }
    EXPECT_EQ(told.loss->first_position, events + 1);
    const auto done = repair(true);
    EXPECT_TRUE(done.changed);
    EXPECT_EQ(done.loss->bytes, told.loss->bytes);
    EXPECT_EQ(done.after.events, events);
    EXPECT_TRUE(done.after.damage.empty()) << done.after.damage.front();
    EXPECT_TRUE(verified().damage.empty());
    holds_and_goes_on(events);
    return *done.loss;
  }

  void holds_and_goes_on(std::uint64_t events) {
    const auto again = repair(false);
    EXPECT_FALSE(again.changed);
    EXPECT_TRUE(again.damage.empty()) << again.damage.front();
    EXPECT_TRUE(again.moved.empty());
    {
      const auto reader = open({.create = false, .read_only = true});
      ASSERT_TRUE(reader);
      EXPECT_TRUE(texts(*reader, {}) == kept(events)) << texts(*reader, {}).size();
    }
    auto expected = kept(events);
    {
      auto store = open(tiny_segments);
      ASSERT_TRUE(store);
      EXPECT_TRUE(texts(*store, {}) == expected) << texts(*store, {}).size();
      for (int i = 0; i < 60; ++i) {
        expected.push_back("again" + std::to_string(i) + std::string(600, 'y'));
        ASSERT_TRUE(append(*store, "order-1", {expected.back()}));
      }
      EXPECT_TRUE(texts(*store, {}) == expected) << texts(*store, {}).size();
    }
    const auto store = open(tiny_segments);
    ASSERT_TRUE(store);
    EXPECT_TRUE(texts(*store, {}) == expected) << texts(*store, {}).size();
  }

  /// Repaired without the flag: everything is still there.
  repair_report loses_nothing() {
    const auto report = repair(false);
    EXPECT_FALSE(report.loss);
    EXPECT_TRUE(report.changed);
    EXPECT_FALSE(report.damage.empty());
    EXPECT_TRUE(report.after.damage.empty()) << report.after.damage.front();
    EXPECT_EQ(report.after.events, texts_.size());
    holds_and_goes_on(texts_.size());
    return report;
  }

  std::vector<std::string> texts_{};
};

TEST_F(repaired_store, has_nothing_done_to_it_when_it_is_sound) {
  fill(6);
  const auto before = all_files();
  const auto report = repair(true);
  EXPECT_FALSE(report.changed);
  EXPECT_TRUE(report.damage.empty());
  EXPECT_EQ(report.after.events, texts_.size());
  EXPECT_TRUE(all_files() == before);
}

TEST_F(repaired_store, is_cut_in_the_segment_that_is_written) {
  fill(4);
  const auto whole = content(segment(4));
  const auto [offset, position] = *appends_in(4).begin();
  flip(segment(4), offset + 200);
  const auto loss = is_cut_to(position - 1);
  EXPECT_EQ(loss.file, segment(4));
  EXPECT_EQ(loss.offset, offset);
  EXPECT_EQ(loss.last_position, texts_.size());
  EXPECT_EQ(loss.readable_events, texts_.size() - position);
  // What was there before is in lost/ to the last byte, but for the bit that was flipped.
  auto lost = lost_of(4);
  ASSERT_EQ(lost.size(), loss.bytes);
  lost[200] ^= std::byte{1};
  EXPECT_TRUE(
      std::equal(lost.begin(), lost.end(), whole.begin() + static_cast<std::ptrdiff_t>(offset)));
}

TEST_F(repaired_store, is_cut_in_a_sealed_segment_in_the_middle) {
  fill(7);
  const auto fifth = content(segment(5));
  const auto frames = appends_in(3);
  const auto [offset, position] = *std::next(frames.begin(), 3);
  flip(segment(3), offset + 70);
  const auto loss = is_cut_to(position - 1);
  EXPECT_EQ(loss.file, segment(3));
  EXPECT_EQ(loss.offset, offset);
  EXPECT_EQ(loss.last_position, texts_.size());
  EXPECT_EQ(loss.readable_events, texts_.size() - position);
  ASSERT_EQ(loss.streams, 3U);
  std::map<std::string, std::uint64_t> newest;
  for (const auto& one : loss.first_streams) newest[one.name] = one.last.number;
  EXPECT_EQ(newest["order-1"], (texts_.size() - 1 + 1) / 3);
  EXPECT_EQ(lost_of(5), fifth);
}

TEST_F(repaired_store, counts_what_is_readable_behind_each_of_several_damages) {
  fill(5);
  const auto frames = appends_in(2);
  ASSERT_GT(frames.size(), 6U);
  const auto [first, position] = *std::next(frames.begin(), 1);
  flip(segment(2), first + 40);
  flip(segment(2), std::next(frames.begin(), 3)->first + 40);
  flip(segment(2), std::next(frames.begin(), 5)->first + 40);
  flip(segment(4), appends_in(4).begin()->first + 40);
  const auto loss = is_cut_to(position - 1);
  EXPECT_EQ(loss.offset, first);
  EXPECT_EQ(loss.readable_events, texts_.size() - position - 3);
  EXPECT_EQ(loss.streams, 3U);
  EXPECT_EQ(loss.first_streams.front().name.substr(0, 6), "order-");
}

TEST_F(repaired_store, is_cut_at_any_frame_of_a_sealed_segment_and_at_its_header) {
  fill(5);
  const auto whole = all_files();
  const auto frames = appends_in(2);
  std::map<std::uint64_t, std::uint64_t> events_before{{0, frames.begin()->second - 1}};
  for (const auto& [offset, position] : frames) events_before.emplace(offset, position - 1);
  for (const auto& [offset, events] : events_before) {
    fs::remove_all(root() + "/lost");
    for (const auto& folder : {"/log", "/idx"})
      for (const auto& entry : fs::directory_iterator(root() + folder)) fs::remove(entry);
    for (const auto& [path, bytes] : whole) {
      std::ofstream(path, std::ios::binary).flush();
      overwrite(path, 0, bytes);
    }
    flip(segment(2), offset + 40);
    SCOPED_TRACE(offset);
    EXPECT_EQ(is_cut_to(events).offset, offset);
  }
}

TEST_F(repaired_store, is_cut_before_a_segment_that_is_missing) {
  fill(6);
  const auto position = appends_in(3).begin()->second;
  const auto behind = appends_in(4).begin()->second;
  fs::remove(segment(3));
  const auto loss = is_cut_to(position - 1);
  EXPECT_EQ(loss.file, segment(3));
  EXPECT_EQ(loss.offset, 0U);
  EXPECT_EQ(loss.reason, "the segment is missing");
  EXPECT_EQ(loss.readable_events, texts_.size() + 1 - behind);
}

// As one of another history of the same store would be.
TEST_F(repaired_store, is_cut_before_a_segment_that_does_not_follow) {
  fill(5);
  const auto position = appends_in(3).begin()->second;
  const auto bytes = content(segment(3));
  auto header = read_as<segment_header>(bytes.data());
  header.previous_seal = lsn::at(2, header.previous_seal.offset() + 8);
  overwrite(segment(3), 0, header_block(header).bytes());
  const auto loss = is_cut_to(position - 1);
  EXPECT_EQ(loss.file, segment(3));
  EXPECT_EQ(loss.offset, 0U);
  EXPECT_NE(loss.reason.find("does not follow"), std::string::npos) << loss.reason;
}

TEST_F(repaired_store, is_empty_when_its_first_segment_is_missing) {
  fill(3);
  fs::remove(segment(1));
  is_cut_to(0);
}

TEST_F(repaired_store, is_cut_where_its_last_segments_are_missing) {
  fill(6);
  const auto position = appends_in(5).begin()->second;
  fs::remove(segment(5));
  fs::remove(segment(6));
  const auto loss = is_cut_to(position - 1);
  EXPECT_EQ(loss.last_position, texts_.size()) << "CLOSED tells how many there were";
  EXPECT_EQ(loss.readable_events, 0U);
}

// Nothing in the log says that more was there: MANIFEST does.
TEST_F(repaired_store, believes_its_manifest_that_a_segment_was_sealed) {
  fill(6);
  fs::remove(root() + "/CLOSED");
  for (int number = 3; number <= 6; ++number) fs::remove(segment(number));
  const auto last = *appends_in(2).rbegin();
  const auto bytes = content(segment(2));
  overwrite(segment(2), last.first,
            std::vector<std::byte>(bytes.size() - static_cast<std::size_t>(last.first)));
  const auto loss = is_cut_to(last.second - 1);
  EXPECT_EQ(loss.reason, "MANIFEST names the segment as sealed, and its seal is missing");
  EXPECT_GE(loss.last_position, last.second);
}

TEST_F(repaired_store, is_cut_before_a_frame_that_contradicts) {
  fill(3);
  const auto [offset, position] = *std::next(appends_in(2).begin(), 2);
  const auto bytes = content(segment(2));
  const auto seed = seed_of(read_as<segment_header>(bytes.data()).salt);
  auto header = read_as<frame_header>(bytes.data() + offset);
  std::vector<std::byte> frame(bytes.begin() + static_cast<std::ptrdiff_t>(offset),
                               bytes.begin() + static_cast<std::ptrdiff_t>(offset) + header.length);
  auto event = read_as<event_item>(frame.data() + sizeof header);
  event.version += 1;
  write_as(frame.data() + sizeof header, event);
  header.items_crc = seed;
  finish_head(frame.data() + sizeof header, seed, header.items_crc);
  finish_frame(frame.data(), header, seed);
  overwrite(segment(2), offset, frame);
  const auto loss = is_cut_to(position - 1);
  EXPECT_EQ(loss.offset, offset);
  EXPECT_NE(loss.reason.find("follows version"), std::string::npos) << loss.reason;
}

TEST_F(repaired_store, uses_no_snapshot_of_what_was_lost) {
  fill(3);
  const auto state = std::as_bytes(std::span("state", 5));
  {
    const auto store = open(tiny_segments);
    const auto snapshot_of = [&](std::string_view stream) {
      event_metadata newest;
      EXPECT_TRUE(store->read({.stream = stream, .direction = direction::backwards, .limit = 1},
                              [&](const event_batch& batch) {
                                newest = batch.events.front().metadata();
                                return flow::more;
                              }));
      return snapshot_write{.stream = stream,
                            .version = newest.version,
                            .last_event = newest.event_id,
                            .state = state};
    };
    ASSERT_TRUE(store->save_snapshot(snapshot_of("order-1")));
    ASSERT_TRUE(append(*store, "other-1", {"kept"}));
    texts_.emplace_back("kept");
    ASSERT_TRUE(store->load_snapshot("order-1", 0).value());
  }
  const auto [offset, position] = *appends_in(2).begin();
  flip(segment(2), offset + 100);
  ASSERT_TRUE(repair(true).after.damage.empty());
  const auto store = open(tiny_segments);
  ASSERT_TRUE(store);
  EXPECT_FALSE(store->load_snapshot("order-1", 0).value());
  // Nor when the stream has got as far again.
  for (std::size_t i = 0; i < texts_.size(); ++i) ASSERT_TRUE(append(*store, "order-1", {"again"}));
  EXPECT_FALSE(store->load_snapshot("order-1", 0).value());
}

TEST_F(repaired_store, tells_checkpoints_of_what_was_lost_that_they_are_of_another_history) {
  fill(3);
  checkpoint end;
  {
    const auto store = open(tiny_segments);
    end = store->head().value();
  }
  const auto [offset, position] = *appends_in(2).begin();
  flip(segment(2), offset + 100);
  ASSERT_TRUE(repair(true).after.damage.empty());
  const auto store = open(tiny_segments);
  ASSERT_TRUE(store);
  for (std::size_t i = 0; i < texts_.size(); ++i) ASSERT_TRUE(append(*store, "order-1", {"again"}));
  const auto read = store->read({.after = end}, [](const event_batch&) { return flow::more; });
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), errc::checkpoint_diverged);
}

TEST_F(repaired_store, gets_a_manifest_that_was_missing) {
  fill(8);
  fs::remove(root() + "/MANIFEST");
  const auto opened = try_open(tiny_segments);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message().find("annals repair"), std::string::npos);
  const auto report = loses_nothing();
  EXPECT_FALSE(report.remade.empty());
  EXPECT_TRUE(fs::exists(root() + "/idx/000000000007.six"));
}

TEST_F(repaired_store, gets_a_manifest_for_one_that_was_flipped) {
  fill(6);
  const auto size = fs::file_size(root() + "/MANIFEST");
  flip(root() + "/MANIFEST", size / 2);
  const auto damaged = content(root() + "/MANIFEST");
  const auto report = loses_nothing();
  ASSERT_FALSE(report.moved.empty());
  EXPECT_EQ(content(report.moved.front()), damaged);
}

TEST_F(repaired_store, gets_a_manifest_for_one_that_says_otherwise_than_the_log) {
  fill(6);
  const auto path = root() + "/MANIFEST";
  const auto bytes = content(root() + "/ANNALS");
  auto wrong = read_manifest(*env_, path, read_as<store_mark>(bytes.data()).store_id).value();
  const auto right = wrong;
  wrong.segments[1].clock += 1;
  write_manifest(*env_, path, wrong).value();
  EXPECT_NE(repair(false).damage.front().find("segment 2"), std::string::npos);
  wrong = right;
  wrong.types.emplace_back("never");
  write_manifest(*env_, path, wrong).value();
  EXPECT_NE(repair(false).damage.front().find("types"), std::string::npos);
  wrong = right;
  wrong.types.front() = "sometimes";
  write_manifest(*env_, path, wrong).value();
  EXPECT_NE(repair(false).damage.front().find("types"), std::string::npos);
  wrong = right;
  wrong.categories.front() = "other";
  write_manifest(*env_, path, wrong).value();
  EXPECT_NE(repair(false).damage.front().find("categories"), std::string::npos);
  holds_and_goes_on(texts_.size());
}

TEST_F(repaired_store, gets_index_files_that_were_missing_or_flipped) {
  fill(9);
  const auto count = [&] {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(root() + "/idx"))
      found.push_back(entry.path().string());
    std::ranges::sort(found);
    return found;
  };
  const auto paths = count();
  ASSERT_GT(paths.size(), 3U);
  for (const auto& path : paths) {
    const auto whole = content(path);
    for (const bool missing : {true, false}) {
      SCOPED_TRACE(path);
      if (missing) {
        fs::remove(path);
      } else {
        flip(path, fs::file_size(path) / 2);
      }
      const auto report = repair(false);
      EXPECT_FALSE(report.loss);
      ASSERT_EQ(report.damage.size(), 1U);
      EXPECT_NE(report.damage.front().find(path), std::string::npos) << report.damage.front();
      EXPECT_EQ(report.remade, std::vector{path});
      EXPECT_EQ(report.moved.size(), missing ? 0U : 1U);
      EXPECT_EQ(content(path), whole);
      EXPECT_TRUE(report.after.damage.empty());
      EXPECT_EQ(report.after.events, texts_.size());
    }
  }
  holds_and_goes_on(texts_.size());
}

TEST_F(repaired_store, does_without_a_closed_file_that_was_flipped) {
  fill(2);
  flip(root() + "/CLOSED", 41);
  const auto damaged = content(root() + "/CLOSED");
  EXPECT_FALSE(try_open(tiny_segments));
  const auto report = loses_nothing();
  ASSERT_EQ(report.moved.size(), 1U);
  EXPECT_EQ(content(report.moved.front()), damaged);
}

TEST_F(repaired_store, does_without_a_state_file_that_is_cut_off) {
  fill(2);
  fs::resize_file(root() + "/STATE", 100);
  const auto report = loses_nothing();
  ASSERT_EQ(report.moved.size(), 1U);
  EXPECT_EQ(content(report.moved.front()).size(), 100U);
}

TEST_F(repaired_store, does_without_a_snapshot_file_that_was_flipped) {
  fill(2);
  {
    const auto store = open(tiny_segments);
    const auto state = std::as_bytes(std::span("state", 5));
    ASSERT_TRUE(store->save_snapshot({.stream = "order-1", .version = {1}, .state = state}));
  }
  flip(root() + "/snap/000000000001.snap", 4096 + 80);
  const auto report = loses_nothing();
  EXPECT_FALSE(fs::exists(root() + "/snap/000000000001.snap"));
  EXPECT_FALSE(fs::exists(root() + "/snap/table"));
  EXPECT_EQ(report.moved.size(), 2U);
}

TEST_F(repaired_store, does_without_a_table_of_snapshots_that_was_flipped) {
  fill(2);
  const uuid last = [&] {
    const auto store = open(tiny_segments);
    uuid found;
    EXPECT_TRUE(store->read({.stream = "order-1", .to = {1}}, [&](const event_batch& some) {
      found = some.events.front().header().event_id;
      return flow::more;
    }));
    EXPECT_TRUE(store->save_snapshot({.stream = "order-1", .version = {1}, .last_event = found}));
    return found;
  }();
  flip(root() + "/snap/table", 40);
  EXPECT_EQ(loses_nothing().moved.size(), 1U);
  const auto kept = open(tiny_segments)->load_snapshot("order-1", 0).value();
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->last_event, last);
}

TEST_F(repaired_store, gets_zeros_behind_a_seal) {
  fill(4);
  flip(segment(2), fs::file_size(segment(2)) - 8);
  const auto report = loses_nothing();
  ASSERT_EQ(report.moved.size(), 1U);
  EXPECT_NE(report.damage.front().find("behind the seal"), std::string::npos);
}

TEST_F(repaired_store, leaves_a_torn_tail_to_the_next_opening) {
  fill(2);
  fs::remove(root() + "/CLOSED");
  const auto end = appends_in(2).rbegin()->first;
  const auto size = fs::file_size(segment(2));
  overwrite(segment(2), end + 8, std::vector<std::byte>(size - end - 8));
  const auto report = repair(true);
  EXPECT_FALSE(report.changed);
  EXPECT_GT(report.after.torn_tail_bytes, 0U);
}

TEST_F(repaired_store, is_refused_while_it_is_open) {
  fill(2);
  const auto store = open(tiny_segments);
  const auto report = repair_embedded(root(), {.accept_loss = true});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code(), errc::store_in_use);
}

TEST_F(repaired_store, is_repaired_by_the_next_try_when_writes_or_syncs_fail) {
  fill(5);
  const auto [offset, position] = *std::next(appends_in(3).begin(), 2);
  flip(segment(3), offset + 100);
  failing_env failing(posix_env());
  env_ = &failing;
  int failed = 0;
  for (std::uint64_t n = 1;; ++n) {
    if (n % 2 == 1) {
      failing.fail_writes_from(n / 2 + 1, errc::disk_full);
    } else {
      failing.fail_syncs_from(n / 2);
    }
    const auto report = repair_embedded(root(), {.accept_loss = true}, {}, failing);
    failing.heal();
    if (report && !report->changed) break;  // repaired, by what was done before it failed
    if (!report) ++failed;
    ASSERT_LT(n, 500U);
  }
  EXPECT_GT(failed, 5);
  holds_and_goes_on(position - 1);
  env_ = &posix_env();
}

}  // namespace
}  // namespace annals::embedded
