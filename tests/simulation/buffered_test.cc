#include <gtest/gtest.h>

#include "annals/embedded.h"
#include "annals/testing/simulation.h"

namespace annals {
namespace simulated {
namespace {

constexpr const char* root = "/store";
constexpr embedded_options small_segments{.segment_bytes = 1U << 20U};

result<appended> append(event_store& store, const std::string& text) {
  const new_event event{.type = "happened", .payload = std::as_bytes(std::span(text))};
  const stream_write write{"order-1", expect::any(), {&event, 1}};
  return store.append({.streams = {&write, 1}});
}

std::vector<std::string> texts(event_store& store) {
  std::vector<std::string> found;
  EXPECT_TRUE(store.read({}, [&](const event_batch& batch) {
    for (const auto& event : batch.events) found.emplace_back(event.text());
    return flow::more;
  }));
  return found;
}

/// A machine whose file system has no O_DIRECT, on which a store died of a failed sync: the page
/// cache shows a frame of many blocks that is not on the disk. The parameter is the chance that a
/// page of it stays when it is asked to go.
class ghosts : public ::testing::TestWithParam<double> {
 protected:
  ghosts() {
    machine_.refuse_unbuffered();
    start();
    store_ = open_embedded(root, small_segments, *process_).value();
    EXPECT_TRUE(append(*store_, "kept"));
    machine_.chances().sync_error = 1;
    EXPECT_FALSE(append(*store_, std::string(20'000, 'x')));
    machine_.kill(*process_);
    machine_.chances() = {.cache_kept = GetParam()};
  }

  void start() {
    store_.reset();
    process_ = machine_.start_process();
  }
  result<std::unique_ptr<event_store>> open() {
    start();
    return open_embedded(root, small_segments, *process_);
  }

  testing::simulation machine_{4711};
  std::unique_ptr<env> process_{};
  std::unique_ptr<event_store> store_{};
};

TEST_P(ghosts, of_a_failed_sync_are_not_served_unless_they_are_on_the_disk) {
  store_ = open().value();
  ASSERT_TRUE(append(*store_, "after"));
  const auto served = texts(*store_);
  machine_.cut_power();
  store_.reset();
  machine_.restore_power();
  auto again = open();
  ASSERT_TRUE(again) << again.error().message();
  store_ = std::move(*again);
  EXPECT_EQ(texts(*store_), served);
}

TEST_P(ghosts, are_settled_before_the_store_opens_or_it_does_not) {
  machine_.chances().sync_error = 1;
  const auto refused = open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), errc::database_error) << refused.error().message();
  machine_.chances().sync_error = 0;
  store_ = open().value();
  EXPECT_EQ(texts(*store_).front(), "kept");
}

// What is checked on opening is the disk: what only the cache has is noticed then, and not when it
// is gone.
TEST(page_caches, do_not_hide_that_a_sync_has_lied) {
  testing::simulation machine(4711);
  machine.refuse_unbuffered();
  auto process = machine.start_process();
  auto store = open_embedded(root, small_segments, *process).value();
  machine.chances().lying_sync = 1;
  ASSERT_TRUE(append(*store, std::string(20'000, 'x')));
  machine.chances() = {};
  ASSERT_TRUE(append(*store, "proves that all before is on the disk"));
  machine.kill(*process);
  store.reset();
  process = machine.start_process();
  const auto refused = open_embedded(root, small_segments, *process);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), errc::store_corrupt) << refused.error().message();
}

INSTANTIATE_TEST_SUITE_P(that, ghosts, ::testing::Values(0.0, 0.5, 1.0));

}  // namespace
}  // namespace simulated
}  // namespace annals
