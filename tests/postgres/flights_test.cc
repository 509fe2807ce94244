// Two groups in the air: the second is sent before the first is answered.
#include <signal.h>

#include <map>
#include <thread>

#include "server.h"
#include "wire_tap.h"

namespace annals_test {
namespace {

using namespace annals;

class GroupsInTheAir : public PostgresTest {
 public:
  /// Keeps the lock of appends: what is sent meanwhile waits, one group behind the other.
  void hold() { sql.run("BEGIN; SELECT 1 FROM " + schema + ".position FOR UPDATE"); }
  void release() { sql.run("COMMIT"); }
  /// An event of somebody else's, who has the lock.
  void append_behind_its_back(const std::string& stream) {
    sql.run("INSERT INTO " + schema + ".events SELECT n.global_position + 1, '" +
            make_uuid_v5({}, "behind").to_string() +
            "', h.aggregate_id, h.category_id, h.version + 1, n.hlc + 1, now(), 0, 1, h.codec, "
            "false, 'noted', '\"another\"', NULL, NULL FROM (SELECT * FROM " +
            schema + ".events ORDER BY global_position DESC LIMIT 1) n, (SELECT e.* FROM " +
            schema + ".events e JOIN " + schema +
            ".streams s USING (aggregate_id, category_id) WHERE s.name = '" + stream +
            "' ORDER BY e.version DESC LIMIT 1) h");
  }
  /// With a command id, so that a second one to the same stream is of the next group.
  void ask(event_store& store, std::string_view stream, std::string_view payload,
           expect expected = expect::any()) {
    ask(store, stream, payload, expected, make_uuid_v5({}, name + std::to_string(++asked_)));
  }
  void ask(event_store& store, std::string_view stream, std::string_view payload, expect expected,
           const uuid& command) {
    const auto event = noted(payload);
    const stream_write write{stream, expected, std::span(&event, 1)};
    store.append({.streams = std::span(&write, 1), .context = {.command_id = command}},
                 told.slot());
  }
  /// Long enough for what was asked for to be sent. Where it is not, a test shows less.
  static void let_it_be_sent() { std::this_thread::sleep_for(std::chrono::milliseconds(50)); }
  std::size_t kill_backends() {
    return std::stoul(
        sql.value("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                  "WHERE application_name = '" +
                  name + "'"));
  }
  /// A store that knows its streams order-1 and order-2, each of one event.
  std::unique_ptr<event_store> open_warm(const std::string& more = {}) {
    auto store = open(more);
    EXPECT_TRUE(append(*store, "order-1", noted("0")));
    EXPECT_TRUE(append(*store, "order-2", noted("0")));
    return store;
  }
  /// A store behind a tap that knows its stream order-1, of one event; what it sends is held.
  std::unique_ptr<event_store> open_held(wire_tap& tap) {
    auto store = open_postgres(tap.address() + "&annals_schema=" + schema).value();
    EXPECT_TRUE(append(*store, "order-1", noted("0")));
    hold();
    tap.most_unanswered();
    return store;
  }
  std::string versions() {
    return sql.value("SELECT string_agg(version::text, ' ' ORDER BY global_position) FROM " +
                     schema + ".events");
  }

  answers told{};
  const std::string name = "air_" + schema.substr(1, 12);

