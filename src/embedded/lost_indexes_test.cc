#include "lost_indexes.h"

#include <map>

#include "store_fixture.h"

namespace annals::embedded {
namespace {

namespace fs = std::filesystem;

constexpr embedded_options tiny_segments{.segment_bytes = 16U << 10U};

/// A store with some sealed segments, in which streams, types and tags come again after a while.
class lost_index_files : public store_fixture {
 protected:
  lost_index_files() : store_fixture(disk::memory) {
    auto store = open(tiny_segments);
    for (int i = 0; !fs::exists(segment(9)); ++i) {
      const std::string text(500, 'x');
      const std::vector<std::string> tags{"t:" + std::to_string(i % 90), "kind:all"};
      const std::vector<std::string_view> tagged(tags.begin(), tags.end());
      const auto type = "type" + std::to_string(i % 70);
      const new_event event{
          .type = type, .payload = std::as_bytes(std::span(text)), .tags = tagged};
      const auto name = "order-" + std::to_string(i % 50);
      const stream_write write{name, expect::any(), {&event, 1}};
      if (const auto appended = store->append({.streams = {&write, 1}}); !appended)
        throw exception(appended.error());
    }
    // Segments with few terms, whose runs are too small to be joined with those before.
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(append(*store, "order-1", {std::string(11'000, 'y')}));
    // All sealed segments are indexed when the store has been open for long enough.
    const auto is_indexed = [&] {
      const auto files_in = [&](const char* folder) {
        return std::distance(fs::directory_iterator(root() + folder), fs::directory_iterator());
      };
      const auto log = files_in("/log");
      return fs::exists(root() + "/idx/" + std::string(10, '0') + std::to_string(log - 1) + ".six");
    };
    for (int i = 0; i < 1'000 && !is_indexed(); ++i) {
      EXPECT_TRUE(store->close());
      store.reset();
      store = open(tiny_segments);
    }
    EXPECT_TRUE(is_indexed());
    EXPECT_TRUE(store->close());
  }

  bool opens_and_closes() const {
    const auto store = open(tiny_segments);
    return store != nullptr && store->close();
  }

  struct made_file {
    std::vector<std::byte> bytes{};
    fs::file_time_type time{};
    friend bool operator==(const made_file&, const made_file&) = default;
  };
  using files = std::map<std::string, made_file>;

  /// All index files and MANIFEST, with the time when each was written.
  files index_files() const {
    files found;
    const auto add = [&](const std::string& path) {
      found[path] = {content(path), fs::last_write_time(path)};
    };
    for (const auto& entry : fs::directory_iterator(root() + "/idx")) add(entry.path().string());
    add(root() + "/MANIFEST");
    return found;
  }
  /// Removes them, opens the store, and tells which files are not as they were, which all must be
  /// in content.
  std::vector<std::string> remade(const std::vector<std::string>& lost) const {
    const auto before = index_files();
    for (const auto& path : lost) fs::remove(path);
    if (!opens_and_closes()) return {};
    const auto after = index_files();
    std::vector<std::string> changed;
    for (const auto& [path, file] : after) {
      EXPECT_EQ(file.bytes, before.at(path).bytes) << path;
      if (file != before.at(path)) changed.push_back(path);
    }
    EXPECT_EQ(after.size(), before.size());
    EXPECT_TRUE(verified().damage.empty());
    return changed;
  }

  std::string manifest_path() const { return root() + "/MANIFEST"; }
  store_paths paths() const { return {root()}; }
  manifest known() const {
    const auto mark = content(root() + "/ANNALS");
    return read_manifest(*env_, manifest_path(), read_as<store_mark>(mark.data()).store_id).value();
  }
  /// Loses a file when MANIFEST names another content, as of an older version, for one: opening
  /// makes all of them anew, and MANIFEST names what is there.
  void expect_all_made_anew(const manifest& of_others, const std::string& lost) const {
    const auto before = index_files();
    write_manifest(*env_, manifest_path(), of_others).value();
    fs::remove(lost);
    ASSERT_TRUE(opens_and_closes());
    const auto after = index_files();
    ASSERT_EQ(after.size(), before.size());
    for (const auto& [path, file] : after) {
      EXPECT_TRUE(file.bytes == before.at(path).bytes) << path;
      EXPECT_NE(file.time, before.at(path).time) << path;
    }
    EXPECT_TRUE(verified().damage.empty());
  }
};

TEST_F(lost_index_files, of_a_segment_are_made_again_alone) {
  int tried = 0;
  for (const auto& [path, file] : index_files()) {
    if (!path.ends_with(".six")) continue;
    EXPECT_EQ(remade({path}), std::vector{path});
    ++tried;
  }
  EXPECT_GE(tried, 6);
}

TEST_F(lost_index_files, of_several_segments_are_made_again_in_their_order) {
  std::vector<std::string> lost;
  for (const auto& [path, file] : index_files())
    if (path.ends_with(".six") && lost.size() < 5) lost.push_back(path);
  EXPECT_EQ(remade(lost), lost);
}

TEST_F(lost_index_files, that_are_a_run_are_made_again_with_the_segments_it_covers) {
  int tried = 0;
  for (const auto& [path, file] : index_files()) {
    if (!path.ends_with(".run")) continue;
    const auto changed = remade({path});
    EXPECT_TRUE(std::ranges::count(changed, path)) << path;
    EXPECT_FALSE(std::ranges::count(changed, root() + "/MANIFEST"));
    const auto name = fs::path(path).filename().string();
    const auto first = std::stoul(name.substr(0, 12));
    const auto last = std::stoul(name.substr(13, 12));
    EXPECT_EQ(changed.size(), last - first + 2) << path;
    ++tried;
  }
  EXPECT_GE(tried, 2);
}

TEST_F(lost_index_files, all_at_once_are_made_again) {
  std::vector<std::string> lost;
  for (const auto& [path, file] : index_files())
    if (!path.ends_with("MANIFEST")) lost.push_back(path);
  EXPECT_EQ(remade(lost), lost);
}

TEST_F(lost_index_files, of_a_segment_that_MANIFEST_names_otherwise_have_all_made_anew) {
  auto otherwise = known();
  otherwise.segments[3].index.digest ^= 1U;
  expect_all_made_anew(otherwise, paths().segment_index(4));
}

TEST_F(lost_index_files, that_are_a_run_that_MANIFEST_names_otherwise_have_all_made_anew) {
  auto otherwise = known();
  auto& run = otherwise.runs.back();
  run.file.digest ^= 1U;
  expect_all_made_anew(otherwise, paths().run(run.first_segment, run.last_segment));
}

TEST_F(lost_index_files, that_are_a_run_whose_segment_MANIFEST_names_otherwise_have_all_made_anew) {
  auto otherwise = known();
  const auto& run = otherwise.runs.front();
  otherwise.segments[static_cast<std::size_t>(run.last_segment - 1)].index.digest ^= 1U;
  expect_all_made_anew(otherwise, paths().run(run.first_segment, run.last_segment));
}

}  // namespace
}  // namespace annals::embedded
