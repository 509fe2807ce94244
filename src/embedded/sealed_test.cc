#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "annals/forwarding_env.h"
#include "store_fixture.h"

namespace annals::embedded {
namespace {

namespace fs = std::filesystem;

/// An env that does something just before the next file of a kind is opened to be read, and that
/// can refuse to make index files.
class interrupted_env final : public forwarding_env {
 public:
  interrupted_env() : forwarding_env(posix_env()) {}

  void when_opening(std::string ending, std::function<void()> then) {
    ending_ = std::move(ending);
    then_ = std::move(then);
    waits_ = true;
  }
  bool waits() const { return waits_; }
  void refuse_indexes(bool refuse) { refuses_ = refuse; }

  result<std::unique_ptr<file>> open(const std::string& path, file_mode mode,
                                     write_through through) override {
    if (mode == file_mode::read && path.ends_with(ending_) && waits_.exchange(false)) then_();
    if (mode == file_mode::create && refuses_ && path.find("/idx/") != std::string::npos)
      return fail(errc::database_error, "making " + path + ": refused on purpose");
    return forwarding_env::open(path, mode, through);
  }

 private:
  std::atomic<bool> refuses_{false};
  std::string ending_{};
  std::function<void()> then_{};
  std::atomic<bool> waits_{false};
};

/// Two stores with the same events: one of many small segments, most of them sealed and indexed,
/// and one of a single segment that is in memory. Whatever is asked, both answer the same.
class sealed_store : public store_fixture {
 protected:
  sealed_store() : store_fixture(disk::memory), other_(root() + "-plain") {}

  static constexpr embedded_options many_segments{.segment_bytes = 16U << 10U,
                                                  .store_id = uuid{{7}}};

  void open_both() {
    sealed_ = open(many_segments);
    plain_ = open_embedded(other_, {.store_id = uuid{{7}}}, *env_).value();
  }
  void reopen() {
    sealed_.reset();
    plain_.reset();
    open_both();
  }

  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }
  static std::string stream_name(std::uint32_t number) {
    static constexpr std::array<std::string_view, 3> categories{"order-", "cart-", ""};
    return std::string(categories[number % 3]) + "s" + std::to_string(number);
  }

  /// Appends at random to both.
  void fill(int appends) {
    for (int i = 0; i < appends; ++i) {
      std::vector<std::string> payloads(1 + below(3));
      std::vector<std::vector<std::string>> tag_texts(payloads.size());
      std::vector<std::vector<std::string_view>> tags(payloads.size());
      std::vector<std::string> types(payloads.size());
      std::vector<new_event> events;
      for (std::size_t k = 0; k < payloads.size(); ++k) {
        payloads[k] = std::string(below(300), 'p') + std::to_string(made_++);
        types[k] = "type" + std::to_string(below(5));
        for (auto n = below(3); n > 0; --n)
          tag_texts[k].push_back("n:" + std::to_string(below(n == 1 ? 4 : 400)));
        tags[k].assign(tag_texts[k].begin(), tag_texts[k].end());
        uuid id;
        for (auto& byte : id.bytes) byte = static_cast<std::uint8_t>(random_());
        events.push_back({.type = types[k],
                          .payload = std::as_bytes(std::span(payloads[k])),
                          .event_id = id,
                          .timestamp = time_point(std::chrono::microseconds(made_)),
                          .tags = tags[k]});
      }
      const auto name = stream_name(below(60));
      const stream_write write{name, expect::any(), events};
      append_context context;
      if (below(2) == 0) {
        context.command_id.bytes[0] = 1;
        context.command_id.bytes[14] = static_cast<std::uint8_t>(commands_.size() >> 8U);
        context.command_id.bytes[15] = static_cast<std::uint8_t>(commands_.size());
        commands_.push_back(context.command_id);
      }
      if (below(4) == 0) context.correlation_id.bytes[3] = 9;
      const append_request request{.streams = {&write, 1}, .context = context};
      const auto a = sealed_->append(request);
      const auto b = plain_->append(request);
      ASSERT_TRUE(a) << a.error().to_string();
      ASSERT_EQ(a->last, b->last);
      ASSERT_EQ(a->stream_version, b->stream_version);
    }
  }

