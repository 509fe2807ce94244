#pragma once

#include "annals/postgres.h"
#include "connection.h"

namespace annals {
inline namespace v1 {
namespace postgres {

/// What add_postgres_partition does, on a session for writing. `schema` is quoted.
result<postgres_partition> add_partition(connection& on, const std::string& schema,
                                         clock_reading deadline);

}  // namespace postgres
}  // namespace v1
}  // namespace annals
