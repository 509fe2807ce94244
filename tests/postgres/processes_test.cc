// Several processes that write one store, and one that follows.
#include <sys/wait.h>
#include <unistd.h>

#include <map>

#include "server.h"

namespace annals_test {
namespace {

using namespace annals;

class Processes : public PostgresTest {
 public:
  pid_t start_writer(const std::string& prefix, int threads, int appends) {
    const char* const binaries = std::getenv("ANNALS_BIN_DIR");
    const auto program =
        std::string(binaries == nullptr ? "build/test/bin" : binaries) + "/postgres_writer_program";
    const auto to = address();
    const auto threads_text = std::to_string(threads);
    const auto appends_text = std::to_string(appends);
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    if (std::freopen("/dev/null", "w", stdout) == nullptr) std::_Exit(3);
    ::execl(program.c_str(), program.c_str(), to.c_str(), prefix.c_str(), threads_text.c_str(),
            appends_text.c_str(), nullptr);
    std::_Exit(4);
  }
};

/// Reads on and on, told by notify_past, until so many events were seen; each payload with how
/// often.
std::map<std::string, int> follow(event_store& store, std::uint64_t wanted) {
  std::map<std::string, int> seen;
  checkpoint at;
  std::uint64_t last = 0;
  while (last < wanted && !::testing::Test::HasFailure()) {
    const auto end = store.read({.after = at}, [&](const event_batch& batch) {
      for (const auto& view : batch.events) {
        EXPECT_EQ(view.position().sequence, last + 1);
        last = view.position().sequence;
        ++seen[std::string(view.text())];
      }
      return flow::more;
    });
    EXPECT_TRUE(end);
    if (!end || last >= wanted) break;
    at = end->scanned_to;
    std::atomic<bool> told{false};
    const auto handle = store.notify_past(at, [&](const result<checkpoint>&) {
      told = true;
      told.notify_all();
    });
    told.wait(false);
  }
  return seen;
}

TEST_F(Processes, OfSixteenWritersAFollowerMissesNothingAndSeesNothingTwice) {
  constexpr int threads = 8;
  const int appends = 100;
  for (int round = 0; round < rounds(1, 10); ++round) {
    SCOPED_TRACE(round);
    sql.run("DROP SCHEMA IF EXISTS " + schema + " CASCADE");
    const auto store = open();
    const auto first = start_writer("one", threads, appends);
    const auto second = start_writer("two", threads, appends);
    const auto seen = follow(*store, std::uint64_t{2} * threads * appends);
    for (const auto pid : {first, second}) {
      int status = 0;
      ::waitpid(pid, &status, 0);
      EXPECT_EQ(status, 0);
    }
    EXPECT_EQ(seen.size(), std::size_t{2} * threads * appends);
    for (const auto& [payload, times] : seen) EXPECT_EQ(times, 1) << payload;
  }
}

}  // namespace
}  // namespace annals_test