  static std::string told(const event_view& event) {
    const auto all = event.metadata();
    std::string text = std::to_string(event.position().sequence) + ' ' + std::string(event.type()) +
                       ' ' + std::string(event.stream_name()) + ' ' + all.category + " v" +
                       std::to_string(event.version().number) + ' ' + all.event_id.to_string() +
                       ' ' + all.aggregate_id.to_string() + ' ' + all.stream_key.to_string() +
                       (all.command_id ? all.command_id->to_string() : "") +
                       (all.correlation_id ? all.correlation_id->to_string() : "");
    for (const auto& tag : all.tags) text += ' ' + tag;
    return text + ' ' + std::string(event.text());
  }

  static std::vector<std::string> read(event_store& store, const read_request& request) {
    std::vector<std::string> found;
    checkpoint reached;
    const auto end = store.read(request, [&](const event_batch& batch) {
      for (const auto& event : batch.events) found.push_back(told(event));
      reached = batch.scanned_to;
      return flow::more;
    });
    EXPECT_TRUE(end) << (end ? "" : end.error().to_string());
    if (!end) return {};
    found.push_back(
        "end " + std::to_string(end->delivered) + ' ' +
        (end->complete ? std::to_string(end->removed) : "") + ' ' +
        std::to_string(end->stream_version.number) + ' ' + std::to_string(end->first_kept.number) +
        ' ' + std::to_string(end->scanned_to.in(0).sequence) + (end->complete ? " complete" : ""));
    return found;
  }

  void both_read(const read_request& request) {
    const auto expected = read(*plain_, request);
    const auto found = read(*sealed_, request);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) ASSERT_EQ(found[i], expected[i]) << i;
  }

  /// What an export would be made of.
  static result<std::string> history_of(event_store& store) {
    std::string text;
    const auto done = store.read_history([&](const history_entry& entry) {
      const auto* append = std::get_if<import_request>(&entry);
      if (append == nullptr) return flow::more;
      for (const auto& one : append->events) {
        text += std::string(one.stream) + ' ' + std::string(one.event.type) + ' ';
        for (const auto tag : one.event.tags) text += std::string(tag) + ' ';
        text.append(reinterpret_cast<const char*>(one.event.payload.data()),
                    one.event.payload.size());
      }
      return flow::more;
    });
    if (!done) return std::unexpected(done.error());
    return text;
  }

  std::uint64_t head() { return plain_->head().value().in(0).sequence; }

  void both_answer_reads() {
    for (const auto to : {direction::forwards, direction::backwards}) {
      both_read({.direction = to});
      for (int i = 0; i < 8; ++i) {
        const std::uint64_t first = 1 + below(static_cast<std::uint32_t>(head()));
        both_read({.first = first, .last = first + below(200), .direction = to});
        both_read({.first = first, .direction = to, .limit = below(50)});
      }
      for (std::uint32_t i = 0; i < 62; ++i) {
        both_read({.stream = stream_name(i), .direction = to});
        both_read({.stream = stream_name(i), .direction = to, .limit = below(12)});
        both_read({.stream = stream_name(i),
                   .from = {1 + below(9)},
                   .to = {3 + below(9)},
                   .direction = to});
      }
    }
  }

  void both_answer_filters() {
    for (int i = 0; i < 60; ++i) {
      const std::array<std::string, 2> types{"type" + std::to_string(below(6)),
                                             "type" + std::to_string(below(6))};
      const std::array<std::string, 2> tags{"n:" + std::to_string(below(5)),
                                            "n:" + std::to_string(below(400))};
      const std::vector<std::string_view> wanted_types(types.begin(), types.begin() + below(3));
      const std::vector<std::string_view> wanted_tags(tags.begin(), tags.begin() + below(3));
      const std::vector<std::string_view> other_tags{tags[1]};
      std::vector<query_item> items;
      if (!wanted_types.empty() || !wanted_tags.empty())
        items.push_back({wanted_types, wanted_tags});
      if (below(3) == 0) items.push_back({{}, other_tags});
      std::vector<std::string_view> categories;
      if (below(3) == 0) categories.push_back("order");
      if (below(5) == 0) categories.push_back("");
      if (below(9) == 0) categories.push_back("never");
      const auto first = std::uint64_t{1} + below(static_cast<std::uint32_t>(head()));
      const read_filter filter{.categories = categories, .matching = {items}};
      both_read({.first = first,
                 .filter = filter,
                 .direction = below(2) == 0 ? direction::forwards : direction::backwards,
                 .limit = below(2) == 0 ? UINT64_MAX : below(40)});
      const append_condition unless{.matching = {items},
                                    .after = below(4) == 0 ? checkpoint{} : mark_of(first)};
      both_append(unless);
    }
    EXPECT_GT(passed_, 0);
    EXPECT_GT(refused_, 0);
  }

