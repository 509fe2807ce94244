#pragma once

#include "annals/postgres.h"
#include "connection.h"

namespace annals {
inline namespace v1 {
namespace postgres {

/// What verify_postgres does, on a session for reading. `schema` is quoted.
result<postgres_report> verify(connection& on, const std::string& schema, clock_reading deadline);

}  // namespace postgres
}  // namespace v1
}  // namespace annals
