// Reads that the conformance suite does not tell apart.
#include <algorithm>
#include <functional>
#include <numeric>
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

/// A read of the stream order-1 to its end, as a load does.
class load {
 public:
  /// From the newest snapshot, which `takes` may refuse.
  static load from_snapshot(event_store& store, const std::function<bool()>& takes) {
    std::move_only_function<bool(const snapshot_view&)> accept = [&](const snapshot_view&) {
      return takes();
    };
    return load(store, {.stream = "order-1", .snapshot = {.shape = 1, .accept = &accept}});
  }
  load(event_store& store, const read_request& request) {
    const auto end = store.read(request, [&](const event_batch& batch) {
      for (const auto& view : batch.events) versions.push_back(view.version().number);
      return flow::more;
    });
    EXPECT_TRUE(end) << end.error().to_string();
    if (!end) return;
    EXPECT_TRUE(end->complete);
    newest = end->stream_version.number;
  }

  std::vector<std::uint64_t> versions{};
  std::uint64_t newest = 0;
};

std::vector<std::uint64_t> from_to(std::uint64_t first, std::uint64_t last) {
  std::vector<std::uint64_t> all(last - first + 1);
  std::iota(all.begin(), all.end(), first);
  return all;
}

class Loads : public PostgresTest {
 public:
  void append_many(std::size_t events, const std::string& stream = "order-1") {
    const std::vector<new_event> all(events, noted());
    const stream_write write{stream, expect::any(), all};
    ASSERT_TRUE(store->append({.streams = std::span(&write, 1)}));
  }
  /// A reader that asks for nothing by itself.
  std::unique_ptr<event_store> open_behind(const wire_tap& tap) const {
    return open_postgres(tap.address() + "&annals_listen=off&annals_schema=" + schema,
                         {.read_only = true})
        .value();
  }
  void snap(std::uint64_t at, const std::string& stream = "order-1") {
    uuid last;
    store
        ->read({.stream = stream, .from = {at}, .to = {at}},
               [&](const event_batch& batch) {
                 last = batch.events[0].header().event_id;
                 return flow::more;
               })
        .value();
    ASSERT_TRUE(
        store->save_snapshot({.stream = stream, .shape = 1, .version = {at}, .last_event = last}));
  }

  const std::unique_ptr<event_store> store = open();
};

TEST_F(Loads, TakeOneRoundTrip) {
  append_many(5);
  snap(3);
  wire_tap tap(server_address());
  const auto reads = open_behind(tap);
  const auto taken = [] { return true; };
  load(*reads, {.stream = "order-1"});  // learns names, and prepares
  tap.round_trips();
  EXPECT_EQ(load(*reads, {.stream = "order-1"}).versions, from_to(1, 5));
  EXPECT_EQ(tap.round_trips(), 1);
  EXPECT_EQ(load(*reads, {.stream = "order-1", .from = {4}}).versions, from_to(4, 5));
  EXPECT_EQ(tap.round_trips(), 1);
  const load nothing_new(*reads, {.stream = "order-1", .from = {6}});
  EXPECT_TRUE(nothing_new.versions.empty());
  EXPECT_EQ(nothing_new.newest, 5U);
  EXPECT_EQ(tap.round_trips(), 1);
  EXPECT_EQ(load::from_snapshot(*reads, taken).versions, from_to(4, 5));
  EXPECT_EQ(tap.round_trips(), 1);
  EXPECT_EQ(load(*reads, {.stream = "order-2"}).newest, 0U);
  EXPECT_EQ(tap.round_trips(), 1);
  snap(5);
  tap.round_trips();
  const auto all_folded = load::from_snapshot(*reads, taken);
  EXPECT_TRUE(all_folded.versions.empty());
  EXPECT_EQ(all_folded.newest, 5U);
  EXPECT_EQ(tap.round_trips(), 1);
}

