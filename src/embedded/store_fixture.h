#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "annals/embedded.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// A directory for one test, removed after it, and short ways to use a store in it.
class store_fixture : public ::testing::Test {
 protected:
  store_fixture() {
    std::string name = (std::filesystem::temp_directory_path() / "annals-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~store_fixture() override {
    std::error_code ignored;  // a left-over directory fails no test
    std::filesystem::remove_all(directory_, ignored);
  }

  std::string root() const { return directory_ + "/store"; }

  std::unique_ptr<event_store> open(const embedded_options& options = small()) const {
    auto opened = try_open(options);
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().to_string());
    return opened ? std::move(*opened) : nullptr;
  }
  result<std::unique_ptr<event_store>> try_open(const embedded_options& options = small()) const {
    return open_embedded(root(), options, *env_);
  }
  static embedded_options small() { return {.segment_bytes = 1U << 20U}; }

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

  env* env_ = &posix_env();

 private:
  std::string directory_;
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
