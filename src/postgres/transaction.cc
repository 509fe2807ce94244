// Appends in a transaction of the caller's own SQL. See annals/postgres.h.
#include "annals/assert.h"
#include "annals/limits.h"
#include "core/request_checks.h"
#include "postgres_store.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

constexpr std::string_view longest_wait = "5s";   // for the lock of appends
constexpr std::string_view longest_idle = "10s";  // with that lock held

error ended_by_caller() {
  return {errc::invalid_argument,
          "your SQL ended the transaction (COMMIT, ROLLBACK or PREPARE TRANSACTION): leave that "
          "to with_transaction; what it did before may be stored"};
}

}  // namespace

result<appended> postgres_store::append_with(const std::function<result<void>(pg_conn*)>& your_sql,
                                             const append_request& request, pg_conn* own) {
  if (auto open = check_open(); !open) return std::unexpected(open.error());
  if (!writer_) return std::unexpected(refuses_writes());
  if (auto checked = check_append(request, info_); !checked)
    return std::unexpected(checked.error());
  auto draft = draft_of(request, sql_.payload, environment().now(), environment());
  if (!draft) return std::unexpected(draft.error());
  std::unique_ptr<connection> on;
  if (own != nullptr) {
    on = connection::borrow(environment(), own);
    if (!on->idle())
      return fail(errc::invalid_argument,
                  "the connection is inside a transaction, or in use; with_transaction begins one");
  } else {
    auto made = connection::open(environment(), connect_, session::write);
    if (!made) return std::unexpected(to_error(made.error(), "connecting"));
    on = std::move(*made);
  }
  return append_inside(*on, *draft, your_sql);
}

result<appended> postgres_store::append_inside(
    connection& on, const append_draft& draft,
    const std::function<result<void>(pg_conn*)>& your_sql) {
  const auto until = environment().monotonic() + options_.deadline;
  const auto roll_back = [&](error why) -> result<appended> {
    if (!on.idle()) on.roll_back(until);
    return std::unexpected(std::move(why));
  };
  auto ready = writer_->prepare(on, draft, until);
  if (!ready) return std::unexpected(to_error(ready.error(), "appending"));
  if (auto begun = on.run_script("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; "
                                 "SET LOCAL lock_timeout = '" +
                                     std::string(longest_wait) +
                                     "'; SET LOCAL idle_in_transaction_session_timeout = '" +
                                     std::string(longest_idle) + "'",
                                 until);
      !begun)
    return std::unexpected(to_error(begun.error(), "beginning a transaction"));
  auto yours = your_sql(on.native());
  if (!yours) return roll_back(yours.error());
  if (on.idle()) return std::unexpected(ended_by_caller());
  if (!on.in_transaction())
    return roll_back({errc::database_error, "your SQL failed; nothing was stored"});
  auto answer = writer_->append_on(on, *ready, until);
  if (!answer) return roll_back(answer.error());
  if (answer->already_applied) {  // then your SQL was committed with it, the first time
    on.roll_back(until);
    return answer;
  }
  const auto committed = on.run_script("COMMIT", until);
  if (committed && !on.warned()) return answer;
  return writer_->look_for(
      *ready, committed ? failure{.message = on.warning(), .lost = true} : committed.error());
}

}  // namespace postgres

result<appended> with_transaction(event_store& store,
                                  const std::function<result<void>(pg_conn*)>& your_sql,
                                  const append_request& request, pg_conn* connection) {
  ANNALS_ASSERT(!inside_completion(),
                "a blocking call inside a completion; with_transaction has no other form");
  auto* const on = dynamic_cast<postgres::postgres_store*>(&store);
  if (on == nullptr)
    return fail(errc::unsupported,
                "with_transaction needs a store on PostgreSQL, this one is " + store.info().engine);
  return on->append_with(your_sql, request, connection);
}

}  // namespace v1
}  // namespace annals
