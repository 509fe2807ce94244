#include "bytes.h"
#include "index_run.h"
#include "segment.h"
#include "store_fixture.h"
#include "term.h"

namespace annals::embedded {
namespace {

constexpr embedded_options tiny_segments{.segment_bytes = 16U << 10U};

// XXH3 of 17 bytes multiplies (bytes 0–7 ^ (a + seed)) by (bytes 8–15 ^ (b - seed)), and (bytes 1–8
// ^ (c + seed)) by (bytes 9–16 ^ (d - seed)), a to d being constants of it. With the first and the
// last factor 0 the hash is the same whatever byte 8 is. Byte 0 is the kind of term, bytes 1 to 7
// are chosen, and the seed and bytes 9 to 16 follow from them.
constexpr std::uint64_t a = 0xbe4ba423396cfeb8U;
constexpr std::uint64_t d = 0x1f67b3b7a4a44072U;

/// 256 terms of 16 bytes and of one kind that have one hash.
class twins {
 public:
  explicit twins(term_kind kind, std::string_view beginning = std::string_view("\0\0\0\0\0\0\0", 7))
      : kind_(kind) {
    bytes_[0] = static_cast<std::byte>(kind);
    std::ranges::copy(std::as_bytes(std::span(beginning)), bytes_.begin() + 1);
    write_as(bytes_.data() + 9, d - seed());
  }
  std::uint64_t seed() const { return read_as<std::uint64_t>(bytes_.data()) - a; }
  std::uint64_t hash_of(std::uint8_t number) const {
    return term_hash(seed(), kind_, term_bytes(id(number)));
  }
  uuid id(std::uint8_t number) const { return read_as<uuid>(bytes_of(number).data() + 1); }
  std::string text(std::uint8_t number) const {
    const auto bytes = bytes_of(number);
    return {reinterpret_cast<const char*>(bytes.data()) + 1, bytes.size() - 1};
  }

 private:
  using whole_term = std::array<std::byte, 17>;

  whole_term bytes_of(std::uint8_t number) const {
    auto bytes = bytes_;
    bytes[8] = static_cast<std::byte>(number);
    return bytes;
  }

  term_kind kind_;
  whole_term bytes_{};
};

const twins streams{term_kind::stream};
const twins commands{term_kind::command};
const twins tags{term_kind::tag, "\xc3\xbfnm0:n"};  // so that all of it is UTF-8, with a colon

TEST(twins, have_one_hash) {
  for (const auto& these : {streams, commands, tags})
    for (const std::uint8_t number : {std::uint8_t{1}, std::uint8_t{'x'}, std::uint8_t{255}})
      EXPECT_EQ(these.hash_of(0), these.hash_of(number));
}

/// A store whose hash seed was chosen before anything was indexed.
class terms_of_one_hash : public store_fixture {
 protected:
  terms_of_one_hash() : store_fixture(disk::memory) {}

  std::unique_ptr<event_store> open_for(const twins& those) {
    EXPECT_TRUE(open(tiny_segments)->close());
    auto content = known();
    content.hash_seed = those.seed();
    write_manifest(*env_, paths().manifest(), content).value();
    return open(tiny_segments);
  }
  std::unique_ptr<event_store> opened_again(std::unique_ptr<event_store> store) const {
    EXPECT_TRUE(store->close());
    store.reset();
    EXPECT_TRUE(verified().damage.empty());
    EXPECT_GT(known().runs.front().last_segment, 3U) << "no runs were joined";
    return open(tiny_segments);
  }
  manifest known() const {
    const auto mark = content(paths().marker());
    return read_manifest(*env_, paths().manifest(), read_as<store_mark>(mark.data()).store_id)
        .value();
  }
  std::string path_of(const known_run& run) const {
    return paths().run(run.first_segment, run.last_segment);
  }
  /// What a run has under a hash of streams.
  std::vector<run_slot> slots_of(const known_run& of, std::uint64_t hash) const {
    const auto content = known();
    const auto run = index_run::open(*env_, path_of(of),
                                     {.store_id = content.store_id,
                                      .hash_seed = content.hash_seed,
                                      .first_segment = of.first_segment,
                                      .last_segment = of.last_segment});
    std::vector<run_slot> slots;
    EXPECT_TRUE(run && run->find(hash, term_kind::stream, slots));
    return slots;
  }
  std::vector<known_run> runs_with(std::uint64_t hash) const {
    auto runs = known().runs;
    std::erase_if(runs, [&](const known_run& run) { return slots_of(run, hash).empty(); });
    return runs;
  }
  /// Appends to other streams until two more segments have begun.
  void fill(event_store& store) {
    while (std::filesystem::exists(paths().segment(segments_ + 1))) ++segments_;
    const auto until = paths().segment(segments_ += 2);
    for (int i = 0; i < 100 && !std::filesystem::exists(until); ++i)
      ASSERT_TRUE(append(store, "order-" + std::to_string(filled_++), {std::string(800, 'x')}));
    ASSERT_TRUE(std::filesystem::exists(until));
  }

