#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "annals/requests.h"

namespace annals {
inline namespace v1 {
namespace postgres {

/// What the column `metadata` keeps of an event: what no other column holds. docs/postgres.md,
/// "The column metadata", has the names.
struct stored_metadata {
  uuid command_id{};
  uuid correlation_id{};
  uuid causation_id{};
  trace_context trace{};
  std::string tracestate{};
  std::vector<std::string> tags{};
  std::string user{};
  std::optional<std::int64_t> timestamp_us{};  ///< of a time that TIMESTAMPTZ cannot hold
  std::string listed_first{};  ///< the stream the append listed first; empty: its first event's
};

/// What an event adds to what its whole append has.
struct event_extras {
  std::span<const std::string_view> tags{};
  std::optional<std::int64_t> timestamp_us{};
  std::string_view listed_first{};
};

/// Writes the column; empty where there is nothing to keep, which is stored as NULL.
std::string write_metadata(const append_context& context, const event_extras& extras);

/// Reads what was written; of other documents, what it knows.
stored_metadata read_metadata(std::string_view document);

}  // namespace postgres
}  // namespace v1
}  // namespace annals
