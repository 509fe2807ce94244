#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "annals/result.h"

namespace annals {
inline namespace v1 {
namespace postgres {

/// Why a statement, or a connection, failed.
struct failure {
  std::string sqlstate{};  ///< empty where the server did not say one
  std::string message{};   ///< the server's, or libpq's; without what a connection string holds
  bool lost = false;       ///< the connection is gone, or of no more use
  bool unsent = false;     ///< what was to be done had not been sent

  /// True for failures that the same statements may not meet again: deadlocks, lock time-outs,
  /// cancelled statements, servers that start, end, or have too many connections.
  bool passing() const noexcept;
  /// True where the server says that what was sent, not the server, is at fault.
  bool of_data() const noexcept;
};

template <class T>
using outcome = std::expected<T, failure>;

/// The error a caller gets: what failed, the server's words with their SQLSTATE, and what to do.
///
/// `doing` begins the message: "appending", "reading".
error to_error(const failure& problem, std::string_view doing);

/// How a failure is told in the middle of a sentence: "message (SQLSTATE 12345)".
std::string words_of(const failure& problem);

}  // namespace postgres
}  // namespace v1
}  // namespace annals
