// Group commit: who goes out with whom, and what each is told.
#include <set>
#include <thread>

#include "server.h"

namespace annals_test {
namespace {

using namespace annals;

class Groups : public PostgresTest {
 public:
  /// Keeps the lock of appends, so that all that is asked for meanwhile waits for one group.
  void hold() { sql.run("BEGIN; SELECT 1 FROM " + schema + ".position FOR UPDATE"); }
  void release() { sql.run("COMMIT"); }
  std::size_t transactions() {
    return std::stoul(sql.value("SELECT count(DISTINCT xmin::text) FROM " + schema + ".events"));
  }
};

TEST_F(Groups, CompleteManyAppendsInFewTransactions) {
  const auto store = open();
  ASSERT_TRUE(append(*store, "first-1", noted()));
  answers told;
  hold();
  for (int i = 0; i < 1'000; ++i) {
    const auto event = noted();
    const auto name = "order-" + std::to_string(i);
    const stream_write write{name, expect::none(), std::span(&event, 1)};
    store->append({.streams = std::span(&write, 1)}, told.slot());
  }
  release();
  std::uint64_t expected = 1;
  for (const auto& one : told.wait_for(1'000)) EXPECT_EQ(one.value().first.sequence, ++expected);
  EXPECT_LE(transactions(), 4U);
}

TEST_F(Groups, CompleteEachLoserWithItsOwnClauseAndTakeTheOthersAlong) {
  const auto store = open();
  ASSERT_TRUE(append(*store, "order-1", noted()));
  ASSERT_TRUE(append(*store, "order-9", noted()));
  ASSERT_TRUE(store->retain("order-9", {.tombstone = true}));
  answers told;
  const auto event = noted();
  const std::string_view types[] = {"noted"};
  const query_item item{.types = types};
  const append_condition unless{.matching = {.items = std::span(&item, 1)}};
  const auto ask = [&](std::string_view name, expect expected,
                       std::span<const append_condition> conditions = {}) {
    const stream_write write{name, expected, std::span(&event, 1)};
    store->append({.streams = std::span(&write, 1), .unless = conditions}, told.slot());
  };
  hold();
  ask("blocked-1", expect::none());  // leads, and waits; what follows is one group
  ask("order-1", expect::at({7}));
  ask("order-2", expect::none());
  ask("order-9", expect::any());
  ask("order-3", expect::none(), std::span(&unless, 1));
  ask("order-4", expect::exists());
  ask("order-5", expect::none());
  release();
  const auto got = told.wait_for(7);
  EXPECT_EQ(got[0].value().first.sequence, 3U);
  EXPECT_EQ(got[1].error().code(), errc::version_conflict);
  EXPECT_EQ(got[1].error().why()->actual, version{1});
  EXPECT_EQ(got[1].error().why()->position, "1");
  EXPECT_EQ(got[2].value().first.sequence, 4U);
  EXPECT_EQ(got[3].error().code(), errc::stream_gone);
  EXPECT_EQ(got[4].error().code(), errc::condition_failed);
  EXPECT_EQ(got[4].error().why()->clause, "unless[0]");
  EXPECT_EQ(got[4].error().why()->position, "1");
  EXPECT_EQ(got[5].error().code(), errc::version_conflict);
  EXPECT_EQ(got[5].error().why()->actual, version{0});
  EXPECT_EQ(got[6].value().first.sequence, 5U);
  EXPECT_EQ(texts(*store).size(), 4U);
}

TEST_F(Groups, OfOneMemberThatTheServerRefusesDoNotFailTheOthers) {
  const auto store = open("&annals_payload=jsonb");
  answers told;
  // jsonb takes no number that numeric cannot hold: only the server can tell.
  const std::string beyond = "1e999999";
  hold();
  for (const auto& payload : {std::string("{}"), std::string("1"), beyond, std::string("2")}) {
    const auto event = noted(payload);
    const auto name = "order-" + payload;
    const stream_write write{name, expect::any(), std::span(&event, 1)};
    store->append({.streams = std::span(&write, 1)}, told.slot());
  }
  release();
  const auto got = told.wait_for(4);
  EXPECT_TRUE(got[0] && got[1] && got[3]);
  ASSERT_FALSE(got[2]);
  EXPECT_EQ(got[2].error().code(), errc::serialization_error);
  EXPECT_NE(got[2].error().message().find("SQLSTATE 22003"), std::string::npos)
      << got[2].error().message();
  EXPECT_EQ(texts(*store).size(), 3U);
}

TEST_F(Groups, OfEightWritersConcurrentlyLetOneConditionPassEveryRound) {
  constexpr std::size_t writers = 8;
  const int wanted = rounds(25, 500);
  std::vector<std::unique_ptr<event_store>> stores;
  for (std::size_t i = 0; i < writers; ++i) stores.push_back(open());  // as eight processes
  for (int round = 0; round < wanted; ++round) {
    std::atomic<int> won{0};
    std::atomic<std::size_t> ready{0};
    std::vector<std::thread> running;
    for (std::size_t i = 0; i < writers; ++i)
      running.emplace_back([&, i] {
        const std::string tag = "email:" + std::to_string(round);
        const std::string_view tags[] = {tag};
        const query_item item{.tags = tags};
        const append_condition unless{.matching = {.items = std::span(&item, 1)}};
        auto event = noted();
        event.tags = tags;
        const auto name = "user-" + std::to_string(round) + "-" + std::to_string(i);
        const stream_write write{name, expect::none(), std::span(&event, 1)};
        ++ready;
        while (ready < writers) std::this_thread::yield();
        const auto answer =
            stores[i]->append({.streams = std::span(&write, 1), .unless = std::span(&unless, 1)});
        if (answer)
          ++won;
        else
          EXPECT_EQ(answer.error().code(), errc::condition_failed);
      });
    for (auto& one : running) one.join();
    ASSERT_EQ(won, 1) << "in round " << round;
  }
  EXPECT_EQ(texts(*stores[0]).size(), static_cast<std::size_t>(wanted));
}

TEST_F(Groups, OfOneStreamContinueEachOtherInOneTransaction) {
  const auto store = open();
  ASSERT_TRUE(append(*store, "order-1", noted()));
  answers told;
  const auto event = noted();
  const auto ask = [&](expect expected) {
    const stream_write write{"order-1", expected, std::span(&event, 1)};
    store->append({.streams = std::span(&write, 1)}, told.slot());
  };
  hold();
  ask(expect::any());  // leads alone
  for (std::uint64_t v = 2; v < 102; ++v) ask(expect::at({v}));
  ask(expect::at({7}));  // fails
  ask(expect::at({8}));  // would continue that one; fails by itself
  ask(expect::at({102}));
  release();
  const auto got = told.wait_for(104);
  for (std::uint64_t i = 0; i < 101; ++i) EXPECT_EQ(got[i].value().stream_version.number, i + 2);
  EXPECT_EQ(got[101].error().why()->actual, version{102});
  EXPECT_EQ(got[102].error().why()->actual, version{102});
  EXPECT_EQ(got[103].value().stream_version, version{103});
  EXPECT_LE(transactions(), 5U);  // one more may have been in the air
}

}  // namespace
}  // namespace annals_test
