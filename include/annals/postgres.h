#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "annals/store.h"

struct pg_conn;  // libpq's PQ connection

namespace annals {
inline namespace v1 {

/// The type of the column that holds JSON payloads. Chosen when a store is made.
enum class payload_column : std::uint8_t {
  json,   ///< byte for byte as given
  jsonb,  ///< rendered anew for every row read; refuses \u0000 and lone surrogates
};

/// How a store on PostgreSQL is opened. Each setting may stand in the address too, as annals_NAME.
struct postgres_options {
  bool create = true;      ///< make what is missing of the schema, or migrate an older one
  bool read_only = false;  ///< no connection for writing; the server may be a standby
  uuid store_id{};         ///< of a new store, to make it the copy of another; nil: a new one

  std::string schema = "annals";                  ///< where the tables are
  payload_column payload = payload_column::json;  ///< of a new store
  std::uint32_t partitions = 0;        ///< of a new store: events in so many, by hash; 0: one table
  std::uint32_t partition_events = 0;  ///< and by range of so many positions each, not by hash
  annals::durability durability = durability::power_loss;  ///< or os: synchronous_commit off
  std::uint32_t connections = 20;              ///< at most, beside those that write and listen
  std::chrono::seconds connect_timeout{5};     ///< for each host
  std::chrono::milliseconds deadline{30'000};  ///< of a call, retries included
  std::chrono::milliseconds poll{100};  ///< how often notify_past looks where it hears nothing
  bool listen = true;                   ///< LISTEN and NOTIFY; false: polling alone
};

/// Opens a store in a PostgreSQL database: `postgres://user@host:port/database?annals_schema=name`,
/// or `postgres:` and libpq's keywords. Passwords and TLS come from where libpq reads them.
///
/// Any number of processes may write one store. A store opened read-only serves reads from a
/// standby, as far as that has come.
///
/// Errors:  invalid_argument for the address; database_error where the server cannot be reached or
///          refuses; not_a_store, store_too_new, unsupported (server too old, encoding).
/// Blocks:  while connecting, and while the schema is made.
/// Source:  docs/postgres.md; docs/adr/0030-group-commit-on-postgres.md.
result<std::unique_ptr<event_store>> open_postgres(std::string_view address,
                                                   const postgres_options& options = {},
                                                   env& environment = posix_env());

/// Appends events in a transaction of the caller's own SQL: both are committed, or neither.
///
/// `store` is one that open_postgres made. `your_sql` gets a connection inside a transaction and
/// runs what it likes, but COMMIT, ROLLBACK and PREPARE TRANSACTION; the append comes last, and the
/// commit at once. With `connection` it is the caller's own, idle; else one of the store's pool.
///
/// Errors:  those of append; whatever `your_sql` answers, with nothing stored; store_in_use for a
///          deadlock or a lock time-out: try again. in_doubt when the connection was lost in the
///          commit and it could not be found out.
/// Blocks:  as append; holds the lock of appends from its check to the commit's end.
/// Cost:    three round trips and your own; serial, some thousands a second for all writers.
result<appended> with_transaction(event_store& store,
                                  const std::function<result<void>(pg_conn*)>& your_sql,
                                  const append_request& request, pg_conn* connection = nullptr);

/// The options as an address has them, over those given.
///
/// Errors:  invalid_argument, naming what is wrong; never a password.
result<postgres_options> postgres_options_of(std::string_view address,
                                             const postgres_options& given = {});

/// A script that a person can review: the library and `annals migrate` run the same.
struct migration {
  int version = 0;
  std::string name{};
  std::string sql{};
};

/// The scripts that make a store of these options, in order, with its names filled in.
std::vector<migration> postgres_migrations(const postgres_options& options = {});

/// What roles need and no more: `writer` appends, `reader` reads. To be run after the migrations.
std::string postgres_roles(const postgres_options& options, std::string_view writer,
                           std::string_view reader);

/// Makes the schema or brings it up to date, in one transaction under a lock. Answers the names of
/// the scripts that were run; none when it was up to date.
///
/// Errors:  those of open_postgres; two processes may do this at once.
result<std::vector<std::string>> migrate_postgres(std::string_view address,
                                                  const postgres_options& options = {},
                                                  env& environment = posix_env());

/// A partition of the events by range: the positions that it takes, both included.
struct postgres_partition {
  std::string name{};
  position first{};
  position last{};
};

/// Makes a further range of a store that is partitioned by position: the last partition, which
/// takes whatever comes, becomes a range as wide as the narrowest of the others, or a multiple
/// where it holds more; a new one takes what comes behind. In one transaction, under the lock of
/// appends.
///
/// Errors:  unsupported where the store has no partitions by range; store_in_use, with nothing
///          changed, where others hold the events for ten seconds; database_error 42501 for who is
///          not the owner; those of open_postgres.
/// Blocks:  reads and appends meanwhile: the server reads what the range holds once.
result<postgres_partition> add_postgres_partition(std::string_view address,
                                                  const postgres_options& options = {},
                                                  env& environment = posix_env());

/// What verify_postgres found: counts, and every piece of damage in words, up to a hundred of a
/// kind.
struct postgres_report {
  std::uint64_t events = 0;
  std::uint64_t streams = 0;
  std::vector<std::string> damage{};
};

/// Checks what no constraint of the tables does: that positions are dense but for `holes`, each
/// there once and recorded in their order, that versions are dense in each stream, in the same
/// order, and that what events and tags refer to is there. Reads one state of the store; it may be
/// written meanwhile.
///
/// Errors:  those of open_postgres.
/// Blocks:  for some passes over all events.
/// Cost:    temporary files on the server, where sorting takes more than its work_mem.
result<postgres_report> verify_postgres(std::string_view address,
                                        const postgres_options& options = {},
                                        env& environment = posix_env());

}  // namespace v1
}  // namespace annals
