// Groups whose place is known before they are sent: a fifth of the executor's work. See
// optimistic_statement.h.
#include "optimistic_statement.h"

#include <algorithm>

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

// The rows of arrays are made by the select list, which keeps none of them; FROM unnest(...) would
// store each array first. Of one event there are no arrays: as_one_row.
constexpr std::string_view gate_sql = R"(WITH gate AS MATERIALIZED (
  SELECT NOTICE
  FROM (SELECT global_position, event_id FROM S.events ORDER BY global_position DESC LIMIT 1) n
  WHERE n.global_position = @before AND n.event_id = @before_id AND @last > 0
    AND NOT EXISTS (SELECT 1 FROM S.streams s WHERE s.retained AND s.tombstone
                    AND s.aggregate_id = ANY(@aggregates) AND s.stream_key = ANY(@keys))CHECKS))";

// A stream that is not there yet has no row and no event; one that is has this name and version.
constexpr std::string_view streams_check_sql = R"(
    AND NOT EXISTS (
      SELECT 1 FROM unnest(@a_key, @a_name, @a_aggregate, @a_category, @a_version)
                    AS a(key, name, aggregate_id, category_id, version)
      LEFT JOIN S.streams s ON s.stream_key = a.key
      WHERE CASE WHEN a.version = 0 THEN s.name IS NOT NULL ELSE
              s.name IS DISTINCT FROM a.name OR a.version IS DISTINCT FROM
              (SELECT e.version FROM S.events e WHERE e.aggregate_id = a.aggregate_id
               AND e.category_id = a.category_id ORDER BY e.version DESC LIMIT 1) END))";

constexpr std::string_view commands_check_sql = R"(
    AND NOT EXISTS (SELECT 1 FROM S.commands k WHERE k.command_id = ANY(@m_id)))";

// A condition is not asked for types, nor for what retention hides: an event that only might break
// it is left to the statement of groups.
constexpr std::string_view conditions_check_sql = R"(
    AND NOT EXISTS (SELECT 1 FROM unnest(@q_tag, @q_after) AS q(tag, after)
                    JOIN S.event_tags t ON t.tag = q.tag AND t.global_position > q.after))";

constexpr std::string_view streams_sql = R"(,
new_streams AS (
  INSERT INTO S.streams (stream_key, name, aggregate_id, category_id)
  SELECT each.* FROM gate, (SELECT unnest(@s_key), unnest(@s_name), unnest(@s_aggregate),
                                   unnest(@s_category)) each))";

constexpr std::string_view commands_sql = R"(,
new_commands AS (
  INSERT INTO S.commands (command_id, digest, stream, stream_version, first_position,
                          last_position, own)
  SELECT each.* FROM gate, (SELECT unnest(@m_id), unnest(@m_digest), unnest(@m_stream),
                                   unnest(@m_version), unnest(@m_first), unnest(@m_last),
                                   unnest(@m_own)) each))";

constexpr std::string_view tags_sql = R"(,
new_tags AS (
  INSERT INTO S.event_tags (tag, global_position)
  SELECT each.* FROM gate, (SELECT unnest(@t_tag), unnest(@t_position)) each))";

constexpr std::string_view events_sql = R"(
INSERT INTO S.events (global_position, event_id, aggregate_id, category_id, version, hlc,
                      timestamp, append_offset, schema_version, codec, genesis, event_type,
                      event_data, event_bytes, metadata)
SELECT each.* FROM gate, (
  SELECT unnest(@e_position), unnest(@e_id), unnest(@e_aggregate), unnest(@e_category),
         unnest(@e_version), unnest(@e_hlc), unnest(@e_timestamp), unnest(@e_offset),
         unnest(@e_schema), unnest(@e_codec), unnest(@e_genesis), unnest(@e_type),
         unnest(@e_data), unnest(@e_bytes), unnest(@e_metadata)) each)";

constexpr std::string_view base_parameters[] = {
    "before",      "before_id",  "last",      "aggregates", "keys",        "e_position", "e_id",
    "e_aggregate", "e_category", "e_version", "e_hlc",      "e_timestamp", "e_offset",   "e_schema",
    "e_codec",     "e_genesis",  "e_type",    "e_data",     "e_bytes",     "e_metadata"};
constexpr std::string_view command_parameters[] = {"m_id",    "m_digest", "m_stream", "m_version",
                                                   "m_first", "m_last",   "m_own"};
