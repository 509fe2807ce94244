#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "annals/embedded.h"
#include "bytes.h"
#include "manifest.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// A directory for one test, removed after it, and short ways to use a store in it.
class store_fixture : public ::testing::Test {
 protected:
  enum class disk : std::uint8_t { real, memory };

  /// In memory where thousands of openings test what is read, not that it is durable.
  explicit store_fixture(disk kind = disk::real) {
    namespace fs = std::filesystem;
    const bool memory = kind == disk::memory && fs::is_directory("/dev/shm");
    const fs::path base = memory ? "/dev/shm" : fs::temp_directory_path();
    std::string name = (base / "annals-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~store_fixture() override {
    std::error_code ignored;  // a left-over directory fails no test
    std::filesystem::remove_all(directory_, ignored);
  }

  std::string root() const { return directory_ + "/store"; }
  std::string segment(int number) const {
    return root() + "/log/" + std::string(11, '0') + std::to_string(number) + ".seg";
  }

  std::unique_ptr<event_store> open(const embedded_options& options = small()) const {
    auto opened = try_open(options);
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().to_string());
    return opened ? std::move(*opened) : nullptr;
  }
  result<std::unique_ptr<event_store>> try_open(const embedded_options& options = small()) const {
    return open_embedded(root(), options, *env_);
  }
  static embedded_options small() { return {.segment_bytes = 1U << 20U}; }

  verify_report verified() const {
    auto report = verify_embedded(root(), {}, *env_);
    EXPECT_TRUE(report) << (report ? "" : report.error().to_string());
    return report ? *report : verify_report{};
  }

  /// Appends one event per text, whose type is "happened" and whose payload is the text.
  static result<appended> append(event_store& store, std::string_view stream,
                                 const std::vector<std::string>& texts,
                                 expect expected = expect::any(),
                                 const append_context& context = {}) {
    std::vector<new_event> events;
    for (const auto& text : texts)
      events.push_back({.type = "happened", .payload = std::as_bytes(std::span(text))});
    const stream_write write{stream, expected, events};
    return store.append({.streams = {&write, 1}, .context = context});
  }

  /// The payloads of a stream, or, without a name, of the whole store.
  static std::vector<std::string> texts(event_store& store, std::string_view stream) {
    std::vector<std::string> found;
    const auto end = store.read({.stream = stream}, [&](const event_batch& batch) {
      for (const auto& event : batch.events) found.emplace_back(event.text());
      return flow::more;
    });
    EXPECT_TRUE(end) << (end ? "" : end.error().to_string());
    return found;
  }

  /// Takes the index files away, as before segments were indexed.
  void unindex() const {
    const auto path = root() + "/MANIFEST";
    const auto bytes = content(root() + "/ANNALS");
    auto known = read_manifest(*env_, path, read_as<store_mark>(bytes.data()).store_id).value();
    known.segments.clear();
    known.runs.clear();
    known.types.clear();
    known.categories.clear();
    write_manifest(*env_, path, known).value();
    std::filesystem::remove_all(root() + "/idx");
    std::filesystem::create_directory(root() + "/idx");
  }

  /// Takes the files as a crash of the process would leave them, and closes the store unseen.
  void crash(std::unique_ptr<event_store> store) const {
    const auto copy = directory_ + "/crashed";
    std::filesystem::copy(root(), copy, std::filesystem::copy_options::recursive);
    store.reset();
    std::filesystem::remove_all(root());
    std::filesystem::rename(copy, root());
  }

  static std::vector<std::byte> content(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::vector<char> bytes((std::istreambuf_iterator<char>(in)), {});
    std::vector<std::byte> found(bytes.size());
    std::ranges::transform(bytes, found.begin(), [](char c) { return static_cast<std::byte>(c); });
    return found;
  }
  static void overwrite(const std::string& path, std::uint64_t offset,
                        std::span<const std::byte> bytes) {
    std::fstream out(path, std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(static_cast<std::streamoff>(offset));
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
    ASSERT_TRUE(out.good());
  }
  static void flip(const std::string& path, std::uint64_t offset, std::byte mask = std::byte{1}) {
    const auto bytes = content(path);
    const std::byte flipped = bytes[static_cast<std::size_t>(offset)] ^ mask;
    overwrite(path, offset, {&flipped, 1});
  }

  env* env_ = &posix_env();

 private:
  std::string directory_;
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
