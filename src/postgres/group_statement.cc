#include "group_statement.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

// The kinds of rows that a group's statement answers with.
constexpr int row_of_check = 0;
constexpr int row_of_condition = 1;
constexpr int row_of_command = 2;
constexpr int row_of_found = 3;
constexpr int row_of_notice = 4;

// Clock readings are unsigned, BIGINT is not: with the highest bit turned they keep their order.
constexpr std::string_view turn = "'-9223372036854775808'::bigint";

constexpr std::string_view base_parameters[] = {
    "c_member", "c_key",       "c_name",     "c_kind",     "c_wanted",
    "c_writes", "c_aggregate", "c_category", "e_member",   "e_check",
    "e_nth",    "e_id",        "e_type",     "e_data",     "e_bytes",
    "e_codec",  "e_schema",    "e_genesis",  "e_metadata", "e_timestamp",
    "e_offset", "e_earliest",  "floor",      "markers",    "marked_members"};
constexpr std::string_view command_parameters[] = {"m_id",    "m_digest", "m_stream", "m_count",
                                                   "m_check", "m_added",  "m_own",    "m_metadata"};
constexpr std::string_view condition_parameters[] = {"q_member",    "q_number", "q_after",
                                                     "q_diverged",  "q_types",  "q_first_tag",
                                                     "q_more_tags", "now"};
constexpr std::string_view tag_parameters[] = {"t_event", "t_tag"};

std::vector<std::string_view> parameters_of(group_parts parts) {
  return names_in({{true, base_parameters},
                   {parts.commands, command_parameters},
                   {parts.conditions, condition_parameters},
                   {parts.tags, tag_parameters}});
}

// What a stream is, and whether it is as the writer believes.
constexpr std::string_view checked_sql = R"(
newest AS MATERIALIZED (
  SELECT global_position, event_id, hlc # TURN AS hlc
  FROM S.events ORDER BY global_position DESC LIMIT 1),
base AS MATERIALIZED (
  SELECT coalesce((SELECT global_position FROM newest), 0) AS position,
         coalesce((SELECT hlc FROM newest), TURN) AS hlc),
checked AS MATERIALIZED (
  SELECT c.n, c.member, c.writes, c.key, c.name, c.aggregate_id, c.category_id, s.name AS holder,
         coalesce(h.version, 0) AS actual, h.global_position, h.event_id,
         CASE WHEN s.name <> c.name THEN 1
              WHEN s.tombstone AND c.writes THEN 2
              WHEN NOT CASE c.kind WHEN 0 THEN true WHEN 1 THEN h.version IS NULL
                                   WHEN 2 THEN h.version IS NOT NULL
                                   ELSE coalesce(h.version, 0) = c.wanted END THEN 3
              ELSE 0 END AS fault
  FROM unnest(@c_member, @c_key, @c_name, @c_kind, @c_wanted, @c_writes, @c_aggregate, @c_category)
       WITH ORDINALITY AS c(member, key, name, kind, wanted, writes, aggregate_id, category_id, n)
  LEFT JOIN S.streams s ON s.stream_key = c.key
  LEFT JOIN LATERAL (
    SELECT e.version, e.global_position, e.event_id FROM S.events e
    WHERE e.aggregate_id = c.aggregate_id AND e.category_id = c.category_id
    ORDER BY e.version DESC LIMIT 1) h ON true),
actuals AS MATERIALIZED (SELECT array_agg(actual ORDER BY n) AS v FROM checked),
found AS MATERIALIZED (
  SELECT e.event_id, e.global_position FROM S.events e
  WHERE e.global_position > @floor AND e.event_id = ANY(@markers)))";

constexpr std::string_view known_sql = R"(,
known AS MATERIALIZED (
  SELECT m.n AS member, k.* FROM unnest(@m_id) WITH ORDINALITY AS m(id, n)
  JOIN S.commands k ON k.command_id = m.id))";

