// Imports that are larger than what goes to the server at a time: rows are on their way while those
// behind them are checked.
#include <deque>
#include <thread>

#include "annals/history.h"
#include "server.h"

namespace annals_test {
namespace {

using namespace annals;

/// Appends of ten events each, to streams in turn, as another store would tell of them.
class told_history {
 public:
  static constexpr std::uint64_t events_per_append = 10;
  static constexpr std::uint64_t streams = 7;

  explicit told_history(std::uint64_t appends) {
    for (std::uint64_t a = 0; a < appends; ++a) {
      auto& events = appends_.emplace_back();
      const auto& name = names_.emplace_back("copied-" + std::to_string(a % streams));
      for (std::uint64_t k = 0; k < events_per_append; ++k) {
        const auto n = a * events_per_append + k + 1;
        const auto& payload = payloads_.emplace_back(
            "{\"n\":" + std::to_string(n) + ",\"text\":\"" + std::string(200, 'x') + "\"}");
        events.push_back({.stream = name,
                          .event = {.type = "copied",
                                    .payload = std::as_bytes(std::span(payload)),
                                    .event_id = make_uuid_v5({}, std::to_string(n)),
                                    .timestamp = time_point(std::chrono::seconds(1))},
                          .version = {a / streams * events_per_append + k + 1},
                          .position = {.sequence = n},
                          .recorded = {n << 16U}});
      }
    }
  }

  imported_event& event(std::uint64_t append) { return appends_[append].back(); }
  std::vector<history_entry> entries(std::uint64_t first = 0) const {
    std::vector<history_entry> all;
    for (auto a = first; a < appends_.size(); ++a)
      all.emplace_back(import_request{.events = appends_[a]});
    return all;
  }

 private:
  std::deque<std::string> names_{};
  std::deque<std::string> payloads_{};
  std::deque<std::vector<imported_event>> appends_{};
};

class Importing : public PostgresTest {
 public:
  static result<void> import(event_store& store, const std::vector<history_entry>& entries) {
    std::optional<result<void>> told;
    std::atomic<bool> done{false};
    store.import(entries, [&](result<void> answer) {
      told = std::move(answer);
      done = true;
      done.notify_all();
    });
    done.wait(false);
    return *told;
  }
  std::string count(const std::string& of) {
    return sql.value("SELECT count(*) FROM " + schema + "." + of);
  }
};

TEST_F(Importing, StoresManyPiecesAsOne) {
  const auto store = open();
  const told_history whole(2'000);
  ASSERT_TRUE(import(*store, whole.entries()));
  EXPECT_EQ(count("events"), "20000");
  EXPECT_EQ(count("streams"), "7");
  const auto report = verify_postgres(address()).value();
  EXPECT_TRUE(report.damage.empty());
  const auto all = texts(*store);
  ASSERT_EQ(all.size(), 20'000U);
  EXPECT_TRUE(all.back().starts_with("{\"n\":20000,")) << all.back();
}

// What stands in front of the one that is refused is stored, however much of it has been sent.
TEST_F(Importing, EndsInFrontOfTheAppendThatIsRefused) {
  const auto store = open();
  told_history whole(2'000);
  const auto right = whole.event(1'500).version;
  whole.event(1'500).version = {right.number + 1};
  const auto refused = import(*store, whole.entries());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), errc::invalid_argument);
  EXPECT_EQ(count("events"), "15000");
  EXPECT_EQ(count("streams"), "7");
  whole.event(1'500).version = right;
  EXPECT_TRUE(import(*store, whole.entries(1'500)));
  EXPECT_EQ(count("events"), "20000");
  EXPECT_TRUE(verify_postgres(address()).value().damage.empty());
}

// The server stops taking rows in the middle, and says so at the end.
TEST_F(Importing, ThatTheServerRefusesStoresNothing) {
  const auto store = open();
  const told_history whole(2'000);
  sql.run("ALTER TABLE " + schema + ".events ADD CONSTRAINT few CHECK (global_position < 5000)");
  const auto refused = import(*store, whole.entries());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), errc::database_error) << refused.error().to_string();
  EXPECT_NE(refused.error().message().find("few"), std::string::npos) << refused.error().message();
  EXPECT_EQ(count("events"), "0");
  EXPECT_EQ(count("streams"), "0");
  sql.run("ALTER TABLE " + schema + ".events DROP CONSTRAINT few");
  EXPECT_TRUE(import(*store, whole.entries()));
  EXPECT_EQ(count("events"), "20000");
}

TEST_F(Importing, StoresEachOnceWhileBackendsAreKilledConcurrently) {
  const auto name = "import_" + schema.substr(1, 12);
  const auto store = open("&application_name=" + name);
  const told_history whole(2'000);
  std::atomic<bool> stop{false};
  std::size_t killed = 0;
  std::thread killer([&] {
    sql_session session;
    const auto most = static_cast<std::size_t>(rounds(10, 100));
    while (!stop && killed < most) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5 + 11 * killed % 60));
      killed +=
          std::stoul(session.value("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                                   "WHERE application_name = '" +
                                   name + "' AND state <> 'idle'"));
    }
  });
  const auto told = import(*store, whole.entries());
  stop = true;
  killer.join();
  EXPECT_TRUE(told) << told.error().to_string();
  EXPECT_GE(killed, 1U);
  EXPECT_EQ(count("events"), "20000");
  EXPECT_TRUE(verify_postgres(address()).value().damage.empty());
}

}  // namespace
}  // namespace annals_test
