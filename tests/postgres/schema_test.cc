// The schema: made once whoever makes it, read by the mission's programs, guarded by roles.
#include <thread>

#include "annals/stream.h"
#include "server.h"

namespace annals_test {
namespace {

using namespace annals;

class Schema : public PostgresTest {
 public:
  void TearDown() override {
    sql.run("DROP SCHEMA IF EXISTS " + schema + "_mission CASCADE");
    PostgresTest::TearDown();
  }
};

TEST_F(Schema, IsMadeOnceByProcessesThatOpenItConcurrently) {
  std::vector<std::thread> running;
  std::vector<uuid> ids(6);
  for (auto& id : ids)
    running.emplace_back([&] {
      const auto store = open_postgres(address());
      ASSERT_TRUE(store) << store.error().to_string();
      id = (*store)->info().store_id;
      EXPECT_TRUE(append(**store, "order-1", noted()));
    });
  for (auto& one : running) one.join();
  for (const auto& id : ids) EXPECT_EQ(id, ids[0]);
  EXPECT_EQ(texts(*open()).size(), 6U);
}

TEST_F(Schema, IsMigratedByNameAndThenThere) {
  const auto first = migrate_postgres(address());
  ASSERT_TRUE(first) << first.error().to_string();
  EXPECT_EQ(first->size(), postgres_migrations().size());
  EXPECT_TRUE(migrate_postgres(address()).value().empty());
  EXPECT_TRUE(open_postgres(address(), {.create = false}));
}

TEST_F(Schema, IsTheSameWhenAPersonRunsTheScriptsTwice) {
  for (int i = 0; i < 2; ++i)
    for (const auto& one : postgres_migrations({.schema = schema})) sql.run(one.sql);
  const auto store = open_postgres(address(), {.create = false});
  ASSERT_TRUE(store) << store.error().to_string();
  EXPECT_TRUE(append(**store, "order-1", noted()));
}

TEST_F(Schema, OfAnOlderVersionIsBroughtUpToDate) {
  ASSERT_TRUE(append(*open(), "order-1", noted()));
  sql.run("DELETE FROM " + schema + ".migrations WHERE version > 9; DROP TABLE " + schema +
          ".holes, " + schema + ".checkpoints");
  const auto refused = open_postgres(address(), {.create = false});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("annals migrate"), std::string::npos);
  EXPECT_EQ(texts(*open()).size(), 1U);
  EXPECT_EQ(sql.value("SELECT count(*) FROM " + schema + ".holes"), "0");
}

TEST_F(Schema, TakesTheStoreIdOfTheStoreThatItCopies) {
  const auto id = make_uuid_v5({}, "copied");
  EXPECT_EQ(open({}, {.store_id = id})->info().store_id, id);
  EXPECT_EQ(open()->info().store_id, id);
}

TEST_F(Schema, ShowsTheMissionItsTables) {
  const auto store = open();
  const auto id = make_uuid_v5({}, "order");
  const auto name = stream_name_of("order", id);
  const auto event = noted(R"({"OrderPaid":{"amount":1.50}})", "OrderEvent");
  const stream_write write{name, expect::none(), std::span(&event, 1)};
  const uuid correlation = make_uuid_v5({}, "correlation");
  ASSERT_TRUE(
      store->append({.streams = std::span(&write, 1), .context = {.correlation_id = correlation}}));
  const std::string state = "state";
  uuid last;
  store
      ->read({.stream = name},
             [&](const event_batch& batch) {
               last = batch.events[0].header().event_id;
               return flow::more;
             })
      .value();
  ASSERT_TRUE(store->save_snapshot({.stream = name,
                                    .version = {1},
                                    .last_event = last,
                                    .state = std::as_bytes(std::span(state))}));
  sql.run("SET search_path = " + schema + "_mission");
  const auto rows = sql.run(
      "SELECT event_id, aggregate_id, version, event_type, event_data, "
      "metadata->>'correlation_id', "
      "metadata->>'causation_id' IS NULL, timestamp IS NOT NULL, (metadata->>'version')::bigint "
      "FROM events WHERE aggregate_id = '" +
      id.to_string() + "' ORDER BY version");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0], (std::vector<std::string>{last.to_string(), id.to_string(), "1", "OrderEvent",
                                               R"({"OrderPaid":{"amount":1.50}})",
                                               correlation.to_string(), "t", "t", "1"}));
  EXPECT_EQ(sql.run("SELECT aggregate_id, version, convert_from(snapshot_data, 'UTF8') "
                    "FROM snapshots"),
            (table{{id.to_string(), "1", "state"}}));
  sql.run("RESET search_path");
}