constexpr std::string_view asked_sql = R"(,
asked AS MATERIALIZED (
  SELECT q.member, q.number, bool_or(q.diverged) AS diverged, min(hit.position) AS position
  FROM unnest(@q_member, @q_number, @q_after, @q_diverged, @q_types, @q_first_tag, @q_more_tags)
       AS q(member, number, after, diverged, types, first_tag, more_tags)
  LEFT JOIN LATERAL (
    (SELECT e.global_position AS position FROM S.events e
     WHERE NOT q.diverged AND q.first_tag IS NULL AND e.global_position > q.after
       AND (q.types = '{}' OR e.event_type = ANY(q.types::text[])) AND NOT HIDDEN
     ORDER BY e.global_position LIMIT 1)
    UNION ALL
    (SELECT t.global_position FROM S.event_tags t
     JOIN S.events e ON e.global_position = t.global_position
     WHERE NOT q.diverged AND t.tag = q.first_tag AND t.global_position > q.after
       AND (q.types = '{}' OR e.event_type = ANY(q.types::text[]))
       AND NOT EXISTS (SELECT 1 FROM unnest(q.more_tags::text[]) AS m(tag)
                       WHERE NOT EXISTS (SELECT 1 FROM S.event_tags x
                                         WHERE x.tag = m.tag
                                           AND x.global_position = t.global_position))
       AND NOT HIDDEN
     ORDER BY t.global_position LIMIT 1)) hit ON true
  GROUP BY q.member, q.number HAVING bool_or(q.diverged) OR min(hit.position) IS NOT NULL))";

// Only members that pass are numbered: one row for each event, in the order of the group.
constexpr std::string_view placed_sql = R"(,
verdict AS MATERIALIZED (
  SELECT array_agg(bad ORDER BY member) AS bad FROM (
    SELECT member, bool_or(bad) AS bad FROM (
      SELECT member, fault <> 0 AS bad FROM checked
      UNION ALL SELECT (@marked_members)[array_position(@markers, event_id)], true FROM foundREFUSED
    ) one GROUP BY member) each),
placed AS MATERIALIZED (
  SELECT *, (SELECT position FROM base) + i AS position,
         (i + greatest((SELECT hlc FROM base),
                       max(CASE WHEN ok THEN earliest - i END)
                         OVER (ORDER BY n ROWS UNBOUNDED PRECEDING))) # TURN AS hlc
  FROM (SELECT *, sum(ok::int) OVER (ORDER BY n ROWS UNBOUNDED PRECEDING) AS i
        FROM (SELECT e.*, NOT (SELECT bad FROM verdict)[e.member] AS ok
              FROM unnest(@e_member, @e_check, @e_nth, @e_id, @e_type, @e_data, @e_bytes, @e_codec,
                          @e_schema, @e_genesis, @e_metadata, @e_timestamp, @e_offset, @e_earliest)
                   WITH ORDINALITY AS e(member, stream, nth, id, type, data, bytes, codec, schema,
                                        genesis, metadata, timestamp, append_offset, earliest, n)
             ) judged) counted),
stored AS (
  INSERT INTO S.events (global_position, event_id, aggregate_id, category_id, version, hlc,
                        timestamp, append_offset, schema_version, codec, genesis, event_type,
                        event_data, event_bytes, metadata)
  SELECT position, id, (@c_aggregate)[stream], (@c_category)[stream],
         (SELECT v FROM actuals)[stream] + nth, hlc, timestamp, append_offset, schema, codec,
         genesis, type, data, bytes, metadata
  FROM placed WHERE ok),
new_streams AS (
  INSERT INTO S.streams (stream_key, name, aggregate_id, category_id)
  SELECT key, name, aggregate_id, category_id FROM checked
  WHERE writes AND holder IS NULL AND NOT (SELECT bad FROM verdict)[member]))";

constexpr std::string_view commands_sql = R"(,
members AS MATERIALIZED (
  SELECT *, (SELECT position FROM base)
            + sum(CASE WHEN ok THEN count ELSE 0 END) OVER (ORDER BY n ROWS UNBOUNDED PRECEDING)
            AS last
  FROM (SELECT m.*, NOT (SELECT bad FROM verdict)[m.n] AS ok
        FROM unnest(@m_id, @m_digest, @m_stream, @m_count, @m_check, @m_added, @m_own, @m_metadata)
             WITH ORDINALITY AS m(id, digest, stream, count, first_check, added, own, metadata, n)
       ) judged),
