#pragma once

#include <cstdint>
#include <exception>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "annals/version.h"

namespace annals {
inline namespace v1 {

/// Every way in which a call can fail as expected. Closed: numbers are stored in no file, but exit
/// codes, gRPC statuses and HTTP problems hang on the names (docs/errors.md lists them all).
enum class errc : std::uint8_t {
  aggregate_not_found,   ///< no events where some were needed
  version_conflict,      ///< the stream is not at the expected version
  condition_failed,      ///< an event matching an append condition exists
  rejected,              ///< the domain said no; see error::reason()
  command_id_reused,     ///< the command id is known, with other content
  serialization_error,   ///< a payload could not be encoded or decoded
  database_error,        ///< the storage below failed
  disk_full,             ///< no space left; nothing was stored, reads go on
  store_failed,          ///< an earlier write failed: no appends until the store is opened again
  store_corrupt,         ///< damage in what was stored
  store_in_use,          ///< another process writes, or others hold the server's locks; try again
  store_too_new,         ///< written by a newer format than this program knows
  not_a_store,           ///< the address does not hold a store
  invalid_argument,      ///< an argument breaks the contract of the call
  limit_exceeded,        ///< a named limit was passed
  overloaded,            ///< too much in flight; try again when some has completed
  shutting_down,         ///< the store is closing
  in_doubt,              ///< it may or may not have been stored; send the same command id again
  unsupported,           ///< this engine cannot honour that clause
  stream_gone,           ///< the stream has a tombstone
  history_truncated,     ///< events needed for folding were removed by retention
  checkpoint_diverged,   ///< the checkpoint names another history
  stream_key_collision,  ///< the stream key belongs to another name
  handler_failed,        ///< a user's handler threw on one of our threads
  malformed_input,       ///< a file or document given by the user is not well-formed
  file_error,            ///< a file given by the user cannot be read or written
};

/// The name of a code as it stands in messages, JSON output and telemetry, e.g. "version_conflict".
std::string_view name_of(errc code) noexcept;
/// The gRPC status number of a code (google.rpc.Code).
int grpc_status_of(errc code) noexcept;
/// The HTTP status of a code (RFC 9457 problem).
int http_status_of(errc code) noexcept;
/// The exit code our programs end with; 0 and 1 are never returned (docs/errors.md).
int exit_code_of(errc code) noexcept;

/// Why an append was refused: the clause, and the event that broke it.
struct refusal {
  std::string clause{};    ///< "streams[0].expect", "unless[1]", "command_id"
  std::string stream{};    ///< the stream of the event that broke it
  std::string expected{};  ///< what the writer believed, e.g. "at(3)"
  version actual{};        ///< version of that stream, or of the event that broke the clause
  std::string position{};  ///< printed position of the event that broke it; empty when none did
  std::string event_id{};  ///< canonical UUID of that event; empty when there is none
};

/// What went wrong, for programs (`code`, `refusal`) and for people (`message`).
///
/// Threads: a value; copies share their immutable detail.
class error {
 public:
  error(errc code, std::string message);
  error(errc code, std::string message, refusal why);

  /// A rejection by the domain: `reason` is a stable code such as "not_created".
  static error rejected(std::string reason, std::string message);

  errc code() const noexcept { return code_; }
  /// Names what is wrong and what to do, in one sentence or two.
  const std::string& message() const& noexcept;
  /// Of a temporary by value, so that `const auto& text = call().error().message()` is safe.
  std::string message() const&& { return message(); }
  /// The domain's stable code; empty unless `code() == errc::rejected`.
  const std::string& reason() const& noexcept;
  std::string reason() const&& { return reason(); }
  /// The refused clause; null unless an append was refused.
  const annals::refusal* why() const noexcept;
  /// True when the same call may succeed later without anybody changing the request.
  bool retryable() const noexcept;
  /// "version_conflict: stream order-… is at version 4, expected at(3)".
  std::string to_string() const;

 private:
  struct detail;
  errc code_;
  std::shared_ptr<const detail> detail_;
};

/// Thrown by `result::value()`; what() is the full text of the error.
class exception : public std::exception {
 public:
  explicit exception(annals::error cause) : error_(std::move(cause)), text_(error_.to_string()) {}
  const char* what() const noexcept override { return text_.c_str(); }
  const annals::error& error() const noexcept { return error_; }

 private:
  annals::error error_;
  std::string text_;
};

/// A value or an `error`. Dropping one is a compiler warning (an error in CI).
template <class T>
class [[nodiscard]] result : public std::expected<T, annals::error> {
 public:
  using base = std::expected<T, annals::error>;
  using base::base;

  T& value() & { return check(), **this; }
  const T& value() const& { return check(), **this; }
  /// By value, so that `for (auto& one : call().value())` does not outlive what it walks.
  T value() && {
    check();
    return std::move(**this);
  }

 private:
  void check() const {
    if (!this->has_value()) throw exception(this->error());
  }
};

template <>
class [[nodiscard]] result<void> : public std::expected<void, annals::error> {
 public:
  using base = std::expected<void, annals::error>;
  using base::base;

  void value() const {
    if (!this->has_value()) throw exception(this->error());
  }
};

/// Shorthand for returning an error from a function with any result type.
inline std::unexpected<error> fail(errc code, std::string message) {
  return std::unexpected<error>(error(code, std::move(message)));
}

}  // namespace v1
}  // namespace annals
