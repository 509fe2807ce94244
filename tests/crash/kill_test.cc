#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <random>

#include "annals/embedded.h"
#include "appender.h"
#include "crash_events.h"

namespace annals {
namespace {

namespace fs = std::filesystem;

class killed_store : public ::testing::Test {
 protected:
  killed_store() {
    const char* programs = std::getenv("ANNALS_BIN_DIR");
    program_ = std::string(programs ? programs : ".") + "/crash_appender_program";
    std::string name = (fs::temp_directory_path() / "annals-crash-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  // Of a failure the store is what tells: it stays.
  ~killed_store() override {
    if (HasFailure()) {
      std::cerr << "the store is kept in " << directory_ << '\n';
      return;
    }
    std::error_code ignored;  // a left-over directory fails no test
    fs::remove_all(directory_, ignored);
  }

  std::string store() const { return directory_ + "/store"; }

  // It is killed `least` to `most` ms after its start, or after it has first acknowledged
  // something, which on a slow machine takes longer.
  void kill_often(int blocking, int completing, const std::string& durability = "power_loss",
                  int usual_kills = 16, int least = 3, int most = 150) {
    const bool thorough = std::getenv("ANNALS_LONG") != nullptr;
    const int kills = thorough ? 350 : usual_kills;
    std::map<int, std::uint64_t> acknowledged;
    std::size_t total = 0;
    std::uniform_int_distribution<int> delay(least, most);
    for (int i = 0; i < kills && !HasFailure(); ++i) {
      appender running(program_, store(), blocking, completing, durability);
      if (i % 3 == 2) running.wait_for_answer();
      std::this_thread::sleep_for(std::chrono::milliseconds(delay(random_)));
      for (const auto& [writer, version] : running.kill())
        acknowledged[writer] = std::max(acknowledged[writer], version);
      check(acknowledged, blocking + completing);
      total = 0;
      for (const auto& [writer, version] : acknowledged) total += version;
      if (i % 16 == 15) start_anew(acknowledged);
    }
    EXPECT_GT(total, 0U);
  }

  // Before the log gets so long that most of the time goes into reading it.
  void start_anew(std::map<int, std::uint64_t>& acknowledged) {
    fs::remove_all(store());
    acknowledged.clear();
  }

  void check(const std::map<int, std::uint64_t>& acknowledged, int writers) {
    if (!fs::exists(store() + "/ANNALS")) {
      EXPECT_TRUE(acknowledged.empty());
      return;
    }
    const auto report = verify_embedded(store());
    ASSERT_TRUE(report) << report.error().to_string();
    ASSERT_TRUE(report->damage.empty()) << report->damage.front();
    // Read-only: the next writer finds the tail as the kill left it.
    auto opened = open_embedded(store(), {.create = false, .read_only = true});
    ASSERT_TRUE(opened) << opened.error().to_string();
    std::uint64_t events = 0;
    for (int writer = 0; writer < writers; ++writer) {
      const auto known = acknowledged.find(writer);
      const auto least = known == acknowledged.end() ? 0 : known->second;
      events += check_stream(**opened, writer, least);
    }
    EXPECT_LE(events, report->events) << "what was written and never answered is not shown";
    EXPECT_EQ((*opened)->head()->in(0).sequence, events);
  }

  /// Every version in order, byte for byte, up to the newest acknowledged one at least.
  std::uint64_t check_stream(event_store& opened, int writer, std::uint64_t acknowledged) {
    std::uint64_t version = 0;
    const auto end =
        opened.read({.stream = crash_events::stream_of(writer)}, [&](const event_batch& batch) {
          for (const auto& event : batch.events) {
            EXPECT_EQ(event.version().number, ++version);
            EXPECT_EQ(event.text(), crash_events::payload_of(writer, version));
          }
          return flow::more;
        });
    EXPECT_TRUE(end) << (end ? "" : end.error().to_string());
    EXPECT_GE(version, acknowledged) << "writer " << writer << " lost what was acknowledged";
    for (const auto known : {version, version + 1}) {
      if (known == 0) continue;
      const auto found = opened.find_command(crash_events::command_of(writer, known));
      EXPECT_TRUE(found && found->has_value() == (known == version)) << "command of " << known;
    }
    return version;
  }

 private:
  std::string program_;
  std::string directory_;
  std::mt19937 random_{20'101'201};
};

TEST_F(killed_store, keeps_all_that_one_writer_was_told) {
  kill_often(1, 0);
}
TEST_F(killed_store, keeps_all_that_many_blocking_writers_were_told) {
  kill_often(16, 0);
}
TEST_F(killed_store, keeps_all_that_writers_with_many_appends_in_flight_were_told) {
  kill_often(2, 6);
}
TEST_F(killed_store, keeps_all_that_a_thousand_writers_were_told) {
  // That many take their time to begin.
  kill_often(1'000, 0, "power_loss", 3, 150, 450);
}
// A kill takes nothing from the operating system.
TEST_F(killed_store, keeps_all_that_writers_were_told_once_the_operating_system_had_it) {
  kill_often(16, 0, "os");
}

}  // namespace
}  // namespace annals