 private:
  store_paths paths() const { return {root()}; }

  std::uint64_t segments_ = 1;
  int filled_ = 0;
};

constexpr std::size_t twins_written = 4;

TEST_F(terms_of_one_hash, that_are_commands_are_told_apart) {
  auto store = open_for(commands);
  std::vector<appended> answers;
  const auto send = [&](std::uint8_t i) {
    return append(*store, "cart-1", {"command " + std::to_string(i)}, expect::any(),
                  {.command_id = commands.id(i)});
  };
  for (std::uint8_t i = 0; i < twins_written; ++i) {
    const auto answer = send(i);
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_FALSE(answer->already_applied);
    answers.push_back(*answer);
    fill(*store);
    fill(*store);
  }
  store = opened_again(std::move(store));
  for (std::uint8_t i = 0; i < twins_written; ++i) {
    const auto again = send(i);
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_TRUE(again->already_applied);
    EXPECT_EQ(again->first, answers[i].first);
  }
}

/// Which twins are written, before each two segments.
using rounds = std::vector<std::vector<std::uint8_t>>;
const rounds once{{0}, {1}, {2}, {3}, {}};
const rounds again_and_beside{{0}, {1}, {0, 2}, {3}, {}, {1, 2}, {}};

/// Terms that events have: what has each is read.
class events_of_one_hash : public terms_of_one_hash {
 protected:
  virtual const twins& those() const = 0;
  virtual result<appended> write(event_store& store, std::uint8_t i, const std::string& text) = 0;
  virtual void expect_found(event_store& store, std::uint8_t i,
                            const std::vector<std::string>& written) = 0;

  void are_told_apart(const rounds& all) {
    auto store = open_for(those());
    for (const auto& round : all) {
      for (const auto i : round) {
        auto& of = written_[i];
        of.push_back(std::to_string(i) + " for the time " + std::to_string(of.size() + 1));
        ASSERT_TRUE(write(*store, i, of.back()));
      }
      fill(*store);
    }
    expect_written(*store);
    store = opened_again(std::move(store));
    expect_written(*store);
  }

 private:
  void expect_written(event_store& store) {
    for (std::uint8_t i = 0; i < twins_written; ++i) expect_found(store, i, written_[i]);
  }

  std::array<std::vector<std::string>, twins_written> written_{};
};

class streams_of_one_hash : public events_of_one_hash {
  const twins& those() const override { return streams; }
  result<appended> write(event_store& store, std::uint8_t i, const std::string& text) override {
    return append(store, streams.id(i).to_string(), {text}, expect::at({versions_[i]++}));
  }
  void expect_found(event_store& store, std::uint8_t i,
                    const std::vector<std::string>& written) override {
    EXPECT_EQ(texts(store, streams.id(i).to_string()), written);
  }

  std::array<std::uint64_t, twins_written> versions_{};
};

TEST_F(streams_of_one_hash, are_told_apart) {
  are_told_apart(once);
}
TEST_F(streams_of_one_hash, are_told_apart_when_they_go_on) {
  are_told_apart(again_and_beside);
}

class tags_of_one_hash : public events_of_one_hash {
 protected:
  static std::string tag(std::uint8_t i) { return tags.text(static_cast<std::uint8_t>('p' + i)); }

  static result<appended> write_tagged(event_store& store, std::span<const std::string> named,
                                       const std::string& text) {
    const std::vector<std::string_view> tagged(named.begin(), named.end());
    const new_event event{
        .type = "happened", .payload = std::as_bytes(std::span(text)), .tags = tagged};
    const stream_write write{"cart-1", expect::any(), {&event, 1}};
    return store.append({.streams = {&write, 1}});
  }

