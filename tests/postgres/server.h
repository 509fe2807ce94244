#pragma once

#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "annals/postgres.h"

/// The server that tests talk to: that of ANNALS_POSTGRES, else the one that ctest has started.
namespace annals_test {

using table = std::vector<std::vector<std::string>>;

inline std::string server_address() {
  if (const char* given = std::getenv("ANNALS_POSTGRES")) return given;
  const char* const binaries = std::getenv("ANNALS_BIN_DIR");
  std::ifstream file(std::string(binaries == nullptr ? "." : binaries) + "/../postgres.address");
  std::string address;
  std::getline(file, address);
  return address;
}

/// A name that no other test uses.
inline std::string unused_schema() {
  std::array<std::uint8_t, 16> random{};
  annals::posix_env().random(random);
  auto text = "t" + annals::make_uuid_v4(random).to_string();
  std::erase(text, '-');
  return text;
}

/// A connection of the test's own, beside those of stores.
class sql_session {
 public:
  explicit sql_session(const std::string& address = server_address())
      : conn_(PQconnectdb(address.c_str())) {
    EXPECT_EQ(PQstatus(conn_), CONNECTION_OK) << PQerrorMessage(conn_);
    PQsetNoticeProcessor(conn_, [](void*, const char*) {}, nullptr);
  }
  ~sql_session() { PQfinish(conn_); }
  sql_session(const sql_session&) = delete;
  sql_session& operator=(const sql_session&) = delete;

  table run(const std::string& sql) {
    auto* const got = PQexec(conn_, sql.c_str());
    const auto status = PQresultStatus(got);
    EXPECT_TRUE(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        << sql << ": " << PQresultErrorMessage(got);
    table rows;
    for (int i = 0; i < PQntuples(got); ++i) {
      auto& row = rows.emplace_back();
      for (int k = 0; k < PQnfields(got); ++k) row.emplace_back(PQgetvalue(got, i, k));
    }
    PQclear(got);
    return rows;
  }
  std::string value(const std::string& sql) {
    const auto rows = run(sql);
    return rows.empty() ? std::string() : rows[0][0];
  }
  /// The SQLSTATE of a statement that fails; empty when it does not.
  std::string refusal(const std::string& sql) {
    auto* const got = PQexec(conn_, sql.c_str());
    const char* const state = PQresultErrorField(got, PG_DIAG_SQLSTATE);
    const std::string text = state == nullptr ? "" : state;
    PQclear(got);
    return text;
  }
  pg_conn* native() { return conn_; }

 private:
  pg_conn* conn_;
};

/// A schema of its own, and stores in it; dropped at the end.
class PostgresTest : public ::testing::Test {
 public:
  void TearDown() override { sql.run("DROP SCHEMA IF EXISTS " + schema + " CASCADE"); }

  std::string address(const std::string& more = {}) const {
    return server_address() + "&annals_schema=" + schema + more;
  }
  std::unique_ptr<annals::event_store> open(const std::string& more = {},
                                            const annals::postgres_options& options = {}) const {
    return annals::open_postgres(address(more), options).value();
  }

  const std::string schema = unused_schema();
  sql_session sql{};
};

/// One event, JSON.
inline annals::new_event noted(std::string_view payload = "{}", std::string_view type = "noted") {
  return {.type = type, .payload = std::as_bytes(std::span(payload))};
}

inline annals::result<annals::appended> append(annals::event_store& store, std::string_view stream,
                                               const annals::new_event& event,
                                               annals::expect expected = annals::expect::any()) {
  const annals::stream_write write{stream, expected, std::span(&event, 1)};
  return store.append({.streams = std::span(&write, 1)});
}

/// The payloads of the whole store, in order.
inline std::vector<std::string> texts(annals::event_store& store) {
  std::vector<std::string> all;
  store
      .read({},
            [&](const annals::event_batch& batch) {
              for (const auto& view : batch.events) all.emplace_back(view.text());
              return annals::flow::more;
            })
      .value();
  return all;
}

/// Answers of completion forms, in the order in which they came.
class answers {
 public:
  annals::completion<annals::appended> slot() {
    return [this](annals::result<annals::appended> answer) {
      const std::scoped_lock lock(mutex_);
      all_.push_back(std::move(answer));
      ++count_;
      count_.notify_all();
    };
  }
  std::vector<annals::result<annals::appended>> wait_for(std::size_t wanted) {
    for (auto seen = count_.load(); seen < wanted; seen = count_.load()) count_.wait(seen);
    const std::scoped_lock lock(mutex_);
    return all_;
  }

 private:
  std::mutex mutex_{};
  std::vector<annals::result<annals::appended>> all_{};
  std::atomic<std::size_t> count_{0};
};

inline int rounds(int usual, int long_run) {
  return std::getenv("ANNALS_LONG") != nullptr ? long_run : usual;
}

}  // namespace annals_test