TEST_F(Schema, GivesRolesWhatTheyNeedAndNoMore) {
  ASSERT_TRUE(append(*open(), "order-1", noted()));
  const auto writer = schema + "_w";
  const auto reader = schema + "_r";
  sql.run("CREATE ROLE " + writer + " LOGIN; CREATE ROLE " + reader + " LOGIN");
  auto as = [&](const std::string& role) {
    auto text = address();
    return text.replace(text.find("postgres@"), 8, role);
  };
  const auto denied = open_postgres(as(writer), {.create = false});
  ASSERT_FALSE(denied) << "without grants";
  EXPECT_NE(denied.error().message().find("SQLSTATE 42501"), std::string::npos)
      << denied.error().message();
  EXPECT_NE(denied.error().message().find("annals migrate --roles"), std::string::npos);
  sql.run(postgres_roles({.schema = schema}, writer, reader));
  {
    const auto store = open_postgres(as(writer), {.create = false});
    ASSERT_TRUE(store) << store.error().to_string();
    const std::string_view tags[] = {"a:1"};
    auto event = noted();
    event.tags = tags;
    EXPECT_TRUE(append(**store, "order-2", event));
    EXPECT_TRUE((*store)->retain("order-2", {.max_count = 5}));
    const auto reads = open_postgres(as(reader), {.create = false, .read_only = true});
    ASSERT_TRUE(reads) << reads.error().to_string();
    EXPECT_EQ(texts(**reads).size(), 2U);
    EXPECT_EQ(append(**reads, "order-2", noted()).error().code(), errc::unsupported);
  }
  sql.run("SET ROLE " + writer);
  EXPECT_EQ(sql.refusal("UPDATE " + schema + ".events SET version = 9"), "42501");
  EXPECT_EQ(sql.refusal("DELETE FROM " + schema + ".events"), "42501");
  sql.run("SET ROLE " + reader);
  EXPECT_EQ(sql.refusal("INSERT INTO " + schema + ".event_tags VALUES ('a:1', 1)"), "42501");
  sql.run("RESET ROLE; DROP OWNED BY " + writer + ", " + reader + "; DROP ROLE " + writer + ", " +
          reader);
}

class Partitions : public PostgresTest {
 public:
  std::string count() {
    return sql.value("SELECT count(*) FROM pg_inherits WHERE inhparent = '" + schema +
                     ".events'::regclass");
  }
  /// Two hundred appends in seventeen streams, read in all ways.
  void serve(event_store& store);
};

void Partitions::serve(event_store& store) {
  for (int i = 0; i < 200; ++i) {
    const std::string tag = "odd:" + std::to_string(i % 2);
    const std::string_view tags[] = {tag};
    const auto payload = std::to_string(i);
    auto event = noted(payload);
    event.tags = tags;
    const auto told = append(store, "order-" + std::to_string(i % 17), event);
    ASSERT_EQ(told.value().stream_version.number, static_cast<std::uint64_t>(i / 17) + 1);
  }
  const auto all = texts(store);
  ASSERT_EQ(all.size(), 200U);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)], std::to_string(i));
  const std::string_view odd[] = {"odd:1"};
  const query_item item{.tags = odd};
  const read_request of_tag{.filter = {.matching = {.items = std::span(&item, 1)}}};
  EXPECT_EQ(store.read(of_tag, [](const auto&) { return flow::more; }).value().delivered, 100U);
  const read_request of_stream{.stream = "order-1"};
  EXPECT_EQ(store.read(of_stream, [](const auto&) { return flow::more; }).value().delivered, 12U);
  EXPECT_EQ(append(store, "order-1", noted(), expect::none()).error().code(),
            errc::version_conflict);
}