new_commands AS (
  INSERT INTO S.commands (command_id, digest, stream, stream_version, first_position,
                          last_position, own)
  SELECT id, digest, stream, (SELECT v FROM actuals)[first_check] + added,
         CASE WHEN count = 0 THEN 0 ELSE last - count + 1 END,
         CASE WHEN count = 0 THEN 0 ELSE last END, own
  FROM members WHERE ok AND id IS NOT NULL),
new_steps AS (
  INSERT INTO S.steps (after_position, stream, command_id, metadata)
  SELECT last, stream, id, metadata FROM members
  WHERE ok AND id IS NOT NULL AND count = 0 AND NOT own ORDER BY n))";

constexpr std::string_view tags_sql = R"(,
positions AS MATERIALIZED (
  SELECT array_agg(CASE WHEN ok THEN position ELSE 0 END ORDER BY n) AS v FROM placed),
new_tags AS (
  INSERT INTO S.event_tags (tag, global_position)
  SELECT tag, position FROM (
    SELECT t.tag, (SELECT v FROM positions)[t.event] AS position
    FROM unnest(@t_event, @t_tag) AS t(event, tag)) each
  WHERE position > 0))";

constexpr std::string_view notice_sql = R"(,
told AS MATERIALIZED (
  SELECT pg_notify(CHANNEL, max(position)::text) FROM placed
  WHERE ok HAVING max(position) IS NOT NULL))";

// kind, number, fault, base, a, b, c, id, text, id2, category
constexpr std::string_view check_rows_sql = R"(
SELECT 0::smallint, n::int, fault, (SELECT position FROM base), actual,
       CASE WHEN fault = 3 THEN global_position END, (SELECT hlc FROM base),
       CASE WHEN fault = 3 THEN event_id END, CASE WHEN fault = 1 THEN holder END,
       (SELECT event_id FROM newest), NULL::int
FROM checked
UNION ALL SELECT 3::smallint, 0, 0, NULL, global_position, NULL, NULL, event_id, NULL, NULL, NULL
FROM found)";

constexpr std::string_view condition_rows_sql = R"(
UNION ALL SELECT 1::smallint, a.number, a.diverged::int, a.member, a.position, e.version, NULL,
                 e.event_id, NULL, e.aggregate_id, e.category_id
FROM asked a LEFT JOIN S.events e ON e.global_position = a.position)";

constexpr std::string_view command_rows_sql = R"(
UNION ALL SELECT 2::smallint, member::int, 0, NULL, stream_version, first_position, last_position,
                 digest, stream, NULL, NULL
FROM known)";

constexpr std::string_view notice_rows_sql = R"(
UNION ALL SELECT 4::smallint, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM told)";

}  // namespace

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

std::vector<std::string_view> names_in(std::initializer_list<parameter_list> lists) {
  std::vector<std::string_view> all;
  for (const auto& [there, names] : lists)
    if (there) all.insert(all.end(), names.begin(), names.end());
  return all;
}

std::string quoted_literal(std::string_view text) {
  return "'" + replaced(std::string(text), "'", "''") + "'";
}

std::string with_names(std::string text, const sql_names& names) {
  text = replaced(std::move(text), "TURN", turn);
  return replaced(std::move(text), "S.", names.schema + ".");
}