constexpr std::string_view condition_parameters[] = {"q_tag", "q_after"};
constexpr std::string_view tag_parameters[] = {"t_tag", "t_position"};
constexpr std::string_view stream_parameters[] = {"a_key",      "a_name",      "a_aggregate",
                                                  "a_category", "a_version",   "s_key",
                                                  "s_name",     "s_aggregate", "s_category"};

// Of one row, the values themselves: no arrays to be taken apart, no rows to be made of them.
std::string as_one_row(std::string text) {
  for (const std::string_view of_array : {"unnest(@", "ANY(@"})
    for (auto at = text.find(of_array); at != std::string::npos; at = text.find(of_array, at)) {
      text.erase(text.find(')', at), 1);
      text.erase(at, of_array.size() - 1);
    }
  return text;
}

template <class... Arrays>
void finish_rows_into(std::vector<parameter>& out, bool one_row, Arrays&... arrays) {
  (out.push_back(one_row ? std::move(arrays).only() : std::move(arrays).finish()), ...);
}

std::vector<std::string_view> parameters_of(optimistic_parts parts) {
  return names_in({{true, base_parameters},
                   {parts.commands, command_parameters},
                   {parts.conditions, condition_parameters},
                   {parts.tags, tag_parameters},
                   {parts.streams, stream_parameters}});
}

void add_gate(std::vector<parameter>& out, const optimistic_group& group) {
  auto aggregates = uuids(), keys = uuids();
  for (const auto& one : group.streams) {
    if (one.now == one.before) continue;  // only looked at
    aggregates.add_uuid(one.check->aggregate_id);
    keys.add_uuid(one.check->key);
  }
  out.push_back(bigint(group.before.position));
  out.push_back(parameter::of_uuid(group.before.id));
  out.push_back(bigint(group.after.position));
  finish_into(out, aggregates, keys);
}

void add_events(std::vector<parameter>& out, const optimistic_group& group,
                payload_column payload) {
  const bool jsonb = payload == payload_column::jsonb;
  auto position = int8s(), version = int8s(), reading = int8s();
  auto id = uuids(), aggregate = uuids();
  auto category = int4s(), offset = int4s(), schema = int4s();
  array_parameter timestamp(type::timestamptzs, type::timestamptz);
  array_parameter bytes(type::byteas, type::bytea);
  array_parameter data(jsonb ? type::jsonbs : type::jsons, jsonb ? type::jsonb : type::json);
  array_parameter metadata(type::jsons, type::json);
  auto codec = int2s();
  auto genesis = booleans();
  auto kind = texts();
  auto at = group.before.position;
  for (const auto& one : group.events) {
    const auto& event = *one.what;
    const auto& stream = group.streams[one.stream];
    position.add_int8(as_bigint(++at));
    id.add_uuid(event.id);
    aggregate.add_uuid(stream.check->aggregate_id);
    category.add_int4(stream.category);
    version.add_int8(as_bigint(one.version));
    reading.add_int8(stored_reading(one.reading));
    timestamp.add_int8(event.timestamp);
    offset.add_int4(one.offset);
    schema.add_int4(event.schema);
    codec.add_int2(static_cast<std::int16_t>(event.codec));
    genesis.add_bool(event.genesis);
    kind.add_bytes(event.type);
    event.as_json ? data.add_json(event.payload) : data.add_null();
    event.as_json ? bytes.add_null() : bytes.add_bytes(event.payload);
    event.metadata.empty() ? metadata.add_null() : metadata.add_json(event.metadata);
  }
  finish_rows_into(out, group.events.size() == 1, position, id, aggregate, category, version,
                   reading, timestamp, offset, schema, codec, genesis, kind, data, bytes, metadata);
}

void add_commands(std::vector<parameter>& out, const optimistic_group& group) {
  auto id = uuids(), digest = uuids();
  auto stream = texts();
  auto version = int8s(), first = int8s(), last = int8s();
  auto own = booleans();
  for (const auto& one : group.members) {
    if (one.draft->command_id.is_nil()) continue;
    id.add_uuid(one.draft->command_id);
    digest.add_uuid(one.draft->digest);
    stream.add_bytes(one.draft->checks.front().name);
    version.add_int8(as_bigint(one.stored.stream_version.number));
    first.add_int8(as_bigint(one.stored.first.sequence));
    last.add_int8(as_bigint(one.stored.last.sequence));
    own.add_bool(one.draft->own_command);
  }
  finish_rows_into(out, group.events.size() == 1, id, digest, stream, version, first, last, own);
}

