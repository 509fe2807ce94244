// What goes wrong on a server, and what a caller is told. docs/postgres.md, "What can go wrong".
#include <thread>

#include "server.h"

namespace annals_test {
namespace {

using namespace annals;

template <class T>
void says(const result<T>& answer, errc code, std::initializer_list<std::string> parts) {
  ASSERT_FALSE(answer) << "where " << name_of(code) << " was due";
  const auto& text = answer.error().message();
  EXPECT_EQ(answer.error().code(), code) << text;
  for (const auto& part : parts) EXPECT_NE(text.find(part), std::string::npos) << text;
}

std::string with(std::string text, const std::string& what, const std::string& by) {
  return text.replace(text.find(what), what.size(), by);
}

class BadInput : public PostgresTest {};

TEST_F(BadInput, OfAnAddressIsNamedWithoutAPassword) {
  for (const std::string bad :
       {"postgres://me:geheim@h/db?sslmode", "postgres://me:geheim@h/db?annals_nothing=1",
        "postgres:host=h password=geheim annals_connections=none", "postgres:'",
        "postgres:nonsense",
        "postgres://h/db?annals_schema=", "postgres://h/db?annals_schema=pg_own"}) {
    const auto refused = open_postgres(bad);
    says(refused, errc::invalid_argument, {"the address of the store"});
    EXPECT_EQ(refused.error().message().find("geheim"), std::string::npos)
        << refused.error().message();
  }
}

TEST_F(BadInput, OfAServerThatIsDownIsToldWithTheAddress) {
  says(open_postgres("postgres:host=127.0.0.1 port=1 dbname=annals"), errc::database_error,
       {"connecting to postgres:", "host=127.0.0.1", "port=1", "refused", "SQLSTATE 08001"});
}

TEST_F(BadInput, OfAWrongPasswordIsToldWithoutIt) {
  sql.run(
      "DO $$ BEGIN CREATE ROLE annals_guarded LOGIN PASSWORD 'right'; "
      "EXCEPTION WHEN duplicate_object THEN NULL; END $$");
  const auto port = sql.value("SHOW port");
  const auto of = [&](const std::string& password) {
    return "postgres:host=127.0.0.1 port=" + port +
           " dbname=annals user=annals_guarded password=" + password;
  };
  const auto refused = open_postgres(of("geheim"), {.create = false});
  says(refused, errc::database_error, {"password", "SQLSTATE 28P01"});
  EXPECT_EQ(refused.error().message().find("geheim"), std::string::npos);
}

TEST_F(BadInput, OfAWrongDatabaseIsTold) {
  says(open_postgres(with(address(), "/annals?", "/nowhere?")), errc::database_error,
       {"nowhere", "SQLSTATE 3D000", "check the database's name"});
}

TEST_F(BadInput, OfAStoreThatIsNotThereIsToldWithWhatMakesOne) {
  says(open_postgres(address(), {.create = false}), errc::not_a_store, {schema, "annals migrate"});
}

TEST_F(BadInput, OfASchemaThatIsNewerOrForeignIsRefused) {
  open();
  sql.run("INSERT INTO " + schema + ".migrations VALUES (999, 'later')");
  says(open_postgres(address()), errc::store_too_new, {"999", "newer version"});
  sql.run("DROP SCHEMA " + schema + " CASCADE; CREATE SCHEMA " + schema + "; CREATE TABLE " +
          schema + ".migrations (id INT); CREATE TABLE " + schema + ".events (id INT)");
  says(open_postgres(address()), errc::not_a_store, {schema, "not of a store"});
  EXPECT_EQ(sql.value("SELECT count(*) FROM " + schema + ".events"), "0") << "it is left alone";
}

TEST_F(BadInput, OfADroppedTableIsToldAndTheStoreRecovers) {
  const auto store = open();
  ASSERT_TRUE(append(*store, "order-1", noted()));
  sql.run("ALTER TABLE " + schema + ".events RENAME TO gone");
  says(append(*store, "order-1", noted()), errc::store_corrupt, {"events", "SQLSTATE 42P01"});
  says(store->head(), errc::store_corrupt, {"SQLSTATE 42P01"});
  sql.run("ALTER TABLE " + schema + ".gone RENAME TO events");
  EXPECT_TRUE(append(*store, "order-1", noted(), expect::at({1})));
  EXPECT_EQ(texts(*store).size(), 2U);
}

TEST_F(BadInput, OfAStatementTimeoutIsToldAndNothingIsStored) {
  open();  // making the schema may take longer
  const auto store = open("&options=-c%20statement_timeout%3D100ms");
  ASSERT_TRUE(append(*store, "order-1", noted()));
  sql.run("BEGIN; SELECT 1 FROM " + schema + ".position FOR UPDATE");
  const auto refused = append(*store, "order-1", noted());
  sql.run("COMMIT");
  says(refused, errc::store_in_use, {"SQLSTATE 57014", "statement_timeout"});
  EXPECT_TRUE(append(*store, "order-1", noted(), expect::at({1})));
}

TEST_F(BadInput, OfEscapesThatJsonbRefusesIsStoredByJson) {
  const std::string nul = R"({"a":"\u0000"})";
  const std::string half = R"({"a":"\ud800"})";
  const std::string pair = R"({"a":"\ud83d\uded2"})";
  {
    const auto store = open();
    for (const auto& payload : {nul, half, pair})
      ASSERT_TRUE(append(*store, "a-1", noted(payload)));
    EXPECT_EQ(texts(*store), (std::vector<std::string>{nul, half, pair}));
    EXPECT_EQ(sql.value("SELECT count(event_data) FROM " + schema + ".events"), "3");
  }
  sql.run("DROP SCHEMA " + schema + " CASCADE");
  const auto store = open("&annals_payload=jsonb");
  says(append(*store, "a-1", noted(nul)), errc::serialization_error, {"\\u0000", "jsonb", "noted"});
  says(append(*store, "a-1", noted(half)), errc::serialization_error, {"\\ud800", "jsonb"});
  EXPECT_TRUE(append(*store, "a-1", noted(pair)));
  EXPECT_EQ(texts(*store).size(), 1U);
}

TEST_F(BadInput, OfInvalidUtf8IsRefusedAndOfTextThatIsNoJsonIsKept) {
  const auto store = open();
  says(append(*store, "a-1", noted("\"\xff\"")), errc::serialization_error,
       {"not UTF-8", "codec::binary"});
  ASSERT_TRUE(append(*store, "a-1", noted("{\"a\":}")));
  ASSERT_TRUE(append(*store, "a-1", noted(std::string(300, '['))));
  EXPECT_EQ(texts(*store), (std::vector<std::string>{"{\"a\":}", std::string(300, '[')}));
  EXPECT_EQ(sql.value("SELECT count(event_bytes) FROM " + schema + ".events WHERE codec = 0"), "2");
}

TEST_F(BadInput, OfNulInNamesIsRefused) {
  const auto store = open();
  const std::string type("a\0b", 3);
  says(append(*store, "a-1", noted("{}", type)), errc::invalid_argument, {"NUL", "type"});
  const std::string tag("key:\0", 5);
  const std::string_view tags[] = {tag};
  auto event = noted();
  event.tags = tags;
  says(append(*store, "a-1", event), errc::invalid_argument, {"NUL", "tag"});
  EXPECT_TRUE(texts(*store).empty());
}

TEST_F(BadInput, OfAPositionThatIsMissingIsDamageUnlessAHoleSaysWhy) {
  const auto store = open();
  for (int i = 1; i <= 9; ++i)
    ASSERT_TRUE(append(*store, "a-" + std::to_string(i), noted(std::to_string(i))));
  sql.run("DELETE FROM " + schema + ".events WHERE global_position IN (4, 5, 9)");
  const auto go_on = [](const event_batch&) { return flow::more; };
  says(store->read({}, go_on), errc::store_corrupt, {"position 4", "hole"});
  says(store->read({.direction = direction::backwards}, go_on), errc::store_corrupt,
       {"position 5"});
  EXPECT_EQ(store->read({.first = 6}, go_on).value().delivered, 3U);
  sql.run("INSERT INTO " + schema + ".holes VALUES (4, 5, 'erased')");
  EXPECT_EQ(texts(*store), (std::vector<std::string>{"1", "2", "3", "6", "7", "8"}));
  EXPECT_EQ(store->read({.direction = direction::backwards}, go_on).value().delivered, 6U);
}

TEST_F(BadInput, OfManyReadersConcurrentlyThanConnectionsWaits) {
  const auto store = open("&annals_connections=2");
  ASSERT_TRUE(append(*store, "a-1", noted()));
  std::vector<std::thread> readers;
  for (int i = 0; i < 12; ++i)
    readers.emplace_back([&] {
      for (int k = 0; k < 20; ++k) EXPECT_EQ(texts(*store).size(), 1U);
    });
  for (auto& one : readers) one.join();
}

}  // namespace
}  // namespace annals_test
