// Appends that are sent in the hope that nobody else has appended and that they pass.
#include "server.h"

namespace annals_test {
namespace {

using namespace annals;

class LonelyAppends : public PostgresTest {
 public:
  /// What the writing session was last asked: the optimistic statement, or that of groups.
  bool was_optimistic() {
    return sql.value("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%" + schema +
                     "%' AND query LIKE 'WITH gate AS%' AND application_name = '" + name + "'") ==
           "1";
  }
  /// Whether that had arrays for the values of its events.
  bool had_arrays() {
    return sql.value("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%" + schema +
                     "%' AND query LIKE '%unnest(%' AND application_name = '" + name + "'") == "1";
  }
  std::unique_ptr<event_store> open_named() { return open("&application_name=" + name); }
  const std::string name = "lonely_" + schema.substr(1, 12);
};

result<appended> append_once(event_store& store, std::string_view stream, const uuid& command_id,
                             std::span<const append_condition> unless = {},
                             std::string_view tag = "by:hand") {
  auto event = noted();
  const std::string_view tags[] = {tag};
  event.tags = tags;
  const stream_write write{stream, expect::any(), std::span(&event, 1)};
  return store.append(
      {.streams = std::span(&write, 1), .unless = unless, .context = {.command_id = command_id}});
}

TEST_F(LonelyAppends, ToAStreamThatHasEventsAreStoredByOneSmallStatement) {
  const auto store = open_named();
  ASSERT_TRUE(append(*store, "order-1", noted("0")));
  EXPECT_FALSE(was_optimistic());
  const auto second = append(*store, "order-1", noted("1"));
  EXPECT_TRUE(was_optimistic());
  EXPECT_EQ(second.value().first.sequence, 2U);
  EXPECT_EQ(second.value().stream_version, version{2});
  const auto third = append(*store, "order-1", noted("2"), expect::at({2}));
  EXPECT_TRUE(was_optimistic());
  EXPECT_EQ(third.value().stream_version, version{3});
  EXPECT_EQ(texts(*store), (std::vector<std::string>{"0", "1", "2"}));
}

TEST_F(LonelyAppends, OfOneEventGoWithoutArraysAndAreReadAsOfTwo) {
  const auto store = open_named();
  const auto command = make_uuid_v5({}, name);
  ASSERT_TRUE(append(*store, "order-1", noted("0")));
  auto binary = noted("\x01\xff\x02", "scanned");
  binary.codec = codec::binary;
  binary.schema = 7;
  binary.genesis = true;
  binary.event_id = make_uuid_v5(command, "scanned");
  binary.timestamp = time_point(std::chrono::microseconds(1'234'567));
  const auto json = noted(R"({"of": 1})");
  const auto send = [&](std::initializer_list<new_event> events, const uuid& as = {}) {
    const stream_write write{"order-1", expect::any(), events};
    return store->append({.streams = std::span(&write, 1), .context = {.command_id = as}}).value();
  };
  EXPECT_EQ(send({binary}).stream_version, version{2});
  EXPECT_FALSE(had_arrays());
  EXPECT_EQ(send({json}, command).stream_version, version{3});
  EXPECT_FALSE(had_arrays());
  EXPECT_TRUE(was_optimistic());
  binary.event_id = make_uuid_v5(command, "scanned again");
  EXPECT_EQ(send({binary, json}).stream_version, version{5});
  EXPECT_TRUE(had_arrays());
  EXPECT_TRUE(was_optimistic());
  std::vector<std::string> told;
  store
      ->read({.stream = "order-1", .from = {2}},
             [&](const event_batch& batch) {
               for (const auto& view : batch.events) {
                 const auto of = view.metadata();
                 told.push_back(of.event_type + ' ' + std::to_string(of.schema) + ' ' +
                                std::to_string(int(of.codec)) + ' ' +
                                (of.genesis ? "genesis " : "") + std::string(view.text()));
                 if (of.genesis) {
                   EXPECT_EQ(of.timestamp, *binary.timestamp);
                 }
               }
               return flow::more;
             })
      .value();
  const auto scanned = "scanned 7 " + std::to_string(int(codec::binary)) + " genesis \x01\xff\x02";
  const auto note = "noted 1 " + std::to_string(int(codec::json)) + R"( {"of": 1})";
  EXPECT_EQ(told, (std::vector<std::string>{scanned, note, scanned, note}));
  EXPECT_EQ(store->find_command(command).value()->result.first.sequence, 3U);
}

TEST_F(LonelyAppends, BehindThoseOfAnotherProcessAreToldTheirOwnPlace) {
  const auto store = open_named();
  const auto other = open();
  ASSERT_TRUE(append(*store, "order-1", noted("0")));
  for (std::uint64_t i = 1; i < 10; ++i) {
    auto& by = i % 3 == 0 ? *other : *store;
    const auto told = append(by, "order-1", noted(std::to_string(i)));
    EXPECT_EQ(told.value().first.sequence, i + 1);
    EXPECT_EQ(told.value().stream_version.number, i + 1);
  }
  EXPECT_EQ(texts(*store).size(), 10U);
}

TEST_F(LonelyAppends, ThatDoNotPassAreToldWhy) {
  const auto store = open_named();
  const auto other = open();
  ASSERT_TRUE(append(*store, "order-1", noted()));
  const auto late = append(*store, "order-1", noted(), expect::at({7}));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), errc::version_conflict);
  EXPECT_EQ(late.error().why()->actual, version{1});
  ASSERT_TRUE(append(*store, "order-2", noted()));
  ASSERT_TRUE(other->retain("order-2", {.tombstone = true}));
  const auto gone = append(*store, "order-2", noted());
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code(), errc::stream_gone);
  EXPECT_EQ(texts(*store).size(), 1U);
}

