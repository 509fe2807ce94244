// Connections that are lost, and what is found out about what they carried.
#include <signal.h>

#include <map>
#include <thread>

#include "server.h"
#include "wire_tap.h"

namespace annals_test {
namespace {

using namespace annals;

class LostConnections : public PostgresTest {};

std::map<std::string, int> counted(const std::vector<std::string>& all) {
  std::map<std::string, int> count;
  for (const auto& one : all) ++count[one];
  return count;
}

/// Writers that go on while connections are lost. Some of their appends are told from others by a
/// command id of the store's own, some by an event id.
class busy_writers {
 public:
  busy_writers(event_store& store, int count) : store_(store) {
    for (int w = 0; w < count; ++w) threads_.emplace_back([this, w] { run(w); });
  }
  /// What was acknowledged: each once, and in its place in its stream.
  std::vector<std::string> end() {
    stop_ = true;
    for (auto& one : threads_) one.join();
    return acknowledged_;
  }

 private:
  void run(int w) {
    for (int i = 0; !stop_; ++i) {
      const auto payload = "[" + std::to_string(w) + "," + std::to_string(i) + "]";
      auto event = noted(payload);
      if (i % 3 == 0) {
        std::array<std::uint8_t, 16> random{};
        posix_env().random(random);
        event.event_id = make_uuid_v4(random);
      }
      const auto answer = append(store_, "order-" + std::to_string(w), event, expect::any());
      EXPECT_TRUE(answer) << answer.error().to_string();
      if (!answer) continue;  // the test goes on, to its end
      EXPECT_FALSE(answer->already_applied);
      EXPECT_EQ(answer->stream_version.number, static_cast<std::uint64_t>(i) + 1);
      const std::scoped_lock lock(mutex_);
      acknowledged_.push_back(payload);
    }
  }

  event_store& store_;
  std::atomic<bool> stop_{false};
  std::mutex mutex_{};
  std::vector<std::string> acknowledged_{};
  std::vector<std::thread> threads_{};
};

/// Each append that was acknowledged is stored once, and nothing else is.
void expect_stored_once(event_store& store, const std::vector<std::string>& acknowledged) {
  const auto stored = counted(texts(store));
  EXPECT_EQ(stored.size(), acknowledged.size());
  for (const auto& one : acknowledged) {
    const auto found = stored.find(one);
    EXPECT_EQ(found == stored.end() ? 0 : found->second, 1) << one;
  }
  EXPECT_EQ(store.head().value().in(0).sequence, acknowledged.size());
}

/// So many writers: few whose appends are one group, and many, of which there are two in the air.
class LostConnectionsOf : public LostConnections, public ::testing::WithParamInterface<int> {};

INSTANTIATE_TEST_SUITE_P(Writers, LostConnectionsOf, ::testing::Values(4, 20));

// Each append is acknowledged once and stored once, whichever moment its backend is killed at.
TEST_P(LostConnectionsOf, ConcurrentWritersLoseAndDoubleNothing) {
  const int kills = rounds(25, 300);
  const auto name = "killed_" + schema.substr(1, 12);
  const auto store = open("&application_name=" + name);
  busy_writers writers(*store, GetParam());
  int killed = 0;
  while (killed < kills) {
    killed +=
        std::stoi(sql.value("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                            "WHERE application_name = '" +
                            name + "'"));
    std::this_thread::sleep_for(std::chrono::milliseconds(1 + killed % 7));
  }
  expect_stored_once(*store, writers.end());
  EXPECT_EQ(sql.value("SELECT count(*) FROM " + schema + ".commands WHERE NOT own"), "0");
}

// A random moment is seldom that of a commit. Here the server has done what it was asked for, which
// nearly always is to commit a group, and nobody is told.
TEST_P(LostConnectionsOf, ConcurrentWritersInTheCommitLoseAndDoubleNothing) {
  wire_tap tap(server_address());
  const auto store = open_postgres(tap.address() + "&annals_schema=" + schema).value();
  busy_writers writers(*store, GetParam());
  // A new connection is asked a few things, and then, for each append that it finds stored, for a
  // version: one time in three that is where it is lost too.
  const int wanted = rounds(25, 300);
  for (int lost = 0; lost < wanted; lost = tap.lost_answers()) {
    tap.lose_answers(lost % 3 == 1 ? 6 : 2 * GetParam() + 5);
    std::this_thread::yield();
  }
  tap.lose_answers(0);
  expect_stored_once(*store, writers.end());
}

TEST_F(LostConnections, OfReadersAreReplacedWithoutACallerNoticing) {
  const auto name = "killed_" + schema.substr(1, 12);
  const auto store = open("&application_name=" + name);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(append(*store, "order-1", noted()));
  for (int i = 0; i < 20; ++i) {
    sql.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '" +
            name + "'");
    EXPECT_EQ(texts(*store).size(), 100U);
    EXPECT_TRUE(store->list_streams({}));
    EXPECT_TRUE(store->head());
  }
}

TEST_F(LostConnections, OfAListenerDoNotKeepAWaitFromBeingAnswered) {
  const auto name = "killed_" + schema.substr(1, 12);
  const auto store = open("&application_name=" + name);
  std::atomic<int> told{0};
  const auto handle = store->notify_past({}, [&](const result<checkpoint>& head) {
    told = head ? 1 : 2;
    told.notify_all();
  });
  while (sql.value("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND "
                   "application_name = '" +
                   name + "'") == "0")
    std::this_thread::yield();
  sql.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '" +
          name + "'");
  ASSERT_TRUE(append(*store, "order-1", noted()));
  told.wait(0);
  EXPECT_EQ(told, 1);
}