TEST_F(Partitions, ByHashOfTheAggregateServeAllTheSame) {
  const auto store = open("&annals_partitions=4");
  serve(*store);
  EXPECT_EQ(count(), "4");
  EXPECT_TRUE(verify_postgres(address()).value().damage.empty());
}

TEST_F(Partitions, ByRangeOfPositionServeAllTheSame) {
  const auto store = open("&annals_partitions=3&annals_partition_events=50");
  serve(*store);
  EXPECT_EQ(count(), "4");
  for (const std::string one : {"0", "1", "2", "rest"})
    EXPECT_EQ(sql.value("SELECT count(*) FROM " + schema + ".events_" + one), "50") << one;
  EXPECT_TRUE(verify_postgres(address()).value().damage.empty());
}

// The rest holds three ranges: they become one. Then it is empty, and becomes one of the usual
// width.
TEST_F(Partitions, ByRangeAreAddedBetweenTheOthersAndTheRest) {
  const auto store = open("&annals_partitions=1&annals_partition_events=50");
  serve(*store);
  sql.run("SET search_path = " + schema);
  for (const auto& [name, first, last] :
       {std::tuple("events_1", 51U, 200U), std::tuple("events_2", 201U, 250U)}) {
    const auto made = add_postgres_partition(address());
    ASSERT_TRUE(made) << made.error().to_string();
    EXPECT_EQ(made->name, name);
    EXPECT_EQ(made->first.sequence, first);
    EXPECT_EQ(made->last.sequence, last);
  }
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(append(*store, "order-1", noted()));
  EXPECT_EQ(sql.value("SELECT count(*) FROM events_1"), "150");
  EXPECT_EQ(sql.value("SELECT count(*) FROM events_2"), "50");
  EXPECT_EQ(sql.value("SELECT count(*) FROM events_rest"), "150");
  EXPECT_EQ(texts(*store).size(), 400U);
  EXPECT_TRUE(verify_postgres(address()).value().damage.empty());
}

// An append goes between the look at what the rest holds and the change, unless there is the lock.
TEST_F(Partitions, ByRangeAreAddedWhileOthersAppendConcurrently) {
  const auto store = open("&annals_partitions=1&annals_partition_events=20");
  std::atomic<bool> stop{false};
  std::uint64_t appended = 0;
  std::thread writer([&] {
    for (; !stop; ++appended) EXPECT_TRUE(append(*store, "order-1", noted()));
  });
  for (int i = 0; i < 20; ++i) {
    const auto made = add_postgres_partition(address());
    EXPECT_TRUE(made) << made.error().to_string();
  }
  stop = true;
  writer.join();
  EXPECT_EQ(count(), "22");
  EXPECT_EQ(texts(*store).size(), appended);
  EXPECT_TRUE(verify_postgres(address()).value().damage.empty());
}

TEST_F(Partitions, ByRangeAreNotAddedWhereThereAreNone) {
  EXPECT_EQ(add_postgres_partition(address()).error().code(), errc::not_a_store);
  open("&annals_partitions=2");
  const auto refused = add_postgres_partition(address());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), errc::unsupported);
  EXPECT_NE(refused.error().message().find("annals_partition_events"), std::string::npos);
  EXPECT_TRUE(append(*open(), "order-1", noted()));
}

TEST_F(Partitions, ThatMakeNoSenseAreRefused) {
  for (const std::string wrong : {"&annals_partitions=1001", "&annals_partition_events=50"}) {
    const auto refused = open_postgres(address(wrong));
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().code(), errc::invalid_argument);
    EXPECT_NE(refused.error().message().find("annals_partitions"), std::string::npos);
  }
}

}  // namespace
}  // namespace annals_test
