#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <vector>

#include "annals/embedded.h"
#include "appender.h"
#include "crash_events.h"

namespace annals {
namespace {

namespace fs = std::filesystem;

/// A child process that follows a store, and is asked now and then what it has seen.
class follower {
 public:
  struct report {
    std::uint64_t events = 0;
    std::uint64_t digest = 0;
    std::map<int, std::uint64_t> newest{};
  };

  follower(const std::string& program, const std::string& directory) {
    int to[2];
    int from[2];
    EXPECT_EQ(::pipe2(to, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(from, O_CLOEXEC), 0);
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(to[0], STDIN_FILENO);
      ::dup2(from[1], STDOUT_FILENO);
      ::execl(program.c_str(), program.c_str(), directory.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(to[0]);
    ::close(from[1]);
    questions_ = to[1];
    answers_ = ::fdopen(from[0], "r");
  }
  follower(const follower&) = delete;
  follower& operator=(const follower&) = delete;
  ~follower() {
    ::close(questions_);
    int status = 0;
    ::waitpid(child_, &status, 0);
    EXPECT_EQ(status, 0) << "a follower ended by itself, or with an error";
    std::fclose(answers_);
  }

  report ask() {
    report told;
    EXPECT_EQ(::write(questions_, "\n", 1), 1);
    std::string line(4'096, '\0');
    if (std::fgets(line.data(), static_cast<int>(line.size()), answers_) == nullptr) {
      ADD_FAILURE() << "a follower has gone";
      return told;
    }
    std::istringstream words(line);
    words >> told.events >> told.digest;
    int writer = 0;
    std::uint64_t version = 0;
    while (words >> writer >> version) told.newest[writer] = version;
    return told;
  }

 private:
  pid_t child_ = 0;
  int questions_ = -1;
  std::FILE* answers_ = nullptr;
};

class followed_store : public ::testing::Test {
 protected:
  followed_store() {
    const char* programs = std::getenv("ANNALS_BIN_DIR");
    programs_ = programs ? programs : ".";
    std::string name = (fs::temp_directory_path() / "annals-follow-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    EXPECT_TRUE(open_embedded(store(), {.segment_bytes = 1U << 20U}));
  }
  ~followed_store() override {
    std::error_code ignored;  // a left-over directory fails no test
    fs::remove_all(directory_, ignored);
  }

  std::string store() const { return directory_ + "/store"; }
  std::unique_ptr<follower> follow() const {
    return std::make_unique<follower>(programs_ + "/crash_follower_program", store());
  }
  std::unique_ptr<appender> append(int blocking, int completing) const {
    return std::make_unique<appender>(programs_ + "/crash_appender_program", store(), blocking,
                                      completing);
  }

  /// The first so many events of the store, as followers digest them.
  std::uint64_t digest_of(event_store& opened, std::uint64_t events) const {
    std::uint64_t digest = 0;
    const auto end = opened.read({.last = events}, [&](const event_batch& batch) {
      for (const auto& event : batch.events)
        digest = digest * 1'099'511'628'211U + fingerprint_of(event.header().event_id);
      return flow::more;
    });
    EXPECT_TRUE(end && end->delivered == events) << "a reader has seen more than there is";
    return digest;
  }

  void kill_often(int blocking, int completing) {
    const int kills = std::getenv("ANNALS_LONG") != nullptr ? 100 : 4;
    std::vector<std::unique_ptr<follower>> followers;
    followers.push_back(follow());
    followers.push_back(follow());
    for (int i = 0; i < kills && !HasFailure(); ++i) {
      auto running = append(blocking, completing);
      std::this_thread::sleep_for(std::chrono::milliseconds(delay_(random_)));
      std::vector<follower::report> before;
      for (auto& one : followers) before.push_back(one->ask());  // under load
      const auto acknowledged = running->kill();
      check(followers, before, acknowledged);
    }
    EXPECT_GT(followers.front()->ask().events, 0U);
  }

  // The writer is dead: readers show all it had acknowledged, both the same, and the next writer
  // finds no less and nothing else.
  void check(const std::vector<std::unique_ptr<follower>>& followers,
             const std::vector<follower::report>& before,
             const std::map<int, std::uint64_t>& acknowledged) {
    const auto first = followers[0]->ask();
    const auto second = followers[1]->ask();
    EXPECT_EQ(first.events, second.events);
    EXPECT_EQ(first.digest, second.digest);
    for (const auto& [writer, version] : acknowledged)
      EXPECT_GE(first.newest.contains(writer) ? first.newest.at(writer) : 0, version)
          << "writer " << writer << " was told more than readers see";
    auto writer = open_embedded(store(), {.create = false, .segment_bytes = 1U << 20U});
    ASSERT_TRUE(writer) << writer.error().to_string();
    for (const auto& one : {before[0], before[1], first})
      EXPECT_EQ(digest_of(**writer, one.events), one.digest) << one.events;
  }

 private:
  std::string programs_;
  std::string directory_;
  std::mt19937 random_{19'760'401};
  std::uniform_int_distribution<int> delay_{3, 150};
};

TEST_F(followed_store, shows_readers_all_that_a_killed_writer_was_told_and_no_more_than_stays) {
  kill_often(1, 0);
}
TEST_F(followed_store, shows_readers_the_same_while_many_writers_are_killed) {
  kill_often(4, 4);
}

TEST_F(followed_store, deleted_under_a_reader_ends_it_with_an_error_and_not_with_other_events) {
  auto writer = open_embedded(store(), {.create = false});
  ASSERT_TRUE(writer);
  auto opened = open_embedded(store(), {.read_only = true});
  ASSERT_TRUE(opened);
  fs::rename(store(), store() + "-before");
  const auto other = open_embedded(store());  // another store, in the same place
  ASSERT_TRUE(other);
  const auto payload = crash_events::payload_of(1, 1);
  const new_event event{.type = "written", .payload = std::as_bytes(std::span(payload))};
  const auto name = crash_events::stream_of(1);
  const stream_write write{name, expect::none(), {&event, 1}};
  ASSERT_TRUE((*other)->append({.streams = {&write, 1}}));
  for (;;) {
    const auto end = (*opened)->read({}, [](const event_batch&) { return flow::more; });
    if (!end) {
      EXPECT_EQ(end.error().code(), errc::not_a_store) << end.error().to_string();
      break;
    }
    ASSERT_EQ(end->delivered, 0U) << "an event of another store";
  }
}

}  // namespace
}  // namespace annals