  /// An event under a condition, on which both must agree.
  void both_append(const append_condition& unless) {
    const new_event event{.type = "asked",
                          .event_id = {{6, static_cast<std::uint8_t>(asked_ >> 8U),
                                        static_cast<std::uint8_t>(asked_)}},
                          .timestamp = time_point(std::chrono::microseconds(1))};
    ++asked_;
    const stream_write write{"asking", expect::any(), {&event, 1}};
    const append_request request{.streams = {&write, 1}, .unless = {&unless, 1}};
    const auto a = sealed_->append(request);
    const auto b = plain_->append(request);
    ASSERT_EQ(a.has_value(), b.has_value());
    ++(a ? passed_ : refused_);
    if (a) return;
    ASSERT_EQ(a.error().code(), errc::condition_failed);
    ASSERT_EQ(a.error().to_string(), b.error().to_string());
  }

  checkpoint mark_of(std::uint64_t sequence) {
    checkpoint mark;
    EXPECT_TRUE(plain_->read({.first = sequence, .last = sequence}, [&](const event_batch& batch) {
      mark = batch.scanned_to;
      return flow::more;
    }));
    return mark;
  }

  void both_answer_lookups() {
    for (const auto& id : commands_) {
      const auto a = sealed_->find_command(id).value();
      const auto b = plain_->find_command(id).value();
      ASSERT_TRUE(a && b);
      ASSERT_EQ(a->result.last, b->result.last);
      ASSERT_EQ(a->result.first, b->result.first);
      ASSERT_EQ(a->stream, b->stream);
      ASSERT_EQ(a->digest, b->digest);
    }
    EXPECT_FALSE(sealed_->find_command(uuid{{99}}).value());
    for (const auto& request :
         {list_request{}, list_request{.limit = 7}, list_request{.prefix = "order-s1"},
          list_request{.category = "cart"}, list_request{.category = ""},
          list_request{.category = "order", .after = "order-s3", .limit = 3}}) {
      const auto a = sealed_->list_streams(request).value();
      const auto b = plain_->list_streams(request).value();
      ASSERT_EQ(a.size(), b.size());
      for (std::size_t i = 0; i < a.size(); ++i) {
        EXPECT_EQ(a[i].name, b[i].name);
        EXPECT_EQ(a[i].version, b[i].version) << a[i].name;
        EXPECT_EQ(a[i].last, b[i].last) << a[i].name;
        EXPECT_EQ(a[i].first_kept, b[i].first_kept) << a[i].name;
        EXPECT_EQ(a[i].gone, b[i].gone);
      }
    }
  }

  void both_answer_all() {
    both_answer_reads();
    both_answer_filters();
    both_answer_lookups();
  }

  std::size_t files_in(const std::string& folder, std::string_view ending) const {
    std::size_t count = 0;
    for (const auto& one : fs::directory_iterator(root() + folder))
      count += one.path().string().ends_with(ending) ? 1 : 0;
    return count;
  }

  interrupted_env world_{};
  std::unique_ptr<event_store> sealed_{};
  std::unique_ptr<event_store> plain_{};
  std::string other_;
  std::mt19937 random_{11};
  std::uint64_t made_ = 0;
  std::vector<uuid> commands_{};
  int asked_ = 0;
  int passed_ = 0;
  int refused_ = 0;
};

