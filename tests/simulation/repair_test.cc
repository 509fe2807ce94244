#include <gtest/gtest.h>

#include <cstdlib>

#include "annals/embedded.h"
#include "annals/testing/simulation.h"

namespace annals {
namespace simulated {
namespace {

constexpr const char* root = "/store";
constexpr embedded_options tiny_segments{.segment_bytes = 16U << 10U};
constexpr std::uint64_t first_frame = 4096;

std::string segment(int number) {
  return std::string(root) + "/log/" + std::string(11, '0') + std::to_string(number) + ".seg";
}

void append(event_store& store, const std::string& text) {
  const new_event event{.type = "happened", .payload = std::as_bytes(std::span(text))};
  const stream_write write{"order-1", expect::any(), {&event, 1}};
  ASSERT_TRUE(store.append({.streams = {&write, 1}}));
}

std::vector<std::string> texts(event_store& store) {
  std::vector<std::string> found;
  EXPECT_TRUE(store.read({}, [&](const event_batch& batch) {
    for (const auto& event : batch.events) found.emplace_back(event.text());
    return flow::more;
  }));
  return found;
}

/// What is done to a store before it is repaired, and what that leaves.
struct harm {
  const char* name;
  void (*does)(env&);
  bool loses = true;
};

void flip(env& world, const std::string& path, std::uint64_t offset) {
  const auto opened = world.open(path, file_mode::write, write_through::none).value();
  std::byte one{};
  ASSERT_EQ(opened->read_at(offset, {&one, 1}).value(), 1U);
  one ^= std::byte{1};
  ASSERT_TRUE(opened->write_at(offset, {&one, 1}));
  ASSERT_TRUE(opened->sync());
}

void remove(env& world, const std::string& path) {
  ASSERT_TRUE(world.remove(path));
  ASSERT_TRUE(world.sync_directory(path.substr(0, path.rfind('/'))));
}

const harm harms[] = {
    {"in_a_sealed_segment", [](env& world) { flip(world, segment(3), first_frame + 2000); }},
    {"in_the_header_of_a_sealed_segment", [](env& world) { flip(world, segment(3), 100); }},
    {"in_the_segment_that_is_written",
     [](env& world) { flip(world, segment(5), first_frame + 8); }},
    {"for_want_of_a_segment", [](env& world) { remove(world, segment(3)); }},
    {"for_want_of_a_manifest", [](env& world) { remove(world, std::string(root) + "/MANIFEST"); },
     false},
    {"in_an_index_file",
     [](env& world) { flip(world, std::string(root) + "/idx/000000000002.six", 4200); }, false},
};

/// A machine with a store of five segments, closed and then harmed.
class harmed {
 public:
  harmed(std::uint64_t seed, const harm& what) : world(seed), process(world.start_process()) {
    {
      auto store = open_embedded(root, tiny_segments, *process).value();
      while (!process->exists(segment(5)).value()) {
        all.push_back(std::to_string(all.size()) + std::string(900, 'x'));
        append(*store, all.back());
      }
      all.emplace_back("last");
      append(*store, all.back());
    }
    what.does(*process);
  }
  void start_again() {
    if (!world.has_power()) world.restore_power();
    process.reset();
    process = world.start_process();
  }

  testing::simulation world;
  std::unique_ptr<env> process;
  std::vector<std::string> all{};
};

class crashed_repair : public ::testing::TestWithParam<harm> {};

void finishes(harmed& on, const harm& what, std::uint64_t events) {
  const auto report = repair_embedded(root, {.accept_loss = what.loses}, {}, *on.process);
  ASSERT_TRUE(report) << report.error().to_string();
  ASSERT_TRUE(report->after.damage.empty()) << report->after.damage.front();
  const auto again = repair_embedded(root, {}, {}, *on.process);
  ASSERT_TRUE(again) << again.error().to_string();
  ASSERT_FALSE(again->changed) << again->damage.front();
  std::vector<std::string> kept(on.all.begin(),
                                on.all.begin() + static_cast<std::ptrdiff_t>(events));
  auto store = open_embedded(root, tiny_segments, *on.process);
  ASSERT_TRUE(store) << store.error().to_string();
  ASSERT_EQ(texts(**store), kept);
  append(**store, "again");
  kept.emplace_back("again");
  ASSERT_EQ(texts(**store), kept);
}

// The n-th call that changes a file is the last one; power goes, or only the process.
TEST_P(crashed_repair, is_finished_by_the_next_one) {
  const auto& what = GetParam();
  std::uint64_t steps = 0;
  std::uint64_t events = 0;
  {
    harmed whole(1, what);
    const auto before = whole.world.steps();
    const auto report = repair_embedded(root, {.accept_loss = what.loses}, {}, *whole.process);
    ASSERT_TRUE(report) << report.error().to_string();
    ASSERT_EQ(report->loss.has_value(), what.loses);
    ASSERT_TRUE(report->changed);
    steps = whole.world.steps() - before;
    events = report->after.events;
    ASSERT_EQ(events, what.loses ? report->loss->first_position - 1 : whole.all.size());
    whole.process.reset();
  }
  ASSERT_GT(steps, 8U);
  const std::uint64_t seeds = std::getenv("ANNALS_LONG") != nullptr ? 40 : 3;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    for (std::uint64_t step = 1; step <= steps; ++step) {
      for (const bool power : {true, false}) {
        harmed on(seed, what);
        const auto at = on.world.steps() + step;
        if (power) {
          on.world.cut_power_at(at);
        } else {
          on.world.kill_at(*on.process, at);
        }
        const auto report = repair_embedded(root, {.accept_loss = what.loses}, {}, *on.process);
        ASSERT_FALSE(report) << "seed " << seed << " step " << step << " was not reached";
        on.start_again();
        SCOPED_TRACE("seed " + std::to_string(seed) + " step " + std::to_string(step) +
                     (power ? " power" : " kill"));
        finishes(on, what, events);
        if (HasFatalFailure()) return;
      }
    }
  }
  RecordProperty("steps", std::to_string(steps));
}

INSTANTIATE_TEST_SUITE_P(of, crashed_repair, ::testing::ValuesIn(harms),
                         [](const auto& of) { return std::string(of.param.name); });

}  // namespace
}  // namespace simulated
}  // namespace annals
