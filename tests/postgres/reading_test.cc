// Reads that the conformance suite does not tell apart.
#include <algorithm>
#include <set>

#include "annals/stream.h"
#include "server.h"
#include "wire_tap.h"

namespace annals_test {
namespace {

using namespace annals;

class Reads : public PostgresTest {};

TEST_F(Reads, DeliverPayloadsTooLargeForAPageOneByOne) {
  const auto store = open();
  std::vector<std::string> wanted;
  for (int i = 0; i < 12; ++i) {
    std::string payload(i % 3 == 1 ? 3'000'000 : 10, 'x');
    // Not to be compressed, so that its size is what it seems.
    std::uint32_t state = 1;
    for (auto& c : payload)
      c = static_cast<char>('a' + ((state = state * 1'664'525 + 1'013'904'223) >> 16U) % 26);
    wanted.push_back('"' + payload + '"');
    ASSERT_TRUE(append(*store, "order-" + std::to_string(i % 2), noted(wanted.back())));
  }
  EXPECT_EQ(texts(*store), wanted);
  std::size_t most = 0;
  store
      ->read({.stream = "order-1"},
             [&](const event_batch& batch) {
               std::size_t bytes = 0;
               for (const auto& view : batch.events) bytes += view.payload().size();
               most = std::max(most, bytes);
               return flow::more;
             })
      .value();
  EXPECT_LT(most, 4'000'000U) << "more than one large payload at a time";
}

TEST_F(Reads, OfTimesBeyondWhatTheServerHoldsAreExact) {
  const auto store = open();
  const time_point wanted[] = {time_point::min(), time_point::max(),
                               time_point(std::chrono::microseconds(-1))};
  for (const auto time : wanted) {
    auto event = noted();
    event.timestamp = time;
    ASSERT_TRUE(append(*store, "order-1", event));
  }
  std::size_t at = 0;
  store
      ->read({},
             [&](const event_batch& batch) {
               for (const auto& view : batch.events)
                 EXPECT_EQ(view.header().timestamp, wanted[at++]);
               return flow::more;
             })
      .value();
  EXPECT_EQ(sql.value("SELECT count(*) FROM " + schema + ".events WHERE NOT isfinite(timestamp)"),
            "2");
}

TEST_F(Reads, FromAStoreOpenedReadOnlySeeWhatIsAcknowledgedAndFollowByPolling) {
  const auto writes = open();
  const auto reads = open("&annals_listen=off&annals_poll_ms=10", {.read_only = true});
  EXPECT_EQ(append(*reads, "a-1", noted()).error().code(), errc::unsupported);
  EXPECT_EQ(reads->retain("a-1", {.max_count = 1}).error().code(), errc::unsupported);
  std::atomic<int> told{0};
  const auto handle = reads->notify_past({}, [&](const result<checkpoint>& head) {
    told = head ? 1 : 2;
    told.notify_all();
  });
  ASSERT_TRUE(append(*writes, "a-1", noted()));
  told.wait(0);
  EXPECT_EQ(told, 1);
  EXPECT_EQ(texts(*reads).size(), 1U);
}

/// Stores so many events in few appends.
void fill(event_store& store, std::size_t events) {
  const std::vector<new_event> hundred(100, noted());
  for (std::size_t i = 0; i < events; i += hundred.size()) {
    const auto name = stream_name_of("order", make_uuid_v5({}, std::to_string(i)));
    const stream_write write{name, expect::none(), hundred};
    ASSERT_TRUE(store.append({.streams = std::span(&write, 1)}));
  }
}

TEST_F(Reads, AskForTheNextPageWhileOneIsDelivered) {
  const auto name = "ahead_" + schema.substr(1, 12);
  const auto store = open("&application_name=" + name);
  fill(*store, 2'000);  // two pages
  int batches = 0;
  std::string delivered_at;
  std::string asked_before;
  store
      ->read({},
             [&](const event_batch&) {
               if (++batches == 2)
                 asked_before =
                     sql.value("SELECT max(query_start) < '" + delivered_at +
                               "' FROM pg_stat_activity WHERE application_name = '" + name + "'");
               sql.run("SELECT pg_sleep(0.02)");
               delivered_at = sql.value("SELECT clock_timestamp()");
               return flow::more;
             })
      .value();
  EXPECT_EQ(batches, 2);
  EXPECT_EQ(asked_before, "t");
}

TEST_F(Reads, HaveTwoPagesAskedForWhileOneIsDelivered) {
  fill(*open(), 5'000);
  wire_tap tap(server_address());
  const auto store = open_postgres(tap.address() + "&annals_schema=" + schema).value();
  for (const auto way : {direction::forwards, direction::backwards}) {
    std::vector<std::uint64_t> seen;
    tap.most_unanswered();
    int most = 0;
    // A server that is faster than its client answers the first before the second is asked for.
    for (int tries = 0; most < 2 && tries < 50; ++tries) {
      seen.clear();
      store
          ->read({.direction = way},
                 [&](const event_batch& batch) {
                   for (const auto& view : batch.events) seen.push_back(view.position().sequence);
                   return flow::more;
                 })
          .value();
      most = std::max(most, tap.most_unanswered());
    }
    EXPECT_EQ(most, 2);
    if (way == direction::backwards) std::ranges::reverse(seen);
    ASSERT_EQ(seen.size(), 5'000U);
    for (std::size_t i = 0; i < seen.size(); ++i) ASSERT_EQ(seen[i], i + 1);
  }
}

// Where positions are missing, where a page ends is not known before it has come.
TEST_F(Reads, PassOverHolesOfAnySize) {
  const auto store = open();
  fill(*store, 6'000);
  sql.run("DELETE FROM " + schema + ".events WHERE global_position BETWEEN 1500 AND 4999");
  sql.run("INSERT INTO " + schema + ".holes VALUES (1500, 4999, 'removed by a test')");
  for (const auto way : {direction::forwards, direction::backwards}) {
    std::vector<std::uint64_t> seen;
    const auto end = store->read({.direction = way}, [&](const event_batch& batch) {
      for (const auto& view : batch.events) seen.push_back(view.position().sequence);
      return flow::more;
    });
    ASSERT_TRUE(end) << end.error().to_string();
    EXPECT_TRUE(end->complete);
    if (way == direction::backwards) std::ranges::reverse(seen);
    ASSERT_EQ(seen.size(), 2'500U);
    for (std::size_t i = 0; i < seen.size(); ++i) ASSERT_EQ(seen[i], i < 1'499 ? i + 1 : i + 3'501);
  }
}

TEST_F(Reads, AreToldOfRetentionThatComesWhilePagesAreAskedAhead) {
  const auto store = open();
  fill(*store, 6'000);
  const auto hidden = stream_name_of("order", make_uuid_v5({}, "5900"));
  std::uint64_t delivered = 0;
  const auto end = store->read({}, [&](const event_batch& batch) {
    const bool set = delivered != 0 || store->retain(hidden, {.max_count = 1}).has_value();
    EXPECT_TRUE(set);
    delivered += batch.events.size();
    return flow::more;
  });
  ASSERT_TRUE(end) << end.error().to_string();
  EXPECT_EQ(delivered, 6'000U - 99U);
}

TEST_F(Reads, ThatStopEarlyGiveTheirConnectionBack) {
  const auto name = "ahead_" + schema.substr(1, 12);
  const auto store = open("&annals_connections=4&application_name=" + name);
  fill(*store, 4'000);
  const auto sessions = [&] {
    return sql.run("SELECT pid FROM pg_stat_activity WHERE application_name = '" + name +
                   "' ORDER BY pid");
  };
  EXPECT_EQ(texts(*store).size(), 4'000U);
  const auto before = sessions();
  for (int i = 0; i < 5; ++i) {
    const auto stopped = store->read({}, [](const event_batch&) { return flow::stop; });
    EXPECT_FALSE(stopped.value().complete);
    EXPECT_EQ(texts(*store).size(), 4'000U);
  }
  EXPECT_EQ(sessions(), before);
}

TEST_F(Reads, InsideOneAnotherDoNotWaitForTheConnectionThatIsAskedAhead) {
  const auto store = open("&annals_connections=1&annals_deadline_ms=5000");
  fill(*store, 3'000);
  std::size_t inner = 0;
  const auto outer = store->read({}, [&](const event_batch&) {
    inner += texts(*store).size();
    return flow::more;
  });
  ASSERT_TRUE(outer) << outer.error().to_string();
  EXPECT_EQ(outer->delivered, 3'000U);
  EXPECT_EQ(inner, 9'000U);
}

TEST_F(Reads, GoOnWhenTheConnectionThatWasAskedAheadIsLost) {
  const auto name = "ahead_" + schema.substr(1, 12);
  const auto store = open("&application_name=" + name);
  fill(*store, 5'000);
  std::uint64_t last = 0;
  const auto end = store->read({}, [&](const event_batch& batch) {
    for (const auto& view : batch.events) EXPECT_EQ(view.position().sequence, ++last);
    sql.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '" +
            name + "'");
    return flow::more;
  });
  ASSERT_TRUE(end) << end.error().to_string();
  EXPECT_EQ(last, 5'000U);
}

}  // namespace
}  // namespace annals_test