TEST_F(sealed_store, answers_as_one_in_memory_does) {
  open_both();
  fill(600);
  ASSERT_GT(files_in("/log", ".seg"), 10U);
  both_answer_all();
  reopen();
  EXPECT_GE(files_in("/idx", ".six") + 4, files_in("/log", ".seg"));
  both_answer_all();
  fill(200);
  both_answer_all();
}

TEST_F(sealed_store, keeps_expectations_of_streams_that_are_sealed) {
  open_both();
  fill(400);
  reopen();
  for (std::uint32_t i = 0; i < 60; ++i) {
    const auto name = stream_name(i);
    const std::string payload = "more";
    const new_event event{.type = "type1",
                          .payload = std::as_bytes(std::span(payload)),
                          .event_id = {{5, static_cast<std::uint8_t>(i)}}};
    for (const auto expected : {expect::none(), expect::at({1}), expect::exists()}) {
      const stream_write write{name, expected, {&event, 1}};
      const auto a = sealed_->append({.streams = {&write, 1}});
      const auto b = plain_->append({.streams = {&write, 1}});
      ASSERT_EQ(a.has_value(), b.has_value()) << name;
      if (a) {
        EXPECT_EQ(a->stream_version, b->stream_version);
      } else {
        EXPECT_EQ(a.error().to_string(), b.error().to_string());
      }
    }
  }
}

TEST_F(sealed_store, knows_retention_of_streams_that_are_sealed) {
  open_both();
  fill(300);
  for (auto* store : {sealed_.get(), plain_.get()}) {
    EXPECT_TRUE(store->retain("order-s0", {.truncate_before = version{3}}));
    EXPECT_TRUE(store->retain("order-s3", {.max_count = 2}));
    EXPECT_TRUE(store->retain("order-s6", {.tombstone = true}));
    EXPECT_TRUE(store->retain("order-s9", {.max_age = std::chrono::hours(1)}));
  }
  fill(1);
  both_answer_reads();
  for (int i = 0; i < 300; ++i) {
    const std::vector<std::string> filler{std::string(500, 'f')};
    ASSERT_TRUE(append(*sealed_, "filler", filler));
  }
  reopen();
  for (const auto* name : {"order-s0", "order-s3", "order-s6", "order-s9"}) {
    EXPECT_EQ(read(*sealed_, {.stream = name}).size(), read(*plain_, {.stream = name}).size())
        << name;
    const list_request one{.prefix = name, .limit = 1};
    EXPECT_EQ(sealed_->list_streams(one)->front().first_kept,
              plain_->list_streams(one)->front().first_kept);
    EXPECT_EQ(append(*sealed_, name, {"x"}).has_value(), append(*plain_, name, {"x"}).has_value());
    EXPECT_TRUE(sealed_->retain(name, {.tombstone = false}));
    EXPECT_TRUE(append(*sealed_, name, {"x"}));
  }
}

TEST_F(sealed_store, hides_what_retention_of_sealed_segments_removes_behind_them) {
  open_both();
  fill(300);
  for (auto* store : {sealed_.get(), plain_.get()})
    EXPECT_TRUE(store->retain("order-s3", {.max_count = 2}));
  fill(150);
  std::array<new_event, 5> events;
  for (std::uint8_t i = 0; i < events.size(); ++i)
    events[i] = {.type = i == 0 ? "hidden" : "kept", .event_id = {{8, i}}};
  const stream_write write{"order-s3", expect::any(), events};
  for (auto* store : {sealed_.get(), plain_.get()})
    ASSERT_TRUE(store->append({.streams = {&write, 1}}));
  // Each time with nothing but what the log tells of the stream.
  const std::vector<std::string_view> types{"hidden"};
  const query_item selected{types, {}};
  reopen();
  both_append({.matching = {{&selected, 1}}});
  EXPECT_EQ(passed_, 1);
  for (const auto to : {direction::forwards, direction::backwards}) {
    reopen();
    both_read({.direction = to});
  }
}

