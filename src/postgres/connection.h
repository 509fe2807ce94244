#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "annals/env.h"
#include "doorbell.h"
#include "failure.h"
#include "parameters.h"
#include "rows.h"

struct pg_conn;
struct pollfd;

namespace annals {
inline namespace v1 {
namespace postgres {

using clock_reading = std::chrono::nanoseconds;  ///< of env::monotonic()

/// A statement that a connection prepares when it first runs it. The name stands for the text.
struct statement {
  std::string name{};  ///< empty: not kept
  std::string sql{};
};

/// A statement with its parameters.
struct command {
  const statement* what = nullptr;
  std::vector<parameter> parameters{};
};

/// What a session is for.
enum class session : std::uint8_t {
  write,  ///< READ COMMITTED, on a server that takes writes
  read,   ///< REPEATABLE READ READ ONLY: what is sent together sees one state
};

/// How connections are made.
struct connect_options {
  std::string conninfo{};                   ///< as libpq takes it, URI or keywords
  std::chrono::seconds connect_timeout{5};  ///< for each host
  bool durable = true;                      ///< acknowledged commits are on disk
  bool needs_primary = true;                ///< sessions for reading too
};

/// A connection to the server, in libpq's non-blocking mode.
///
/// Threads: one at a time.
class connection {
 public:
  /// Errors:  whatever the server or libpq says; passwords are never part of it.
  /// Blocks:  for connect_timeout on each host.
  static outcome<std::unique_ptr<connection>> open(env& environment, const connect_options& options,
                                                   session kind);
  /// Uses a connection that somebody else has made, until the object ends; then it is as it was.
  static std::unique_ptr<connection> borrow(env& environment, pg_conn* of_another);
  ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  /// Runs statements in one round trip and, outside a transaction block, as one transaction: all
  /// or nothing. Answers the rows of each.
  ///
  /// Blocks:  until the server has answered, or until `deadline`; then the connection is lost.
  outcome<std::vector<rows>> run(std::span<const command> commands, clock_reading deadline);
  outcome<std::vector<rows>> run(std::initializer_list<command> commands, clock_reading deadline) {
    return run(std::span(commands.begin(), commands.size()), deadline);
  }
  /// The same in two steps, so that a caller works while the server does. More may be sent before
  /// the first is received; each is a transaction of its own, and they are received in order.
  outcome<void> send(std::span<const command> commands, clock_reading deadline);
  outcome<std::vector<rows>> receive(clock_reading deadline);
  /// Waits until the server begins to answer what was sent first, or until the bell is rung; true
  /// for the answer. What goes wrong counts as one: receive() tells of it.
  bool answers_before(const doorbell& bell, clock_reading deadline);
  /// Runs several statements without parameters, as one transaction unless they say otherwise.
  outcome<void> run_script(const std::string& sql, clock_reading deadline);
  /// Ends a transaction that is not to be; where that fails, the end of the connection does it.
  void roll_back(clock_reading deadline);
  /// Sends rows by COPY … FROM STDIN (FORMAT binary), in pieces of any size, so that the server
  /// stores what has come while the next piece is made. What it refuses is told at the end.
  outcome<void> begin_copy(const std::string& copy, clock_reading deadline);
  outcome<void> continue_copy(std::string_view piece, clock_reading deadline);
  outcome<void> end_copy(clock_reading deadline);

  /// True when the commit received last came with a warning: a wait for a standby that was cut
  /// short.
  bool warned() const noexcept { return warned_; }
  const std::string& warning() const noexcept { return warning_; }
  /// True when the server has not hung up, as far as is known without asking it.
  bool usable() noexcept;
  /// True inside a transaction block that has not failed.
  bool in_transaction() const noexcept;
  bool idle() const noexcept;
  pg_conn* native() noexcept { return conn_; }
  int socket() const noexcept;
  int server_version() const noexcept;
  std::string setting(const char* reported) const;  ///< "server_encoding", "in_hot_standby"
  /// Takes what notifications have come; true when there were any.
  bool take_notifications() noexcept;
  clock_reading last_used() const noexcept { return last_used_; }

 private:
  connection(env& environment, pg_conn* conn, bool owned);

  struct expected_result {
    std::string prepared{};  // a statement's name; empty: the rows of one
  };

  failure lost(std::string_view doing);
  failure failed(const pg_result* result) const;
  outcome<void> flush(clock_reading deadline);
  outcome<void> wait_readable(clock_reading deadline);
  outcome<void> wait(short events, clock_reading deadline);
  outcome<void> wait(std::span<pollfd> asked, clock_reading deadline);
  outcome<void> set_up(const connect_options& options, session kind);
  outcome<pg_result*> next_result(clock_reading deadline);
  outcome<void> end_of_script(clock_reading deadline);
  static void hear(void* self, const pg_result* notice);

  env& env_;
  pg_conn* conn_;
  bool owned_;
  bool was_nonblocking_ = false;                             // of a borrowed one
  void (*old_receiver_)(void*, const pg_result*) = nullptr;  // likewise
  std::unordered_set<std::string> prepared_{};
  std::deque<std::vector<expected_result>> expected_{};  // of each sending
  bool warned_ = false;
  std::string warning_{};
  clock_reading last_used_{};
};

}  // namespace postgres
}  // namespace v1
}  // namespace annals
