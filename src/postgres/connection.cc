#include "connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

std::string trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  std::string line(text);
  std::ranges::replace(line, '\n', ' ');
  return line;
}

std::string_view field(const pg_result* result, int code) noexcept {
  const char* const text = PQresultErrorField(result, code);
  return text == nullptr ? std::string_view() : std::string_view(text);
}

/// A failure to connect has no result to ask for its SQLSTATE; some say it in words.
std::string sqlstate_in(std::string_view message) {
  struct told {
    std::string_view words;
    const char* sqlstate;
  };
  constexpr std::array all{
      told{"root certificate file", "08001"},
      told{"password authentication failed", "28P01"},
      told{"no password supplied", "28P01"},
      told{"no pg_hba.conf entry", "28000"},
      told{"does not exist", ""},  // a role or a database: told apart below
      told{"the database system is", "57P03"},
      told{"too many clients", "53300"},
      told{"session is read-only", "25006"},
      told{"permission denied", "42501"},
  };
  for (const auto& one : all)
    if (message.find(one.words) != std::string_view::npos) {
      if (*one.sqlstate != '\0') return one.sqlstate;
      return message.find("database \"") != std::string_view::npos &&
                     message.find("role \"") == std::string_view::npos
                 ? "3D000"
                 : "28000";
    }
  return "08001";
}

}  // namespace

connection::connection(env& environment, pg_conn* conn, bool owned)
    : env_(environment), conn_(conn), owned_(owned), last_used_(environment.monotonic()) {}

connection::~connection() {
  if (owned_) {
    PQfinish(conn_);
    return;
  }
  PQsetNoticeReceiver(conn_, old_receiver_, nullptr);
  PQsetnonblocking(conn_, was_nonblocking_ ? 1 : 0);
}

outcome<std::unique_ptr<connection>> connection::open(env& environment,
                                                      const connect_options& options,
                                                      session kind) {
  const auto timeout = std::to_string(options.connect_timeout.count());
  std::vector<const char*> names{"fallback_application_name", "connect_timeout", "dbname"};
  std::vector<const char*> values{"annals", timeout.c_str(), options.conninfo.c_str()};
  names.push_back("client_encoding");
  values.push_back("UTF8");
  if (kind == session::write || options.needs_primary) {
    names.push_back("target_session_attrs");
    values.push_back("read-write");
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  auto* const conn = PQconnectdbParams(names.data(), values.data(), 1);
  if (conn == nullptr)
    return std::unexpected(failure{.message = "out of memory", .lost = true, .unsent = true});
  std::unique_ptr<connection> made(new connection(environment, conn, true));
  if (PQstatus(conn) != CONNECTION_OK) {
    auto message = trimmed(PQerrorMessage(conn));
    return std::unexpected(failure{
        .sqlstate = sqlstate_in(message), .message = message, .lost = true, .unsent = true});
  }
  if (PQsetnonblocking(conn, 1) != 0) return std::unexpected(made->lost("connecting"));
  PQsetNoticeReceiver(conn, &connection::hear, made.get());
  if (auto ready = made->set_up(options, kind); !ready) {
    auto problem = ready.error();
    problem.lost = problem.unsent = true;
    return std::unexpected(std::move(problem));
  }
  return made;
}

std::unique_ptr<connection> connection::borrow(env& environment, pg_conn* of_another) {
  std::unique_ptr<connection> made(new connection(environment, of_another, false));
  made->was_nonblocking_ = PQisnonblocking(of_another) != 0;
  made->old_receiver_ = PQsetNoticeReceiver(of_another, &connection::hear, made.get());
  PQsetnonblocking(of_another, 1);
  return made;
}

// Plans are made once for all parameters, and never scan a table that has an index: a plan made
// while the store was empty is still right when it is not.
outcome<void> connection::set_up(const connect_options& options, session kind) {
  std::string sql =
      "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; "
      "SET enable_mergejoin = off; SET jit = off; SET TimeZone = 'UTC';";
  if (kind == session::read) {
    sql +=
        "SET default_transaction_isolation = 'repeatable read'; "
        "SET default_transaction_read_only = on;";
  } else {
    sql += "SET default_transaction_isolation = 'read committed';";
    // What is stronger stays.
    sql += options.durable ? "SELECT set_config('synchronous_commit', 'on', false) "
                             "WHERE current_setting('synchronous_commit') <> 'remote_apply';"
                           : "SET synchronous_commit = off;";
  }
  return run_script(sql, env_.monotonic() + options.connect_timeout);
}

void connection::hear(void* self, const pg_result* notice) {
  auto* const of = static_cast<connection*>(self);
  if (field(notice, PG_DIAG_SEVERITY_NONLOCALIZED) != "WARNING") return;
  of->warned_ = true;
  of->warning_ = trimmed(PQresultErrorMessage(notice));
}

failure connection::lost(std::string_view doing) {
  const auto said = trimmed(PQerrorMessage(conn_));
  return {.sqlstate = "08006",
          .message = said.empty() ? std::string(doing) + ": the connection is lost" : said,
          .lost = true};
}

failure connection::failed(const pg_result* result) const {
  const auto state = field(result, PG_DIAG_SQLSTATE);
  auto primary = field(result, PG_DIAG_MESSAGE_PRIMARY);
  failure problem{.sqlstate = std::string(state), .message = trimmed(primary)};
  if (problem.message.empty()) problem.message = trimmed(PQresultErrorMessage(result));
  const auto detail = field(result, PG_DIAG_MESSAGE_DETAIL);
  if (!detail.empty()) problem.message += ": " + trimmed(detail);
  // The server has ended the session, or libpq has noticed that it is gone.
  problem.lost = state.starts_with("57P0") || state.starts_with("08") || state.empty();
  if (PQstatus(conn_) != CONNECTION_OK) problem.lost = true;
  return problem;
}

outcome<void> connection::wait(short events, clock_reading deadline) {
  pollfd asked{.fd = PQsocket(conn_), .events = events, .revents = 0};
  return wait(std::span(&asked, 1), deadline);
}

outcome<void> connection::wait(std::span<pollfd> asked, clock_reading deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - env_.monotonic());
    if (left.count() <= 0)
      return std::unexpected(failure{
          .sqlstate = "08006", .message = "the server has not answered in time", .lost = true});
    const auto timeout = std::min<std::int64_t>(left.count(), INT32_MAX);
    const int ready = ::poll(asked.data(), asked.size(), static_cast<int>(timeout));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return std::unexpected(lost("waiting"));
  }
}