// The server confirms what the writer of an append believes of a stream that the store has not met.
TEST_F(LonelyAppends, ToStreamsThatAreNotKnownAreHeldAgainstWhatIsThere) {
  const auto other = open();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(append(*other, "order-1", noted()));
  const auto store = open_named();
  ASSERT_TRUE(append(*store, "order-2", noted()));
  const auto ahead = append(*store, "order-1", noted(), expect::at({7}));
  ASSERT_FALSE(ahead);
  EXPECT_EQ(ahead.error().code(), errc::version_conflict);
  EXPECT_EQ(ahead.error().why()->actual, version{3});
  const auto store_too = open_named();
  ASSERT_TRUE(append(*store_too, "order-2", noted()));
  const auto taken = append(*store_too, "order-1", noted(), expect::none());
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code(), errc::version_conflict);
  EXPECT_EQ(append(*store, "order-1", noted(), expect::at({3})).value().stream_version, version{4});
}

TEST_F(LonelyAppends, BeginStreamsByTheSmallStatementToo) {
  const auto store = open_named();
  ASSERT_TRUE(append(*store, "order-1", noted()));
  EXPECT_EQ(append(*store, "order-2", noted(), expect::none()).value().stream_version, version{1});
  EXPECT_TRUE(was_optimistic());
  const auto again = append(*store, "order-2", noted(), expect::none());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), errc::version_conflict);
  EXPECT_EQ(store->list_streams({}).value().size(), 2U);
}

TEST_F(LonelyAppends, HeedConditions) {
  const auto store = open_named();
  const std::string_view tags[] = {"email:one"};
  const query_item item{.tags = tags};
  const append_condition unless{.matching = {.items = std::span(&item, 1)}};
  const auto once = [&] {
    return append_once(*store, "user-1", {}, std::span(&unless, 1), "email:one");
  };
  ASSERT_TRUE(append(*store, "user-1", noted()));
  ASSERT_TRUE(once());
  EXPECT_TRUE(was_optimistic());
  const auto again = once();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), errc::condition_failed);
  EXPECT_EQ(again.error().why()->position, "2");
  EXPECT_EQ(texts(*store).size(), 2U);
}

TEST_F(LonelyAppends, RememberCommandIds) {
  const auto store = open_named();
  const auto command = make_uuid_v5({}, name);
  ASSERT_TRUE(append(*store, "order-1", noted()));
  const auto first = append_once(*store, "order-1", command);
  EXPECT_TRUE(was_optimistic());
  EXPECT_FALSE(first.value().already_applied);
  const auto again = append_once(*store, "order-1", command);
  EXPECT_TRUE(again.value().already_applied);
  EXPECT_EQ(again.value().first.sequence, first.value().first.sequence);
  EXPECT_EQ(again.value().stream_version, first.value().stream_version);
  const auto known = store->find_command(command).value();
  ASSERT_TRUE(known);
  EXPECT_EQ(known->result.first.sequence, 2U);
  const auto reused = append_once(*store, "order-2", command);
  ASSERT_FALSE(reused);
  EXPECT_EQ(reused.error().code(), errc::command_id_reused);
  EXPECT_EQ(texts(*store).size(), 2U);
}

}  // namespace
}  // namespace annals_test
