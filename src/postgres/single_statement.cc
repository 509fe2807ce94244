// The statement of a group of one append with one event, and nothing else asked of it: the lonely
// append, as scalars, at a third of the executor's work. See group_statement.h.
#include <algorithm>

#include "group_statement.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

// The rows are those of group_statement. `lonely` is one row whatever the store holds.
constexpr std::string_view single_sql = R"(WITH lonely AS MATERIALIZED (
  SELECT s.name AS holder, coalesce(h.version, 0) AS actual, h.global_position, h.event_id,
         coalesce(n.global_position, 0) AS base, n.event_id AS base_id,
         f.global_position AS found, coalesce(n.hlc # TURN, TURN) AS hlc,
         CASE WHEN s.name <> $2 THEN 1
              WHEN s.tombstone THEN 2
              WHEN NOT CASE $3 WHEN 0 THEN true WHEN 1 THEN h.version IS NULL
                               WHEN 2 THEN h.version IS NOT NULL
                               ELSE coalesce(h.version, 0) = $4 END THEN 3
              ELSE 0 END AS fault
  FROM (SELECT 1) one
  LEFT JOIN LATERAL (SELECT global_position, event_id, hlc FROM S.events
                     ORDER BY global_position DESC LIMIT 1) n ON true
  LEFT JOIN S.streams s ON s.stream_key = $1
  LEFT JOIN LATERAL (SELECT e.version, e.global_position, e.event_id FROM S.events e
                     WHERE e.aggregate_id = $5 AND e.category_id = $6
                     ORDER BY e.version DESC LIMIT 1) h ON true
  LEFT JOIN LATERAL (SELECT e.global_position FROM S.events e
                     WHERE e.global_position > $7 AND e.event_id = $8 LIMIT 1) f ON true),
stored AS (
  INSERT INTO S.events (global_position, event_id, aggregate_id, category_id, version, hlc,
                        timestamp, append_offset, schema_version, codec, genesis, event_type,
                        event_data, event_bytes, metadata)
  SELECT base + 1, $8, $5, $6, actual + 1, greatest(hlc + 1, $9) # TURN, $10, 0, $11, $12, $13, $14,
         $15, $16, $17
  FROM lonely WHERE fault = 0 AND found IS NULL),
new_streams AS (
  INSERT INTO S.streams (stream_key, name, aggregate_id, category_id)
  SELECT $1, $2, $5, $6 FROM lonely WHERE fault = 0 AND found IS NULL AND holder IS NULL)
SELECT 0::smallint, 1, fault, base, actual, CASE WHEN fault = 3 THEN global_position END,
       hlc, CASE WHEN fault = 3 THEN event_id END, CASE WHEN fault = 1 THEN holder END,
       base_id, NULL::int, NOTICE
FROM lonely
UNION ALL SELECT 3::smallint, 0, 0, NULL, found, NULL, NULL, $8, NULL, NULL, NULL, NULL
FROM lonely WHERE found IS NOT NULL)";

parameter as_document(const std::string& document, bool jsonb) {
  constexpr char jsonb_version = 1;
  if (jsonb) return {type::jsonb, jsonb_version + document};
  return parameter::of_json(document);
}

}  // namespace

bool is_single(std::span<const append_draft* const> group) {
  if (group.size() != 1) return false;
  const auto& draft = *group.front();
  return draft.checks.size() == 1 && draft.events.size() == 1 && draft.marked &&
         draft.command_id.is_nil() && draft.conditions.empty() && draft.events.front().tags.empty();
}

statement single_statement(const sql_names& names) {
  auto text = replaced(std::string(single_sql), "NOTICE",
                       names.channel.empty()
                           ? "NULL::text"
                           : "CASE WHEN fault = 0 AND found IS NULL THEN pg_notify(" +
                                 quoted_literal(names.channel) + ", (base + 1)::text)::text END");
  return {"single", with_names(std::move(text), names)};
}

void add_event(std::vector<parameter>& to, const draft_event& event, payload_column payload) {
  const bool jsonb = payload == payload_column::jsonb;
  auto timestamp = parameter::of_int8(event.timestamp);
  timestamp.type = type::timestamptz;
  to.push_back(std::move(timestamp));
  to.push_back(parameter::of_int4(event.schema));
  to.push_back(parameter::of_int2(static_cast<std::int16_t>(event.codec)));
  to.push_back(parameter::of_bool(event.genesis));
  to.push_back(parameter::of_text(event.type));
  to.push_back(event.as_json ? as_document(event.payload, jsonb)
                             : parameter::null(jsonb ? type::jsonb : type::json));
  to.push_back(event.as_json ? parameter::null(type::bytea)
                             : parameter{type::bytea, event.payload});
  to.push_back(event.metadata.empty() ? parameter::null(type::json)
                                      : parameter::of_json(event.metadata));
}

std::vector<parameter> single_parameters(const append_draft& draft, const sql_names& names,
                                         std::int32_t category_id, std::uint64_t floor) {
  const auto& check = draft.checks.front();
  const auto& event = draft.events.front();
  std::vector<parameter> all{parameter::of_uuid(check.key),
                             parameter::of_text(check.name),
                             parameter::of_int2(static_cast<std::int16_t>(check.expected.what())),
                             bigint(check.expected.version().number),
                             parameter::of_uuid(check.aggregate_id),
                             parameter::of_int4(category_id),
                             bigint(floor),
                             parameter::of_uuid(event.id),
                             parameter::of_int8(turned_reading(draft.earliest))};
  add_event(all, event, names.payload);
  return all;
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
