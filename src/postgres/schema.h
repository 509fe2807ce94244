#pragma once

#include "annals/postgres.h"
#include "connection.h"

namespace annals {
inline namespace v1 {
namespace postgres {

/// What a schema was found to be.
struct schema_facts {
  uuid store_id{};
  payload_column payload = payload_column::json;
  int version = 0;  ///< of the newest script that was run; 0: there is none of our tables
};

/// Looks at a schema.
///
/// Errors:  not_a_store for tables that are not ours; store_too_new.
result<schema_facts> inspect(connection& on, const postgres_options& options,
                             clock_reading deadline);

/// Runs what is missing, in one transaction under a lock that is the schema's own. Answers names.
result<std::vector<std::string>> migrate(connection& on, const postgres_options& options,
                                         clock_reading deadline);

/// The schema with views as the mission names its tables.
std::string mission_schema_of(const postgres_options& options);

/// The newest script there is.
int newest_version();

}  // namespace postgres
}  // namespace v1
}  // namespace annals