// A lookup has its view of the log; while it reads an index, a recent segment of that view gets
// one.
TEST_F(sealed_store, names_streams_of_segments_that_leave_memory_meanwhile) {
  env_ = &world_;
  sealed_ = open(many_segments);
  const std::vector<std::string> filler{std::string(1'500, 'f')};
  // Until the segment that is written now has left memory: when the one after it has a file.
  const auto index_this = [&] {
    const auto wanted = files_in("/log", ".seg") + 1;
    for (int i = 0; i < 1'000 && files_in("/idx", ".six") < wanted; ++i)
      ASSERT_TRUE(append(*sealed_, "filler", filler));
    ASSERT_GE(files_in("/idx", ".six"), wanted);
  };
  index_this();
  ASSERT_TRUE(append(*sealed_, "order-1", {"first"}));
  index_this();
  ASSERT_TRUE(append(*sealed_, "order-1", {"second"}));
  ASSERT_TRUE(append(*sealed_, "filler", filler));
  sealed_.reset();
  sealed_ = open(many_segments);
  ASSERT_TRUE(append(*sealed_, "filler", filler));  // is known from here on
  world_.when_opening(".six", index_this);
  const auto listed = sealed_->list_streams({.prefix = "order-"});
  ASSERT_FALSE(world_.waits()) << "no index was opened";
  ASSERT_TRUE(listed) << listed.error().to_string();
  ASSERT_EQ(listed->size(), 1U);
  EXPECT_EQ(listed->front().name, "order-1");
  EXPECT_EQ(listed->front().version.number, 2U);
  sealed_.reset();
}

TEST_F(sealed_store, applies_a_command_once_for_as_long_as_it_exists) {
  open_both();
  fill(300);
  reopen();
  ASSERT_GT(commands_.size(), 100U);
  const auto before = sealed_->head().value();
  for (const auto& id : commands_) {
    const auto again = append(*sealed_, "order-s0", {"again"}, expect::any(),
                              {.command_id = id, .command_digest = uuid{{1}}});
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code(), errc::command_id_reused);
    const auto known = plain_->find_command(id).value();
    const auto same = append(*sealed_, "order-s0", {"again"}, expect::any(),
                             {.command_id = id, .command_digest = known->digest});
    ASSERT_TRUE(same);
    EXPECT_TRUE(same->already_applied);
    EXPECT_EQ(same->last, known->result.last);
  }
  EXPECT_EQ(sealed_->head().value(), before);
}

// A command without events names a stream; its first event may come a segment later.
TEST_F(sealed_store, opens_when_a_stream_was_named_in_a_segment_before_its_first_event) {
  open_both();
  for (int i = 0; i < 120; ++i) {
    const auto name = "late-" + std::to_string(i);
    for (auto* store : {sealed_.get(), plain_.get()}) {
      append_context context{.command_id = {{3, static_cast<std::uint8_t>(i)}}};
      ASSERT_TRUE(append(*store, name, {}, expect::any(), context));
      if (i > 0) {
        ASSERT_TRUE(append(*store, "late-" + std::to_string(i - 1), {std::string(900, 'x')}));
      }
    }
    if (i % 8 != 7) continue;
    reopen();
    ASSERT_TRUE(sealed_ && plain_) << i;
    EXPECT_TRUE(texts(*sealed_, {}) == texts(*plain_, {}));
  }
  sealed_.reset();
  EXPECT_EQ(verified().damage, std::vector<std::string>{});
}

TEST_F(sealed_store, makes_lost_index_files_again) {
  open_both();
  fill(400);
  sealed_.reset();
  const auto count = files_in("/idx", ".six");
  ASSERT_GT(count, 5U);
  for (const std::string ending : {"3.six", ".run"}) {
    std::string path;
    for (const auto& one : fs::directory_iterator(root() + "/idx"))
      if (one.path().string().ends_with(ending)) path = one.path();
    ASSERT_TRUE(fs::remove(path)) << ending;
    const auto reader = try_open({.read_only = true});
    EXPECT_TRUE(!reader || ending == "3.six");  // files of segments are opened when they are needed
    if (!reader) {
      EXPECT_NE(reader.error().message().find(path), std::string::npos);
    }
    EXPECT_FALSE(verified().damage.empty());
    reopen();
    EXPECT_TRUE(fs::exists(path) || ending == ".run");  // runs may be joined in other ways
    both_answer_lookups();
    sealed_.reset();
    EXPECT_TRUE(verified().damage.empty());
  }
  unindex();
  reopen();
  both_answer_all();
  EXPECT_GE(files_in("/idx", ".six"), count - 3);
}

// At sealing a segment is indexed from what is in memory, after a loss from its file.
TEST_F(sealed_store, indexes_a_segment_from_memory_as_from_its_file) {
  open_both();
  fill(150);
  EXPECT_TRUE(sealed_->retain("order-s0", {.truncate_before = version{2}}));
  EXPECT_TRUE(sealed_->retain("order-s0", {.max_count = 2}));
  const std::string_view tags[]{"n:one", "n:other"};
  const new_event tagged{.type = "tagged", .tags = tags};
  const stream_write writes[]{{"cart-a", expect::none(), {&tagged, 1}},
                              {"plain", expect::none(), {&tagged, 1}}};
  const auto appended = sealed_->append({.streams = writes});
  ASSERT_TRUE(appended) << appended.error().to_string();
  EXPECT_TRUE(append(*sealed_, "order-none", {}, expect::any(), {.command_id = uuid{{3}}}));
  for (int i = 0; i < 200; ++i)
    ASSERT_TRUE(append(*sealed_, "filler", {std::string(500, 'f'), "second"}));
  sealed_.reset();
  const auto from_memory = read_manifest(*env_, root() + "/MANIFEST", uuid{{7}}).value();
  unindex();
  sealed_ = open(many_segments);
  sealed_.reset();
  const auto from_files = read_manifest(*env_, root() + "/MANIFEST", uuid{{7}}).value();
  ASSERT_GT(from_memory.segments.size(), 8U);
  const auto both = std::min(from_memory.segments.size(), from_files.segments.size());
  ASSERT_GE(both + 3, from_memory.segments.size());
  for (std::size_t i = 0; i < both; ++i)
    EXPECT_EQ(from_memory.segments[i], from_files.segments[i]) << "segment " << i + 1;
  EXPECT_EQ(from_memory.types, from_files.types);
  EXPECT_EQ(from_memory.categories, from_files.categories);
  std::size_t same = 0;  // runs have their digests in MANIFEST too
  for (const auto& run : from_memory.runs)
    same += static_cast<std::size_t>(std::ranges::count(from_files.runs, run));
  EXPECT_GT(same, 0U);
}

TEST_F(sealed_store, removes_index_files_that_nobody_names) {
  open_both();
  fill(200);
  sealed_.reset();
  const auto left = root() + "/idx/000000000900-000000000901.run";
  std::ofstream(left) << "left";
  std::ofstream(root() + "/idx/mine.txt") << "not ours";
  reopen();
  EXPECT_FALSE(fs::exists(left));
  EXPECT_TRUE(fs::exists(root() + "/idx/mine.txt"));
  EXPECT_EQ(files_in("/idx", ".run"), files_in("/idx", ".run"));
}

TEST_F(sealed_store, names_a_missing_manifest) {
  open_both();
  fill(100);
  sealed_.reset();
  fs::remove(root() + "/MANIFEST");
  const auto opened = try_open(many_segments);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), errc::store_corrupt);
  EXPECT_NE(opened.error().message().find("MANIFEST"), std::string::npos);
  EXPECT_FALSE(verified().damage.empty());
}

