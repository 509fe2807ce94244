// The lonely append in the usual case, at a third of the executor's work. See
// optimistic_statement.h.
#include "optimistic_statement.h"

#include <algorithm>

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

// A condition is not asked for types, nor for what retention hides: an event that only might break
// it is left to the statement of groups.
constexpr std::string_view event_sql = R"(
  INSERT INTO S.events (global_position, event_id, aggregate_id, category_id, version, hlc,
                        timestamp, append_offset, schema_version, codec, genesis, event_type,
                        event_data, event_bytes, metadata)
  SELECT n.global_position + 1, $6, s.aggregate_id, s.category_id, h.version + 1,
         greatest((n.hlc # TURN) + 1, $5) # TURN, $7, 0, $8, $9, $10, $11, $12, $13, $14
  FROM (SELECT global_position, hlc FROM S.events ORDER BY global_position DESC LIMIT 1) n,
       S.streams s,
       LATERAL (SELECT e.version FROM S.events e
                WHERE e.aggregate_id = s.aggregate_id AND e.category_id = s.category_id
                ORDER BY e.version DESC LIMIT 1) h
  WHERE n.global_position = $4 AND s.stream_key = $1 AND s.name = $2 AND NOT s.tombstone
    AND ($3 = 0 OR h.version = $3))";

constexpr std::string_view command_check_sql = R"(
    AND NOT EXISTS (SELECT 1 FROM S.commands k WHERE k.command_id = $15))";

constexpr std::string_view condition_check_sql = R"(
    AND NOT EXISTS (SELECT 1 FROM S.event_tags t WHERE t.tag = $18 AND t.global_position > $19))";

constexpr std::string_view command_sql = R"(,
new_command AS (
  INSERT INTO S.commands (command_id, digest, stream, stream_version, first_position,
                          last_position, own)
  SELECT $15, $16, $2, version, global_position, global_position, $17 FROM stored))";

constexpr std::string_view tags_sql = R"(,
new_tags AS (
  INSERT INTO S.event_tags (tag, global_position)
  SELECT tag, global_position FROM stored, unnest($20::text[]) AS t(tag)))";

std::int64_t as_bigint(std::uint64_t value) noexcept {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(value, INT64_MAX));
}

/// A condition that asks for more than its first tag holds up nobody only where few events with
/// that tag are behind its checkpoint.
bool is_optimistic(const draft_condition& condition) {
  if (condition.items.size() != 1 || condition.items.front().tags.empty()) return false;
  const auto& item = condition.items.front();
  return !condition.after.is_start() || (item.types.empty() && item.tags.size() == 1);
}

void add_command(std::vector<parameter>& to, const append_draft& draft) {
  const bool any = !draft.command_id.is_nil();
  to.push_back(any ? parameter::of_uuid(draft.command_id) : parameter::null(type::uuid));
  to.push_back(any ? parameter::of_uuid(draft.digest) : parameter::null(type::uuid));
  to.push_back(any ? parameter::of_bool(draft.own_command) : parameter::null(type::boolean));
}

void add_condition(std::vector<parameter>& to, const append_draft& draft) {
  if (draft.conditions.empty()) {
    to.push_back(parameter::null(type::text));
    to.push_back(parameter::null(type::int8));
    return;
  }
  const auto& condition = draft.conditions.front();
  to.push_back(parameter::of_text(condition.items.front().tags.front()));
  to.push_back(parameter::of_int8(as_bigint(condition.after.in(0).sequence)));
}

void add_tags(std::vector<parameter>& to, const draft_event& event) {
  array_parameter tags(type::texts, type::text);
  for (const auto& tag : event.tags) tags.add_bytes(tag);
  to.push_back(std::move(tags).finish());
}

}  // namespace

bool is_optimistic(const append_draft& draft) {
  if (draft.checks.size() != 1 || draft.events.size() != 1 || draft.conditions.size() > 1)
    return false;
  const auto& expected = draft.checks.front().expected;
  if (expected.what() == expect::kind::none || expected.version().number > INT64_MAX) return false;
  if (expected.what() == expect::kind::at && expected.version().number == 0) return false;
  return std::ranges::all_of(draft.conditions,
                             [](const draft_condition& one) { return is_optimistic(one); });
}

statement optimistic_statement(const sql_names& names, group_parts parts) {
  std::string checks;
  if (parts.commands) checks += command_check_sql;
  if (parts.conditions) checks += condition_check_sql;
  const auto event = with_names(std::string(event_sql) + checks, names);
  const std::string notice =
      names.channel.empty()
          ? ""
          : ", pg_notify(" + quoted_literal(names.channel) + ", global_position::text)";
  const auto name = name_with("optimistic", parts);
  if (!parts.commands && !parts.tags) return {name, event + "\nRETURNING version" + notice};
  std::string more;
  if (parts.commands) more += command_sql;
  if (parts.tags) more += tags_sql;
  return {name, "WITH stored AS (" + event + "\n  RETURNING version, global_position)" +
                    with_names(std::move(more), names) + "\nSELECT version" + notice +
                    " FROM stored"};
}

std::vector<parameter> optimistic_parameters(const append_draft& draft, const sql_names& names,
                                             std::uint64_t floor) {
  const auto& check = draft.checks.front();
  const auto& event = draft.events.front();
  std::vector<parameter> all{parameter::of_uuid(check.key),
                             parameter::of_text(check.name),
                             parameter::of_int8(check.expected.what() == expect::kind::at
                                                    ? as_bigint(check.expected.version().number)
                                                    : 0),
                             parameter::of_int8(as_bigint(floor)),
                             parameter::of_int8(turned_reading(draft.earliest)),
                             parameter::of_uuid(event.id)};
  add_event(all, event, names.payload);
  add_command(all, draft);
  add_condition(all, draft);
  add_tags(all, event);
  return all;
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
