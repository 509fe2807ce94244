#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <sstream>

#include "annals/forwarding_env.h"
#include "segment.h"
#include "store_fixture.h"

namespace annals::embedded {
namespace {

namespace fs = std::filesystem;

/// An env whose clock, random bytes and start of the machine are the same in every run.
class even_env final : public forwarding_env {
 public:
  even_env() : forwarding_env(posix_env()) {}

  time_point now() override {
    using namespace std::chrono;
    return time_point(sys_days(2026y / January / 1)) + milliseconds(++looks_);
  }
  uuid boot_id() override { return {{8}}; }
  void random(std::span<std::uint8_t> out) override {
    for (auto& byte : out) {
      ++drawn_;
      byte = static_cast<std::uint8_t>(drawn_ * 37 + drawn_ / 256);
    }
  }

 private:
  std::atomic<int> looks_{0};
  std::uint32_t drawn_ = 0;  // by the thread that appends alone
};

/// The files of a store that holds all there is, kept from when the format was made.
///
/// Source: docs/format.md. ANNALS_WRITE_GOLDEN=1 writes them anew, for a new format.
class golden_store : public store_fixture {
 protected:
  golden_store() { env_ = &even_; }

  static fs::path golden() {
    const char* top = std::getenv("ANNALS_SOURCE_DIR");
    return fs::path(top ? top : ".") / "tests/golden/format-2";
  }
  static fs::path listing() { return golden().parent_path() / "format-2.txt"; }
  static bool writes_anew() { return std::getenv("ANNALS_WRITE_GOLDEN") != nullptr; }

  /// Small segments, so that some are sealed; each is indexed before the log goes on.
  std::unique_ptr<event_store> open_even() const { return open({.segment_bytes = 16U << 10U}); }

  void wait_for_indexes() const {
    const auto count = [this](const char* folder, std::string_view ending) {
      std::ptrdiff_t found = 0;
      for (const auto& one : fs::directory_iterator(root() + folder))
        if (one.path().string().ends_with(ending)) ++found;
      return found;
    };
    const auto sealed = [&] {
      const auto bytes = content(root() + "/ANNALS");
      const auto id = read_as<store_mark>(bytes.data()).store_id;
      return static_cast<std::ptrdiff_t>(
          read_manifest(posix_env(), root() + "/MANIFEST", id).value().segments.size());
    };
    const std::atomic<std::uint32_t> never{0};
    for (int i = 0; i < 10'000 && sealed() + 1 < count("/log", ".seg"); ++i)
      posix_env().park(never, 0, std::chrono::milliseconds(1));
    ASSERT_EQ(sealed() + 1, count("/log", ".seg"));
  }

  static uuid id(std::uint8_t kind, int number) {
    return {
        {kind, 0, 0, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)}};
  }

  /// Every kind of item, frame and file.
  void fill() const {
    const auto store = open_even();
    std::map<std::string, std::uint64_t> versions;
    for (int i = 0; i < 60; ++i) {
      const std::string payload = R"({"number":)" + std::to_string(i) + R"(,"text":")" +
                                  std::string(static_cast<std::size_t>(i * 97 % 600), 'a') + "\"}";
      const std::string order = "order-" + std::to_string(i % 7);
      const std::string tag = "customer:" + std::to_string(i % 5);
      const std::string_view tags[]{tag, "channel:shop"};
      const new_event events[]{{.type = i % 7 == i ? "created" : "paid",
                                .schema = static_cast<std::uint16_t>(1 + i % 2),
                                .payload = std::as_bytes(std::span(payload)),
                                .event_id = id(1, i),
                                .tags = std::span(tags).first(static_cast<std::size_t>(i % 3))},
                               {.type = "noted", .codec = codec::binary, .event_id = id(2, i)}};
      const std::string payment = "payment-" + std::to_string(i);
      const std::span all(events);
      const stream_write one{order, expect::any(), all};
      const stream_write two[]{{order, expect::at({versions[order]}), all.first(1)},
                               {payment, expect::none(), all.last(1)}};
      append_context context;
      if (i % 2 == 0) context.command_id = id(3, i);
      if (i % 3 == 0) {
        context.correlation_id = id(4, i);
        context.causation_id = id(5, i);
      }
      if (i % 4 == 0) {
        context.trace = {{1, 2, 3, static_cast<std::uint8_t>(i)}, {7, 8}, 1};
        context.tracestate = "vendor=1";
        context.user_metadata = std::as_bytes(std::span(tag));
      }
      const auto done = store->append(
          {.streams = i % 5 == 4 ? std::span(two) : std::span(&one, 1), .context = context});
      ASSERT_TRUE(done) << done.error().to_string();
      versions[order] = done->stream_version.number;
      wait_for_indexes();
    }
    ASSERT_TRUE(store->retain("order-1", {.truncate_before = version{4}}));
    ASSERT_TRUE(store->retain("order-2", {.max_age = std::chrono::hours(1), .max_count = 3}));
    ASSERT_TRUE(store->retain("order-3", {.tombstone = true}));
    const std::string_view state = R"({"paid":true})";
    ASSERT_TRUE(store->save_snapshot({.stream = "order-4",
                                      .shape = 5,
                                      .version = {3},
                                      .last_event = id(1, 11),
                                      .state = std::as_bytes(std::span(state))}));
    ASSERT_TRUE(store->close());
  }