// The cases of what is flipped in sealed segments and their files: each is seen by verify, and what
// is read is an error or what was stored.
TEST_F(sealed_store, gives_out_nothing_that_was_flipped) {
  open_both();
  fill(120);
  const auto expected = read(*plain_, {});
  const auto history = history_of(*plain_).value();
  EXPECT_EQ(history_of(*sealed_).value(), history);
  sealed_.reset();
  const bool long_form = std::getenv("ANNALS_LONG") != nullptr;
  std::vector<std::string> paths{root() + "/MANIFEST", segment(1), segment(2)};
  for (const auto& one : fs::directory_iterator(root() + "/idx"))
    paths.push_back(one.path().string());
  for (const auto& path : paths) {
    const auto size = fs::file_size(path);
    const std::uint64_t step = long_form ? 1 : std::max<std::uint64_t>(1, size / 97);
    for (std::uint64_t at = below(static_cast<std::uint32_t>(step)); at < size && !HasFailure();
         at += step) {
      flip(path, at, std::byte{4});
      const auto report = verify_embedded(root());
      const bool seen = !report || !report->damage.empty() || report->torn_tail_bytes > 0;
      EXPECT_TRUE(seen) << path << " byte " << at;
      if (auto reader = try_open({.read_only = true})) {
        std::vector<std::string> found;
        const auto end = (*reader)->read({}, [&](const event_batch& batch) {
          for (const auto& event : batch.events) found.push_back(told(event));
          return flow::more;
        });
        for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i], expected[i]) << at;
        if (end) {
          EXPECT_EQ(found.size() + 1, expected.size()) << path << " byte " << at;
        }
        const auto exported = history_of(**reader);
        EXPECT_TRUE(!exported || *exported == history) << path << " byte " << at;
      }
      flip(path, at, std::byte{4});
    }
  }
}