  const twins& those() const override { return tags; }
  result<appended> write(event_store& store, std::uint8_t i, const std::string& text) override {
    const auto named = tag(i);
    return write_tagged(store, {&named, 1}, text);
  }
  // Reads ask the index of each segment, conditions the runs.
  void expect_found(event_store& store, std::uint8_t i,
                    const std::vector<std::string>& written) override {
    const auto named = tag(i);
    const std::string_view tagged[]{named};
    const query_item item{.tags = tagged};
    const query matching{{&item, 1}};
    std::vector<std::string> found;
    std::uint64_t newest = 0;
    const auto end = store.read({.filter = {.matching = matching}}, [&](const event_batch& batch) {
      for (const auto& event : batch.events) {
        found.emplace_back(event.text());
        newest = event.position().sequence;
      }
      return flow::more;
    });
    EXPECT_TRUE(end) << (end ? "" : end.error().to_string());
    EXPECT_EQ(found, written);
    EXPECT_FALSE(appends_unless(store, {matching, mark_of(store, newest - 1)}));
    EXPECT_TRUE(appends_unless(store, {matching, mark_of(store, newest)}));
  }
  static checkpoint mark_of(event_store& store, std::uint64_t sequence) {
    checkpoint mark;
    if (sequence == 0) return mark;
    EXPECT_TRUE(store.read({.first = sequence, .last = sequence}, [&](const event_batch& batch) {
      mark = batch.scanned_to;
      return flow::more;
    }));
    return mark;
  }
  static bool appends_unless(event_store& store, const append_condition& condition) {
    const new_event event{.type = "asked"};
    const stream_write write{"asking", expect::any(), {&event, 1}};
    const auto appended = store.append({.streams = {&write, 1}, .unless = {&condition, 1}});
    EXPECT_TRUE(appended || appended.error().code() == errc::condition_failed);
    return appended.has_value();
  }
};

TEST_F(tags_of_one_hash, are_told_apart) {
  are_told_apart(once);
}
TEST_F(tags_of_one_hash, are_told_apart_when_they_come_again) {
  are_told_apart(again_and_beside);
}

// The slot of an event with both is the newest place of one of them for as long as the other has
// no newer event.
TEST_F(tags_of_one_hash, are_told_apart_when_an_event_has_two_of_them) {
  auto store = open_for(tags);
  const std::vector<std::string> both{tag(0), tag(1)};
  ASSERT_TRUE(write_tagged(*store, both, "both"));
  fill(*store);
  ASSERT_TRUE(write(*store, 0, "one"));
  for (int i = 0; i < 4; ++i) fill(*store);
  store = opened_again(std::move(store));
  expect_found(*store, 0, {"both", "one"});
  expect_found(*store, 1, {"both"});
}

const twins settings{term_kind::retention};

/// Streams whose retention settings have one hash: each keeps a number of events of its own.
class retention_of_one_hash : public events_of_one_hash {
  static std::string name(std::uint8_t i) { return settings.id(i).to_string(); }

  const twins& those() const override { return settings; }
  result<appended> write(event_store& store, std::uint8_t i, const std::string& text) override {
    std::vector<std::string> texts(twins_written, "is gone");
    texts.resize(twins_written + i);
    texts.back() = text;
    auto answer = append(store, name(i), texts);
    if (auto kept = store.retain(name(i), {.max_count = std::uint64_t{1} + i}); !kept)
      return std::unexpected(kept.error());
    return answer;
  }
  void expect_found(event_store& store, std::uint8_t i,
                    const std::vector<std::string>& written) override {
    const auto found = texts(store, name(i));
    EXPECT_EQ(found.size(), 1U + i);
    if (!found.empty()) {
      EXPECT_EQ(found.back(), written.back());
    }
  }
};

TEST_F(retention_of_one_hash, is_told_apart) {
  are_told_apart(once);
}
TEST_F(retention_of_one_hash, is_told_apart_when_it_changes) {
  are_told_apart(again_and_beside);
}

// Numbers of types and categories have no twins: XXH3 of five bytes is one to one.

/// A run that is made again marks the terms whose hash a run before it has, as it did at first.
TEST_F(streams_of_one_hash, are_told_apart_when_their_run_was_lost) {
  auto store = open_for(streams);
  ASSERT_TRUE(append(*store, streams.id(0).to_string(), {"first"}));
  // So many terms that runs of the few segments behind are not joined with theirs.
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(append(*store, "cart-" + std::to_string(i), {"x"}));
  fill(*store);
  ASSERT_TRUE(append(*store, streams.id(1).to_string(), {"second"}));
  fill(*store);
  std::vector<known_run> with_twins;
  // All sealed segments are indexed when the store has been open for long enough. While it is open
  // runs come and go.
  const std::atomic<std::uint32_t> never{0};
  for (int i = 0; i < 1'000; ++i) {
    posix_env().park(never, 0, std::chrono::milliseconds(1));
    ASSERT_TRUE(store->close());
    store.reset();
    with_twins = runs_with(streams.hash_of(0));
    if (with_twins.size() == 2) break;
    store = open(tiny_segments);
  }
  ASSERT_EQ(with_twins.size(), 2U) << "the two are in one run";
  EXPECT_TRUE(slots_of(with_twins.back(), streams.hash_of(1)).front().ambiguous);
  const auto lost = path_of(with_twins.back());
  const auto others = std::filesystem::last_write_time(path_of(with_twins.front()));
  const auto whole = content(lost);
  std::filesystem::remove(lost);
  store = open(tiny_segments);
  EXPECT_EQ(content(lost), whole);
  EXPECT_EQ(std::filesystem::last_write_time(path_of(with_twins.front())), others)
      << "not it alone";
  EXPECT_EQ(texts(*store, streams.id(0).to_string()), std::vector<std::string>{"first"});
  EXPECT_EQ(texts(*store, streams.id(1).to_string()), std::vector<std::string>{"second"});
}

}  // namespace
}  // namespace annals::embedded
