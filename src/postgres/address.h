#pragma once

#include <string>
#include <string_view>

#include "annals/postgres.h"

namespace annals {
inline namespace v1 {
namespace postgres {

/// An address taken apart: what libpq reads, what we read, and what may be shown.
struct parsed_address {
  std::string conninfo{};
  postgres_options options{};
  std::string shown{};  ///< host, port, database and schema; never a password
};

/// Reads `postgres://…`, `postgresql://…` or `postgres:KEYWORDS`; our own settings, named annals_…,
/// go over those of `given`.
///
/// Errors:  invalid_argument, naming what is wrong, never a password.
result<parsed_address> parse_address(std::string_view address, const postgres_options& given);

/// An identifier in double quotes.
std::string quoted(std::string_view identifier);

}  // namespace postgres
}  // namespace v1
}  // namespace annals