TEST_F(Loads, OfMoreThanTheTailThatWasExpectedTakeTwoRoundTrips) {
  append_many(1'100);
  wire_tap tap(server_address());
  const auto reads = open_behind(tap);
  const read_request request{.stream = "order-1", .from = {2}};
  load(*reads, request);
  tap.round_trips();
  EXPECT_EQ(load(*reads, request).versions, from_to(2, 1'100));
  EXPECT_EQ(tap.round_trips(), 2);
}

TEST_F(Loads, BeginBehindTheEndOfTheStream) {
  append_many(5);
  const load nothing(*store, {.stream = "order-1", .from = {9}});
  EXPECT_TRUE(nothing.versions.empty());
  EXPECT_EQ(nothing.newest, 5U);
}

TEST_F(Loads, OfStreamsThatFillAPageOrMore) {
  std::uint64_t stored = 0;
  for (const std::uint64_t events :
       {127U, 128U, 129U, 130U, 131U, 1'023U, 1'024U, 1'025U, 1'152U, 1'153U, 1'154U, 5'000U}) {
    append_many(events - stored);
    stored = events;
    for (const std::uint64_t first : {1U, 2U, 3U, 127U}) {
      const load all(*store, {.stream = "order-1", .from = {first}});
      EXPECT_EQ(all.versions, from_to(first, events)) << events << " from " << first;
      EXPECT_EQ(all.newest, events);
    }
  }
}

TEST_F(Loads, OfStreamsThatGoOnForMoreThanAPageBehindTheirSnapshot) {
  append_many(3'000);
  for (const std::uint64_t at : {1U, 7U, 2'870U, 2'871U, 2'872U, 2'873U, 2'999U, 3'000U}) {
    snap(at);
    int asked = 0;
    const auto rest = load::from_snapshot(*store, [&] { return ++asked == 1; });
    EXPECT_EQ(rest.versions, from_to(at + 1, 3'000)) << at;
    EXPECT_EQ(asked, 1);
    EXPECT_EQ(rest.newest, 3'000U);
    const auto all = load::from_snapshot(*store, [&] { return ++asked == 0; });
    EXPECT_EQ(all.versions, from_to(1, 3'000)) << at;
    EXPECT_EQ(asked, 2);
  }
}

TEST_F(Loads, DeliverNothingThatRetentionHidesWhileTheyGoOn) {
  append_many(3'000);
  snap(7);
  const auto rest = load::from_snapshot(*store, [&] {
    return store->retain("order-1", {.truncate_before = version{2'000}}).has_value();
  });
  EXPECT_EQ(rest.versions, from_to(2'000, 3'000));
}

TEST_F(Loads, IgnoreASnapshotOfAnotherHistory) {
  append_many(2'000);
  for (const std::uint64_t at : {1U, 100U, 2'000U, 2'001U}) {
    snap(std::min<std::uint64_t>(at, 2'000));
    sql.run("UPDATE " + schema + ".snapshots SET version = " + std::to_string(at) +
            ", last_event = '" + make_uuid_v5({}, "foreign").to_string() + "'");
    const auto all = load::from_snapshot(*store, [] {
      ADD_FAILURE() << "it was shown";
      return true;
    });
    EXPECT_EQ(all.versions, from_to(1, 2'000)) << at;
    sql.run("DELETE FROM " + schema + ".snapshots");
  }
}

// Plans are kept: one that was made while the store was small must be right when it is not.
TEST_F(Loads, FindASnapshotByItsKeyThoughTheyWerePlannedWhenThereWasOne) {
  const auto reads = open("&annals_listen=off&annals_connections=1", {.read_only = true});
  constexpr int loads = 50;
  const auto load_it = [&] { return load::from_snapshot(*reads, [] { return true; }); };
  append_many(3);
  snap(1);
  sql.run("ANALYZE " + schema + ".snapshots");
  EXPECT_EQ(load_it().versions, from_to(2, 3));
  for (int i = 0; i < 100; ++i) {
    append_many(1, "other-" + std::to_string(i));
    snap(1, "other-" + std::to_string(i));
  }
  for (int i = 0; i < loads; ++i) ASSERT_EQ(load_it().versions, from_to(2, 3));
  // What a session has read is counted at the latest when it ends.
  ASSERT_TRUE(reads->close());
  const auto looked_at = [&] {
    return std::stoi(
        sql.value("SELECT idx_tup_read FROM pg_stat_user_indexes WHERE schemaname = '" + schema +
                  "' AND indexrelname = 'snapshots_pkey'"));
  };
  for (int tries = 0; looked_at() < loads && tries < 500; ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_GE(looked_at(), loads);
  EXPECT_LT(looked_at(), 10 * loads) << "a load walks through all snapshots of its shape";
}

}  // namespace
}  // namespace annals_test