void add_conditions(std::vector<parameter>& out, const optimistic_group& group) {
  auto tag = texts();
  auto after = int8s();
  for (const auto& one : group.members)
    for (const auto& condition : one.draft->conditions) {
      tag.add_bytes(condition.items.front().tags.front());
      after.add_int8(as_bigint(condition.after.in(0).sequence));
    }
  finish_into(out, tag, after);
}

void add_tags(std::vector<parameter>& out, const optimistic_group& group) {
  auto text = texts();
  auto position = int8s();
  auto at = group.before.position;
  for (const auto& one : group.events) {
    ++at;
    for (const auto& tag : one.what->tags) {
      text.add_bytes(tag);
      position.add_int8(as_bigint(at));
    }
  }
  finish_into(out, text, position);
}

void add_streams(std::vector<parameter>& out, const optimistic_group& group) {
  auto key = uuids(), aggregate = uuids(), new_key = uuids(), new_aggregate = uuids();
  auto name = texts(), new_name = texts();
  auto category = int4s(), new_category = int4s();
  auto version = int8s();
  for (const auto& one : group.streams) {
    if (!one.asked) continue;
    key.add_uuid(one.check->key);
    name.add_bytes(one.check->name);
    aggregate.add_uuid(one.check->aggregate_id);
    category.add_int4(one.category);
    version.add_int8(as_bigint(one.before));
    if (one.before != 0 || one.now == 0) continue;
    new_key.add_uuid(one.check->key);
    new_name.add_bytes(one.check->name);
    new_aggregate.add_uuid(one.check->aggregate_id);
    new_category.add_int4(one.category);
  }
  finish_into(out, key, name, aggregate, category, version, new_key, new_name, new_aggregate,
              new_category);
}

/// A condition that asks for more than its first tag holds up nobody only where few events with
/// that tag are behind its checkpoint.
bool is_optimistic(const draft_condition& condition) {
  if (condition.items.size() != 1 || condition.items.front().tags.empty()) return false;
  const auto& item = condition.items.front();
  return !condition.after.is_start() || (item.types.empty() && item.tags.size() == 1);
}

}  // namespace

optimistic_parts optimistic_parts::of(const optimistic_group& group) {
  optimistic_parts parts;
  for (const auto& one : group.members) {
    parts.commands = parts.commands || !one.draft->command_id.is_nil();
    parts.conditions = parts.conditions || !one.draft->conditions.empty();
  }
  for (const auto& one : group.events) parts.tags = parts.tags || !one.what->tags.empty();
  for (const auto& one : group.streams) parts.streams = parts.streams || one.asked;
  parts.one_event = group.events.size() == 1;
  return parts;
}

int optimistic_parts::number() const noexcept {
  return (commands ? 1 : 0) | (conditions ? 2 : 0) | (tags ? 4 : 0) | (streams ? 8 : 0) |
         (one_event ? 16 : 0);
}

bool is_optimistic(const append_draft& draft) {
  return std::ranges::all_of(draft.conditions,
                             [](const draft_condition& one) { return is_optimistic(one); });
}

statement optimistic_statement(const sql_names& names, optimistic_parts parts) {
  const auto rows = [&](std::string_view sql) {
    return parts.one_event ? as_one_row(std::string(sql)) : std::string(sql);
  };
  std::string checks;
  if (parts.streams) checks += streams_check_sql;
  if (parts.commands) checks += rows(commands_check_sql);
  if (parts.conditions) checks += conditions_check_sql;
  auto text = replaced(std::string(gate_sql), "CHECKS", checks);
  if (parts.streams) text += streams_sql;
  if (parts.commands) text += rows(commands_sql);
  if (parts.tags) text += tags_sql;
  text += rows(events_sql);
  const auto notice = names.channel.empty()
                          ? "true AS told"
                          : "pg_notify(" + quoted_literal(names.channel) + ", @last::text) AS told";
  text =
      with_numbers(replaced(std::move(text), "NOTICE", notice), names.schema, parameters_of(parts));
  auto name = name_with("optimistic", {parts.commands, parts.conditions, parts.tags});
  if (parts.streams) name += "_streams";
  if (parts.one_event) name += "_one_event";
  return {std::move(name), std::move(text)};
}

std::vector<parameter> optimistic_parameters(const optimistic_group& group, optimistic_parts parts,
                                             const sql_names& names) {
  std::vector<parameter> out;
  add_gate(out, group);
  add_events(out, group, names.payload);
  if (parts.commands) add_commands(out, group);
  if (parts.conditions) add_conditions(out, group);
  if (parts.tags) add_tags(out, group);
  if (parts.streams) add_streams(out, group);
  return out;
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