std::string with_numbers(std::string text, const std::string& schema,
                         std::span<const std::string_view> parameters) {
  const auto is_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  };
  text = replaced(std::move(text), "TURN", turn);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '@') {
      const auto name = std::string_view(text).substr(
          i + 1, std::size_t(std::ranges::find_if_not(text.begin() + std::ptrdiff_t(i) + 1,
                                                      text.end(), is_word) -
                             text.begin()) -
                     i - 1);
      const auto number = std::ranges::find(parameters, name) - parameters.begin() + 1;
      out += '$' + std::to_string(number);
      i += name.size();
    } else if (std::string_view(text).substr(i).starts_with("S.") &&
               (i == 0 || text[i - 1] == ' ' || text[i - 1] == '(')) {
      out += schema + ".";
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string name_with(std::string name, group_parts parts) {
  if (parts.commands) name += "_commands";
  if (parts.conditions) name += "_conditions";
  if (parts.tags) name += "_tags";
  return name;
}

group_parts group_parts::of(std::span<const append_draft* const> group) {
  group_parts parts;
  for (const auto* draft : group) {
    parts.commands = parts.commands || !draft->command_id.is_nil();
    parts.conditions = parts.conditions || !draft->conditions.empty();
    for (const auto& event : draft->events) parts.tags = parts.tags || !event.tags.empty();
  }
  return parts;
}

std::string hidden_sql(const std::string& schema, const std::string& now) {
  return "EXISTS (SELECT 1 FROM " + schema +
         ".streams r WHERE r.retained AND r.aggregate_id = e.aggregate_id AND r.category_id = "
         "e.category_id AND (e.version < r.truncate_before OR (r.max_count <> 0 AND "
         "(SELECT max(l.version) FROM " +
         schema +
         ".events l WHERE l.aggregate_id = e.aggregate_id AND l.category_id = e.category_id) - "
         "e.version >= r.max_count) OR (r.max_age <> 0 AND "
         "((e.hlc >> 16) & 281474976710655) * 1000 < " +
         now + " - r.max_age)))";
}

statement lock_statement(const sql_names& names) {
  return {"lock", "SELECT 1 FROM " + names.schema + ".position FOR UPDATE"};
}

statement group_statement(const sql_names& names, group_parts parts) {
  const auto parameters = parameters_of(parts);
  const auto fill = [&](std::string from) {
    return with_numbers(std::move(from), names.schema, parameters);
  };
  std::string text("WITH");
  text += checked_sql;
  std::string refused;
  if (parts.commands) {
    text += known_sql;
    refused += "\n      UNION ALL SELECT member::int, true FROM known";
  }
  if (parts.conditions) {
    text += asked_sql;
    refused += "\n      UNION ALL SELECT member, true FROM asked";
  }
  text += replaced(std::string(placed_sql), "REFUSED", refused);
  if (parts.commands) text += commands_sql;
  if (parts.tags) text += tags_sql;
  if (!names.channel.empty()) text += notice_sql;
  text += check_rows_sql;
  if (parts.conditions) text += condition_rows_sql;
  if (parts.commands) text += command_rows_sql;
  if (!names.channel.empty()) text += notice_rows_sql;
  text = fill(std::move(text));
  if (parts.conditions)
    text = replaced(std::move(text), "HIDDEN", hidden_sql(names.schema, fill("@now")));
  text = replaced(std::move(text), "CHANNEL", quoted_literal(names.channel));
  return {name_with("group", parts), std::move(text)};
}

group_answer read_group_answer(const rows& from) {
  group_answer answer;
  const auto number = [&](int row, int column) {
    return static_cast<std::uint64_t>(from.int8(row, column));
  };
  for (int i = 0; i < from.size(); ++i) {
    const auto n = static_cast<std::size_t>(from.int4(i, 1));
    switch (from.int2(i, 0)) {
      case row_of_check: {
        answer.newest = {number(i, 3), from.uuid(i, 9), from.int8(i, 6)};
        if (answer.checks.size() < n) answer.checks.resize(n);
        answer.checks[n - 1] = {.fault = from.int4(i, 2),
                                .actual = {number(i, 4)},
                                .position = number(i, 5),
                                .event_id = from.uuid(i, 7),
                                .holder = std::string(from.text(i, 8))};
        break;
      }
      case row_of_condition:
        answer.conditions.push_back({.member = number(i, 3) - 1,
                                     .number = n,
                                     .diverged = from.int4(i, 2) != 0,
                                     .position = number(i, 4),
                                     .at = {number(i, 5)},
                                     .event_id = from.uuid(i, 7),
                                     .aggregate_id = from.uuid(i, 9),
                                     .category = from.int4(i, 10)});
        break;
      case row_of_command:
        answer.commands.push_back({.member = n - 1,
                                   .digest = from.uuid(i, 7),
                                   .stream = std::string(from.text(i, 8)),
                                   .first = {.first = {.sequence = number(i, 5)},
                                             .last = {.sequence = number(i, 6)},
                                             .stream_version = {number(i, 4)}}});
        break;
      case row_of_found: answer.found.push_back({from.uuid(i, 7), number(i, 4)}); break;
      case row_of_notice:
      default: break;
    }
  }
  return answer;
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