 private:
  int asked_ = 0;
};

using strings = std::vector<std::string>;

TEST_F(GroupsInTheAir, AreStoredInTheirOrder) {
  const auto store = open_warm();
  hold();
  ask(*store, "order-1", "1", expect::at({1}));
  ask(*store, "order-1", "2", expect::at({2}));
  ask(*store, "order-2", "3", expect::at({1}));
  let_it_be_sent();
  release();
  const auto got = told.wait_for(3);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(got[i].value().first.sequence, i + 3);
  EXPECT_EQ(texts(*store), (strings{"0", "0", "1", "2", "3"}));
  EXPECT_EQ(versions(), "1 1 2 3 2");
}

TEST_F(GroupsInTheAir, AreSentBeforeTheOneInFrontIsAnswered) {
  wire_tap tap(server_address());
  const auto store = open_held(tap);
  ask(*store, "order-1", "1");
  ask(*store, "order-1", "2");
  ask(*store, "order-1", "3");
  EXPECT_TRUE(tap.is_unanswered(2));
  let_it_be_sent();
  release();
  for (const auto& one : told.wait_for(3)) EXPECT_TRUE(one) << one.error().to_string();
  EXPECT_EQ(tap.most_unanswered(), 2) << "and no third";
  EXPECT_EQ(texts(*store), (strings{"0", "1", "2", "3"}));
}

// Many callers, each of whom comes back when he is answered, would all be in one group. They are in
// two: the leader is called away from waiting for the first one's answer.
TEST_F(GroupsInTheAir, AreTwoHalvesOfConcurrentCallersThatComeBack) {
  wire_tap tap(server_address());
  const auto store = open_postgres(tap.address() + "&annals_schema=" + schema).value();
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> answered{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 24; ++c)
    callers.emplace_back([&, c] {
      while (!stop) {
        const auto answer = append(*store, "order-" + std::to_string(c), noted("called"));
        EXPECT_TRUE(answer) << answer.error().to_string();
        ++answered;
      }
    });
  for (int round = 0; round < 10; ++round) {
    for (const auto seen = answered.load(); answered < seen + 240;) std::this_thread::yield();
    hold();
    EXPECT_TRUE(tap.is_unanswered(2)) << "in round " << round;
    release();
  }
  stop = true;
  for (auto& one : callers) one.join();
  EXPECT_EQ(tap.most_unanswered(), 2) << "and no third";
  EXPECT_EQ(store->head().value().in(0).sequence, answered);
  EXPECT_EQ(texts(*store).size(), answered);
}

// Both are stored, and neither is answered. The first is told by its command id; the second by its
// event's id, which is looked for behind what the store had when it was first sent.
TEST_F(GroupsInTheAir, WhoseAnswersAreLostAreFoundOneBehindTheOther) {
  wire_tap tap(server_address());
  const auto store = open_held(tap);
  ask(*store, "order-1", "1");
  ask(*store, "order-1", "2", expect::any(), {});
  const bool both = tap.is_unanswered(2);
  EXPECT_TRUE(both);
  if (both) tap.swallow_answers();
  release();
  const auto count = "SELECT count(*) FROM " + schema + ".events";
  while (both && sql.value(count) != "3") std::this_thread::yield();
  tap.cut();
  const auto got = told.wait_for(2);
  EXPECT_EQ(got[0].value().first.sequence, 2U);
  EXPECT_EQ(got[1].value().first.sequence, 3U);
  EXPECT_EQ(texts(*store), (strings{"0", "1", "2"}));
}

TEST_F(GroupsInTheAir, BehindOneThatIsRefusedAreStoredInTheirOwnRight) {
  const auto store = open_warm();
  hold();
  ask(*store, "order-1", "1", expect::at({1}));
  ask(*store, "order-1", "2", expect::any());
  let_it_be_sent();
  append_behind_its_back("order-1");
  release();
  const auto got = told.wait_for(2);
  ASSERT_FALSE(got[0]);
  EXPECT_EQ(got[0].error().code(), errc::version_conflict);
  EXPECT_EQ(got[0].error().why()->actual, version{2});
  EXPECT_EQ(got[1].value().first.sequence, 4U);
  EXPECT_EQ(got[1].value().stream_version, version{3});
  EXPECT_EQ(texts(*store), (strings{"0", "0", "\"another\"", "2"}));
}

TEST_F(GroupsInTheAir, BehindOneThatExpectedTheLoserAreToldThatItLost) {
  const auto store = open_warm();
  hold();
  ask(*store, "order-1", "1", expect::at({1}));
  ask(*store, "order-1", "2", expect::at({2}));  // it would have been so
  ask(*store, "order-2", "3", expect::at({1}));
  let_it_be_sent();
  append_behind_its_back("order-2");
  append_behind_its_back("order-1");
  release();
  const auto got = told.wait_for(3);
  EXPECT_EQ(got[0].error().code(), errc::version_conflict);
  EXPECT_EQ(got[1].value().stream_version, version{3});  // behind another's event, as it asked for
  EXPECT_EQ(got[2].error().code(), errc::version_conflict);
  EXPECT_EQ(versions(), "1 1 2 2 3");
}

// Another's event stands where the first group would, and the second would be right behind it.
TEST_F(GroupsInTheAir, BehindAnEventThatIsNotTheirsAreNotTakenForItsFollowers) {
  const auto store = open_warm();
  hold();
  ask(*store, "order-1", "1", expect::at({1}));
  ask(*store, "order-1", "2", expect::at({2}));
  ask(*store, "order-2", "3", expect::at({1}));
  let_it_be_sent();
  append_behind_its_back("order-2");
  release();
  const auto got = told.wait_for(3);
  EXPECT_EQ(got[0].value().first.sequence, 4U);
  EXPECT_EQ(got[1].value().first.sequence, 5U);
  EXPECT_EQ(got[2].error().code(), errc::version_conflict);
  EXPECT_EQ(versions(), "1 1 2 2 3");
}

TEST_F(GroupsInTheAir, BehindACommandThatIsKnownTakeItsPlace) {
  const auto store = open_warm();
  const auto command = make_uuid_v5({}, name);
  ask(*store, "order-1", "1", expect::any(), command);
  ASSERT_TRUE(told.wait_for(1)[0]);
  hold();
  ask(*store, "order-1", "1", expect::any(), command);
  ask(*store, "order-1", "2");
  ask(*store, "order-2", "3");
  let_it_be_sent();
  release();
  const auto got = told.wait_for(4);
  EXPECT_TRUE(got[1].value().already_applied);
  EXPECT_EQ(got[1].value().first.sequence, 3U);
  EXPECT_EQ(got[2].value().first.sequence, 4U);
  EXPECT_EQ(got[3].value().first.sequence, 5U);
  EXPECT_EQ(versions(), "1 1 2 3 2");  // what was assumed of both streams is taken back
  EXPECT_EQ(texts(*store), (strings{"0", "0", "1", "2", "3"}));
}

// A stream that was told to be gone behind the writer's back is so for what it had in the air.
TEST_F(GroupsInTheAir, ForAStreamThatIsGoneAreToldSo) {
  const auto store = open_warm();
  hold();
  ask(*store, "order-1", "1");
  ask(*store, "order-1", "3");
  ask(*store, "order-2", "2");
  let_it_be_sent();
  sql.run("UPDATE " + schema + ".streams SET tombstone = true WHERE name = 'order-1'");
  release();
  const auto got = told.wait_for(3);
  std::map<errc, int> refused;
  for (const auto& one : got)
    if (!one) ++refused[one.error().code()];
  EXPECT_EQ(refused[errc::stream_gone], 2);
  EXPECT_EQ(texts(*store).back(), "2");
}

TEST_F(GroupsInTheAir, WhoseConnectionIsLostAreAllStoredOnce) {
  const auto store = open_warm("&application_name=" + name);
  for (std::uint64_t round = 0; round < 5; ++round) {
    hold();
    ask(*store, "order-1", "1", expect::at({1 + 2 * round}));
    ask(*store, "order-1", "2", expect::at({2 + 2 * round}));
    ask(*store, "order-2", "3", expect::at({1 + round}));
    let_it_be_sent();
    EXPECT_GE(kill_backends(), 1U);
    release();
    told.wait_for(3 * (round + 1));
  }
  for (const auto& one : told.wait_for(15)) EXPECT_TRUE(one) << one.error().to_string();
  EXPECT_EQ(store->head().value().in(0).sequence, 17U);
  EXPECT_EQ(texts(*store).size(), 17U);
}

// The backend that is cut off has two groups to do, and does them late.
TEST_F(GroupsInTheAir, OfABackendThatActsLateHaveNoEffect) {
  const auto store = open_warm("&annals_deadline_ms=300&application_name=" + name);
  const auto pid = static_cast<pid_t>(std::stoi(
      sql.value("SELECT pid FROM pg_stat_activity WHERE application_name = '" + name + "'")));
  if (::kill(pid, SIGSTOP) != 0) GTEST_SKIP() << "the server is another user's";
  const auto first = make_uuid_v5({}, name + "1");
  const auto second = make_uuid_v5({}, name + "2");
  ask(*store, "order-1", "1", expect::any(), first);
  ask(*store, "order-1", "2", expect::any(), second);
  for (const auto& one : told.wait_for(2)) {
    ASSERT_FALSE(one);
    EXPECT_EQ(one.error().code(), errc::in_doubt) << one.error().to_string();
  }
  const auto other = open();
  ask(*other, "order-1", "1", expect::any(), first);
  ask(*other, "order-1", "2", expect::any(), second);
  const auto got = told.wait_for(4);
  ::kill(pid, SIGCONT);
  EXPECT_EQ(got[2].value().first.sequence, 3U);
  EXPECT_EQ(got[3].value().first.sequence, 4U);
  while (sql.value("SELECT count(*) FROM pg_stat_activity WHERE pid = " + std::to_string(pid)) !=
         "0")
    std::this_thread::yield();
  EXPECT_EQ(texts(*other), (strings{"0", "0", "1", "2"}));
}

// Many in the air, killed at any moment: each is stored once, and told where.
TEST_F(GroupsInTheAir, LoseAndDoubleNothingWhileBackendsAreKilledConcurrently) {
  const int kills = rounds(25, 300);
  const auto store = open_warm("&application_name=" + name);
  constexpr int streams = 40;
  for (int s = 0; s < streams; ++s)
    ASSERT_TRUE(append(*store, "killed-" + std::to_string(s), noted("0")));
  std::atomic<bool> stop{false};
  std::atomic<int> failed{0};
  std::atomic<std::uint64_t> stored{2 + streams};
  std::atomic<int> in_flight{0};
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      while (in_flight > 60) std::this_thread::yield();
      const auto payload = std::to_string(i);
      const auto event = noted(payload, "killed");
      const auto stream = "killed-" + std::to_string(i % streams);
      const stream_write write{stream, expect::any(), std::span(&event, 1)};
      ++in_flight;
      store->append({.streams = std::span(&write, 1)}, [&](result<appended> answer) {
        if (answer && !answer->already_applied)
          ++stored;
        else
          ++failed;
        --in_flight;
      });
    }
  });
  for (std::size_t killed = 0; killed < static_cast<std::size_t>(kills);) {
    killed += kill_backends();
    std::this_thread::sleep_for(std::chrono::milliseconds(3 + killed % 11));
  }
  stop = true;
  writer.join();
  while (in_flight != 0) std::this_thread::yield();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(store->head().value().in(0).sequence, stored);
  EXPECT_EQ(sql.value("SELECT count(*) - count(DISTINCT event_data::text) FROM " + schema +
                      ".events WHERE event_type = 'killed'"),
            "0");
}

}  // namespace
}  // namespace annals_test