// A backend that is cut off may still do what it had received, after the append was made again on
// another connection. It finds it there, under the lock of appends.
TEST_F(LostConnections, LeaveABackendThatActsLateWithoutEffect) {
  const auto name = "late_" + schema.substr(1, 12);
  const auto store = open("&annals_deadline_ms=300&application_name=" + name);
  ASSERT_TRUE(append(*store, "order-1", noted("0")));
  const auto backends =
      sql.run("SELECT pid FROM pg_stat_activity WHERE application_name = '" + name + "'");
  ASSERT_EQ(backends.size(), 1U);
  const auto pid = static_cast<pid_t>(std::stoi(backends[0][0]));
  if (::kill(pid, SIGSTOP) != 0) GTEST_SKIP() << "the server is another user's";
  const auto event = noted("1");
  const stream_write write{"order-1", expect::any(), std::span(&event, 1)};
  const append_request request{.streams = std::span(&write, 1),
                               .context = {.command_id = make_uuid_v5({}, name)}};
  const auto first = store->append(request);
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code(), errc::in_doubt) << first.error().to_string();
  const auto other = open();
  const auto again = other->append(request);
  ::kill(pid, SIGCONT);
  ASSERT_TRUE(again) << again.error().to_string();
  EXPECT_FALSE(again->already_applied);
  while (sql.value("SELECT count(*) FROM pg_stat_activity WHERE pid = " + std::to_string(pid)) !=
         "0")
    std::this_thread::yield();
  EXPECT_EQ(texts(*other), (std::vector<std::string>{"0", "1"}));
}

TEST_F(LostConnections, InTheCommitOfACallersTransactionAreFoundOutToo) {
  const auto store = open();
  sql.run("CREATE TABLE " + schema + ".orders (id INT)");
  const auto event = noted();
  const stream_write write{"order-1", expect::any(), std::span(&event, 1)};
  sql_session another;
  // A trigger that ends the session at commit: the client learns nothing of it.
  sql.run("CREATE FUNCTION " + schema +
          ".die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM "
          "pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$; "
          "CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON " +
          schema + ".orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION " + schema +
          ".die()");
  const auto answer = with_transaction(
      *store,
      [&](pg_conn* conn) -> result<void> {
        PQclear(PQexec(conn, ("INSERT INTO " + schema + ".orders VALUES (1)").c_str()));
        return {};
      },
      {.streams = std::span(&write, 1)});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), errc::store_in_use) << answer.error().to_string();
  EXPECT_NE(answer.error().message().find("nothing was stored"), std::string::npos);
  EXPECT_TRUE(texts(*store).empty());
}

}  // namespace
}  // namespace annals_test