outcome<void> connection::flush(clock_reading deadline) {
  for (;;) {
    const int left = PQflush(conn_);
    if (left == 0) return {};
    if (left < 0) return std::unexpected(lost("sending"));
    if (auto waited = wait(POLLIN | POLLOUT, deadline); !waited) return waited;
    if (PQconsumeInput(conn_) == 0) return std::unexpected(lost("sending"));
  }
}

outcome<void> connection::wait_readable(clock_reading deadline) {
  while (PQisBusy(conn_) != 0) {
    if (auto waited = wait(POLLIN, deadline); !waited) return waited;
    if (PQconsumeInput(conn_) == 0) return std::unexpected(lost("receiving"));
  }
  return {};
}

bool connection::answers_before(const doorbell& bell, clock_reading deadline) {
  if (PQisBusy(conn_) == 0) return true;
  pollfd asked[2] = {{.fd = PQsocket(conn_), .events = POLLIN, .revents = 0},
                     {.fd = bell.descriptor(), .events = POLLIN, .revents = 0}};
  return !wait(asked, deadline) || asked[0].revents != 0;
}

outcome<pg_result*> connection::next_result(clock_reading deadline) {
  if (auto waited = wait_readable(deadline); !waited) return std::unexpected(waited.error());
  return PQgetResult(conn_);
}

outcome<std::vector<rows>> connection::run(std::span<const command> commands,
                                           clock_reading deadline) {
  if (auto sent = send(commands, deadline); !sent) return std::unexpected(sent.error());
  return receive(deadline);
}

namespace {

/// The parameters of a command as libpq takes them.
class wire_parameters {
 public:
  explicit wire_parameters(const command& what) {
    for (const auto& one : what.parameters) {
      types.push_back(one.type);
      values.push_back(one.bytes ? one.bytes->data() : nullptr);
      lengths.push_back(one.bytes ? static_cast<int>(one.bytes->size()) : 0);
      formats.push_back(1);
    }
  }
  int size() const noexcept { return static_cast<int>(types.size()); }

  std::vector<Oid> types{};
  std::vector<const char*> values{};
  std::vector<int> lengths{};
  std::vector<int> formats{};
};

}  // namespace

outcome<void> connection::send(std::span<const command> commands, clock_reading deadline) {
  auto& expected = expected_.emplace_back();
  last_used_ = env_.monotonic();
  if (PQenterPipelineMode(conn_) == 0) return std::unexpected(lost("sending"));
  for (const auto& one : commands) {
    const wire_parameters with(one);
    const auto& name = one.what->name;
    if (name.empty()) {
      if (PQsendQueryParams(conn_, one.what->sql.c_str(), with.size(), with.types.data(),
                            with.values.data(), with.lengths.data(), with.formats.data(), 1) == 0)
        return std::unexpected(lost("sending"));
      expected.push_back({});
      continue;
    }
    if (prepared_.insert(name).second) {
      if (PQsendPrepare(conn_, name.c_str(), one.what->sql.c_str(), with.size(),
                        with.types.data()) == 0)
        return std::unexpected(lost("sending"));
      expected.push_back({name});
    }
    if (PQsendQueryPrepared(conn_, name.c_str(), with.size(), with.values.data(),
                            with.lengths.data(), with.formats.data(), 1) == 0)
      return std::unexpected(lost("sending"));
    expected.push_back({});
  }
  if (PQpipelineSync(conn_) == 0) return std::unexpected(lost("sending"));
  return flush(deadline);
}

