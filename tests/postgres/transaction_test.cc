// with_transaction: a caller's own SQL and events, committed together or not at all.
#include "server.h"

namespace annals_test {
namespace {

using namespace annals;

class Transaction : public PostgresTest {
 public:
  void SetUp() override {
    store = open();
    sql.run("CREATE TABLE " + schema + ".orders (id INT PRIMARY KEY, status TEXT)");
  }
  /// Runs SQL of the test's own, and appends one event to order-1.
  result<appended> both(const std::string& own, expect expected = expect::any(),
                        pg_conn* connection = nullptr, const uuid& command = {}) {
    const auto event = noted();
    const stream_write write{"order-1", expected, std::span(&event, 1)};
    return with_transaction(
        *store,
        [&](pg_conn* conn) -> result<void> {
          auto* const got = PQexec(conn, own.c_str());
          const bool done = PQresultStatus(got) == PGRES_COMMAND_OK;
          const std::string said = PQresultErrorMessage(got);
          PQclear(got);
          if (done) return {};
          return fail(errc::handler_failed, said);
        },
        {.streams = std::span(&write, 1), .context = {.command_id = command}}, connection);
  }
  std::string insert(int id) const {
    return "INSERT INTO " + schema + ".orders VALUES (" + std::to_string(id) + ", 'new')";
  }
  std::string orders() { return sql.value("SELECT count(*) FROM " + schema + ".orders"); }

  std::unique_ptr<event_store> store{};
};

TEST_F(Transaction, CommitsBoth) {
  const auto stored = both(insert(1));
  ASSERT_TRUE(stored) << stored.error().to_string();
  EXPECT_EQ(stored->stream_version, version{1});
  EXPECT_EQ(orders(), "1");
  EXPECT_EQ(texts(*store).size(), 1U);
  ASSERT_TRUE(append(*store, "order-1", noted(), expect::at({1})));
}

TEST_F(Transaction, OfARefusedAppendLeavesNothing) {
  EXPECT_EQ(both(insert(1), expect::at({4})).error().code(), errc::version_conflict);
  EXPECT_EQ(orders(), "0");
  EXPECT_TRUE(texts(*store).empty());
}

TEST_F(Transaction, OfSqlThatFailsAppendsNothing) {
  ASSERT_TRUE(both(insert(1)));
  EXPECT_EQ(both(insert(1)).error().code(), errc::handler_failed);
  EXPECT_EQ(texts(*store).size(), 1U);
}

TEST_F(Transaction, IsNotTheCallersToEnd) {
  for (const std::string end : {"COMMIT", "ROLLBACK", "PREPARE TRANSACTION 'mine'"}) {
    const auto refused = both(end);
    ASSERT_FALSE(refused) << end;
    EXPECT_TRUE(refused.error().code() == errc::invalid_argument ||
                refused.error().code() == errc::handler_failed)  // prepared ones may be off
        << refused.error().to_string();
  }
  EXPECT_TRUE(texts(*store).empty());
}

TEST_F(Transaction, RunsOnTheCallersConnectionAndLeavesItAsItWas) {
  sql_session own;
  ASSERT_TRUE(both(insert(1), expect::none(), own.native()));
  ASSERT_TRUE(both(insert(2), expect::at({1}), own.native()));
  EXPECT_EQ(own.value("SELECT count(*) FROM " + schema + ".orders"), "2");
  own.run("BEGIN");
  EXPECT_EQ(both(insert(3), expect::any(), own.native()).error().code(), errc::invalid_argument);
  own.run("COMMIT");
  EXPECT_EQ(orders(), "2");
}

TEST_F(Transaction, OfAKnownCommandIsRolledBack) {
  const auto id = make_uuid_v5({}, schema);
  ASSERT_TRUE(both(insert(1), expect::any(), nullptr, id));
  const auto again = both(insert(2), expect::any(), nullptr, id);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->already_applied);
  EXPECT_EQ(orders(), "1") << "your SQL was committed the first time";
  EXPECT_EQ(texts(*store).size(), 1U);
}

TEST_F(Transaction, ThatCannotHaveTheLockInTimeIsWorthAnotherTry) {
  sql.run("BEGIN; SELECT 1 FROM " + schema + ".position FOR UPDATE");
  const auto refused = both(insert(1));
  sql.run("COMMIT");
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().retryable());
  EXPECT_NE(refused.error().message().find("SQLSTATE 55P03"), std::string::npos);
  EXPECT_EQ(orders(), "0");
}

TEST_F(Transaction, NeedsAStoreOnPostgres) {
  const auto other = open();
  EXPECT_TRUE(other->close());
  const auto event = noted();
  const stream_write write{"order-1", expect::any(), std::span(&event, 1)};
  EXPECT_EQ(with_transaction(*other, [](pg_conn*) { return result<void>{}; },
                             {.streams = std::span(&write, 1)})
                .error()
                .code(),
            errc::shutting_down);
}

}  // namespace
}  // namespace annals_test