  /// A segment as the writer of another one would have written it: its header names that.
  static std::vector<std::byte> signed_as(std::vector<std::byte> written,
                                          const std::vector<std::byte>& kept) {
    auto header = read_as<segment_header>(written.data());
    header.writer = read_as<segment_header>(kept.data()).writer;
    std::ranges::copy(header_block(header).bytes(), written.begin());
    return written;
  }

  /// MANIFEST likewise: it has digests of segments with their headers.
  void sign_manifest() const {
    const auto bytes = content(root() + "/ANNALS");
    const auto id = read_as<store_mark>(bytes.data()).store_id;
    auto written = read_manifest(posix_env(), root() + "/MANIFEST", id).value();
    const auto kept = read_manifest(posix_env(), (golden() / "MANIFEST").string(), id).value();
    ASSERT_EQ(written.segments.size(), kept.segments.size());
    for (std::size_t i = 0; i < kept.segments.size(); ++i)
      written.segments[i].digest = kept.segments[i].digest;
    write_manifest(posix_env(), root() + "/MANIFEST", written).value();
  }

  /// What counts of a store: not what is told from process to process, locks, and room made ahead.
  static std::map<std::string, std::vector<std::byte>> files_of(const fs::path& of) {
    std::map<std::string, std::vector<std::byte>> found;
    for (const auto& one : fs::recursive_directory_iterator(of)) {
      const auto name = fs::relative(one.path(), of).string();
      if (one.is_regular_file() && name != "STATE" && name != "LOCK" && !name.ends_with(".zero"))
        found[name] = content(one.path());
    }
    return found;
  }

  /// Everything that can be read, a line each.
  static std::string told(event_store& store) {
    std::ostringstream text;
    const auto end = store.read({}, [&](const event_batch& batch) {
      for (const auto& event : batch.events) {
        const auto all = event.metadata();
        text << event.position().sequence << ' ' << event.stream_name() << " v"
             << event.version().number << ' ' << event.type() << " schema " << all.schema << ' '
             << all.event_id.to_string() << ' ' << all.recorded.bits << " command "
             << (all.command_id ? all.command_id->to_string() : "-") << " correlation "
             << (all.correlation_id ? all.correlation_id->to_string() : "-") << " causation "
             << (all.causation_id ? all.causation_id->to_string() : "-") << " trace "
             << (all.trace.valid() ? 1 : 0) << " tags";
        for (const auto& tag : all.tags) text << ' ' << tag;
        text << " payload " << event.text() << '\n';
      }
      return flow::more;
    });
    EXPECT_TRUE(end);
    if (end) text << "removed " << end->removed << '\n';
    const auto listed = store.list_streams({}).value();
    for (const auto& one : listed)
      text << one.name << ' ' << one.version.number << " from " << one.first_kept.number
           << (one.gone ? " gone" : "") << '\n';
    const auto snapshot = store.load_snapshot("order-4", 5).value();
    if (snapshot) text << "snapshot at " << snapshot->version.number << '\n';
    return text.str();
  }

  even_env even_{};
};

TEST_F(golden_store, is_written_byte_for_byte_as_when_the_format_was_made) {
  fill();
  if (!writes_anew()) sign_manifest();
  const auto written = files_of(root());
  ASSERT_GT(written.size(), 6U);
  if (writes_anew()) {
    fs::remove_all(golden());
    fs::copy(root(), golden(), fs::copy_options::recursive);
    for (const auto& one : fs::recursive_directory_iterator(root())) {
      const auto name = fs::relative(one.path(), root());
      if (one.is_regular_file() && !written.contains(name.string())) fs::remove(golden() / name);
    }
  }
  const auto kept = files_of(golden());
  for (const auto& [name, bytes] : kept) {
    ASSERT_TRUE(written.contains(name)) << name;
    const auto& found = written.at(name);
    EXPECT_TRUE((name.ends_with(".seg") ? signed_as(found, bytes) : found) == bytes)
        << name << " differs; a new format has a new version";
  }
  EXPECT_EQ(written.size(), kept.size());
}

TEST_F(golden_store, is_read_and_goes_on) {
  fs::copy(golden(), root(), fs::copy_options::recursive);
  EXPECT_TRUE(verified().damage.empty());
  {
    const auto reader = open({.create = false, .read_only = true});
    ASSERT_TRUE(reader);
    if (writes_anew()) std::ofstream(listing()) << told(*reader);
    const auto lines = content(listing());
    EXPECT_EQ(told(*reader),
              std::string(reinterpret_cast<const char*>(lines.data()), lines.size()));
  }
  const auto writer = open_even();
  ASSERT_TRUE(writer);
  EXPECT_TRUE(append(*writer, "order-5", {"goes on"}));
  const auto again = append(*writer, "order-0", {"again"}, expect::any(), {.command_id = id(3, 0)});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), errc::command_id_reused);
}

}  // namespace
}  // namespace annals::embedded