outcome<std::vector<rows>> connection::receive(clock_reading deadline) {
  warned_ = false;
  std::vector<rows> answers;
  const auto expected = std::move(expected_.front());
  expected_.pop_front();
  std::optional<failure> problem;
  std::size_t at = 0;
  for (;;) {
    const auto got = next_result(deadline);
    if (!got) return std::unexpected(got.error());
    if (*got == nullptr) continue;  // between the results of two statements
    rows one(*got);
    const auto status = PQresultStatus(*got);
    if (status == PGRES_PIPELINE_SYNC) break;
    if (status == PGRES_FATAL_ERROR && !problem) problem = failed(*got);
    if (problem && problem->lost) return std::unexpected(*problem);
    const std::string none;
    const auto& prepared = at < expected.size() ? expected[at++].prepared : none;
    const bool done = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
    if (!done && !prepared.empty()) prepared_.erase(prepared);  // failed, or aborted
    if (done && prepared.empty()) answers.push_back(std::move(one));
  }
  if (expected_.empty() && PQexitPipelineMode(conn_) == 0)
    return std::unexpected(lost("receiving"));
  if (problem) return std::unexpected(*problem);
  return answers;
}

// Reads what a query of the simple protocol answers, to its end.
outcome<void> connection::end_of_script(clock_reading deadline) {
  std::optional<failure> problem;
  for (;;) {
    const auto got = next_result(deadline);
    if (!got) return std::unexpected(got.error());
    if (*got == nullptr) break;
    const rows one(*got);
    if (PQresultStatus(*got) == PGRES_FATAL_ERROR && !problem) problem = failed(*got);
    if (problem && problem->lost) break;
  }
  if (problem) return std::unexpected(*problem);
  return {};
}

void connection::roll_back(clock_reading deadline) {
  [[maybe_unused]] const auto ended = run_script("ROLLBACK", deadline);
}

outcome<void> connection::run_script(const std::string& sql, clock_reading deadline) {
  warned_ = false;
  last_used_ = env_.monotonic();
  if (PQsendQuery(conn_, sql.c_str()) == 0) return std::unexpected(lost("sending"));
  if (auto sent = flush(deadline); !sent) return sent;
  return end_of_script(deadline);
}

outcome<void> connection::begin_copy(const std::string& copy, clock_reading deadline) {
  if (PQsendQuery(conn_, copy.c_str()) == 0) return std::unexpected(lost("sending"));
  if (auto sent = flush(deadline); !sent) return sent;
  const auto begun = next_result(deadline);
  if (!begun) return std::unexpected(begun.error());
  const rows begin(*begun);
  if (PQresultStatus(*begun) != PGRES_COPY_IN) {
    auto problem = failed(*begun);
    [[maybe_unused]] const auto ended = end_of_script(deadline);  // the first error counts
    return std::unexpected(std::move(problem));
  }
  return {};
}

outcome<void> connection::continue_copy(std::string_view piece, clock_reading deadline) {
  constexpr std::size_t most = 1U << 20U;  // what libpq buffers at a time
  while (!piece.empty()) {
    const auto some = piece.substr(0, most);
    if (PQputCopyData(conn_, some.data(), static_cast<int>(some.size())) < 0)
      return std::unexpected(lost("copying"));
    if (auto sent = flush(deadline); !sent) return sent;
    piece.remove_prefix(some.size());
  }
  return {};
}

outcome<void> connection::end_copy(clock_reading deadline) {
  if (PQputCopyEnd(conn_, nullptr) < 0) return std::unexpected(lost("copying"));
  if (auto sent = flush(deadline); !sent) return sent;
  return end_of_script(deadline);
}

bool connection::usable() noexcept {
  if (PQstatus(conn_) != CONNECTION_OK || PQtransactionStatus(conn_) != PQTRANS_IDLE) return false;
  pollfd asked{.fd = PQsocket(conn_), .events = POLLIN, .revents = 0};
  if (::poll(&asked, 1, 0) == 0) return true;
  return PQconsumeInput(conn_) != 0 && PQstatus(conn_) == CONNECTION_OK;
}

bool connection::in_transaction() const noexcept {
  return PQtransactionStatus(conn_) == PQTRANS_INTRANS;
}

bool connection::idle() const noexcept {
  return PQtransactionStatus(conn_) == PQTRANS_IDLE;
}

int connection::socket() const noexcept {
  return PQsocket(conn_);
}

int connection::server_version() const noexcept {
  return PQserverVersion(conn_);
}

std::string connection::setting(const char* reported) const {
  const char* const value = PQparameterStatus(conn_, reported);
  return value == nullptr ? std::string() : std::string(value);
}

bool connection::take_notifications() noexcept {
  PQconsumeInput(conn_);
  bool any = false;
  while (auto* const one = PQnotifies(conn_)) {
    any = true;
    PQfreemem(one);
  }
  return any;
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