// Files that are cut off under their reader leave mapped memory: what is missing is an error.
TEST_F(sealed_store, names_a_segment_that_was_cut_off_after_it_was_read) {
  open_both();
  fill(400);
  reopen();
  ASSERT_FALSE(read(*sealed_, {}).empty());
  fs::resize_file(segment(2), block_bytes);
  std::vector<std::string> found;
  const auto end = sealed_->read({}, [&](const event_batch& batch) {
    for (const auto& event : batch.events) found.push_back(told(event));
    return flow::more;
  });
  ASSERT_FALSE(end);
  EXPECT_NE(end.error().message().find(segment(2)), std::string::npos) << end.error().to_string();
  const auto expected = read(*plain_, {});
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i], expected[i]) << i;
}

TEST_F(sealed_store, answers_an_error_when_a_segment_is_cut_off_while_its_events_are_lent) {
  open_both();
  fill(400);
  reopen();
  std::size_t zeros = 0;
  const auto end = sealed_->read({.last = 100}, [&](const event_batch& batch) {
    for (int i = 1; i < 5; ++i) fs::resize_file(segment(i), block_bytes);
    for (const auto& event : batch.events)
      zeros += static_cast<std::size_t>(std::ranges::count(event.payload(), std::byte{0}));
    return flow::more;
  });
  EXPECT_GT(zeros, 0U);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code(), errc::database_error);
  EXPECT_NE(end.error().message().find("/log/"), std::string::npos) << end.error().message();
}

TEST_F(sealed_store, does_not_take_an_index_that_was_cut_off_for_an_empty_one) {
  open_both();
  fill(400);
  reopen();
  for (const auto& id : commands_) ASSERT_TRUE(sealed_->find_command(id).value());
  for (const auto& one : fs::directory_iterator(root() + "/idx"))
    if (one.path().extension() == ".run") fs::resize_file(one.path(), block_bytes);
  const auto known = sealed_->find_command(commands_.front());
  ASSERT_FALSE(known) << "the command would be applied again";
  EXPECT_EQ(known.error().code(), errc::database_error);
  EXPECT_NE(known.error().message().find(".run"), std::string::npos) << known.error().message();
  EXPECT_FALSE(append(*sealed_, "order-s0", {"x"}, expect::any(),
                      {.command_id = commands_.front(), .command_digest = uuid{{1}}}));
}

TEST_F(sealed_store, waits_when_segments_cannot_be_indexed_and_goes_on_afterwards) {
  env_ = &world_;
  open_both();
  fill(50);
  world_.refuse_indexes(true);
  std::optional<error> refused;
  for (int i = 0; i < 400 && !refused; ++i)
    if (const auto done = append(*sealed_, "order-s1", {std::string(400, 'x')}); !done)
      refused = done.error();
  ASSERT_TRUE(refused);
  EXPECT_FALSE(read(*sealed_, {}).empty());
  world_.refuse_indexes(false);
  for (int i = 0; i < 200; ++i) {
    const auto done = append(*sealed_, "order-1", {std::string(400, 'x')});
    EXPECT_TRUE(done) << i << ": " << done.error().to_string();
    if (!done) break;
  }
  EXPECT_LE(files_in("/log", ".seg"), files_in("/idx", ".six") + 4);
}

}  // namespace
}  // namespace annals::embedded
