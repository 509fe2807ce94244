#include "verify.h"

#include <functional>

#include "group_statement.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

/// A look for one kind of damage: the statement, and a row of it in words.
struct check {
  std::string_view sql{};
  std::function<std::string(const rows& found, int row)> words{};
};

constexpr std::string_view counts_sql =
    "SELECT (SELECT count(*) FROM S.events), (SELECT count(*) FROM S.streams), "
    "(SELECT count(*) FROM S.position)";

constexpr std::string_view positions_sql = R"(
SELECT before + 1, global_position - 1, global_position = before FROM (
  SELECT global_position,
         lag(global_position, 1, 0::bigint) OVER (ORDER BY global_position) AS before
  FROM S.events) p
WHERE global_position = before OR global_position - before - 1 > (
  SELECT coalesce(sum(least(to_position, global_position - 1)
                      - greatest(from_position, before + 1) + 1), 0)
  FROM S.holes WHERE from_position < global_position AND to_position > before)
ORDER BY before LIMIT 100)";

constexpr std::string_view holes_sql = R"(
SELECT from_position, to_position, e.global_position FROM S.holes
JOIN LATERAL (SELECT global_position FROM S.events WHERE global_position >= from_position
              AND global_position <= to_position ORDER BY global_position LIMIT 1) e ON true
ORDER BY from_position LIMIT 100)";

// Positions are given in the order of commits, and each gets a later reading of the clock.
constexpr std::string_view order_sql = R"(
SELECT global_position FROM (
  SELECT global_position, hlc # TURN AS reading,
         lag(hlc # TURN) OVER (ORDER BY global_position) AS before
  FROM S.events) p
WHERE reading <= before ORDER BY global_position LIMIT 100)";

// Where events were removed, versions may be missing too.
constexpr std::string_view versions_sql = R"(
SELECT aggregate_id, category_id, version, global_position, before, position_before FROM (
  SELECT aggregate_id, category_id, version, global_position,
         lag(version, 1, 0::bigint) OVER w AS before,
         lag(global_position, 1, 0::bigint) OVER w AS position_before
  FROM S.events
  WINDOW w AS (PARTITION BY aggregate_id, category_id ORDER BY version, global_position)) v
WHERE version = before OR global_position < position_before
   OR (version > before + 1 AND NOT EXISTS (SELECT 1 FROM S.holes))
ORDER BY global_position LIMIT 100)";

constexpr std::string_view streams_sql = R"(
SELECT e.aggregate_id, e.category_id, min(e.global_position) FROM S.events e
WHERE NOT EXISTS (SELECT 1 FROM S.streams s
                  WHERE s.aggregate_id = e.aggregate_id AND s.category_id = e.category_id)
GROUP BY 1, 2 ORDER BY 3 LIMIT 100)";

constexpr std::string_view tags_sql = R"(
SELECT tag, global_position FROM S.event_tags t
WHERE NOT EXISTS (SELECT 1 FROM S.events e WHERE e.global_position = t.global_position)
ORDER BY global_position LIMIT 100)";

std::string number(const rows& found, int row, int column) {
  return std::to_string(found.int8(row, column));
}

std::string position_in_words(const rows& found, int row) {
  const auto from = number(found, row, 0);
  const auto to = number(found, row, 1);
  if (found.boolean(row, 2))
    return "position " + std::to_string(found.int8(row, 1) + 1) + " is there twice";
  return (from == to ? "position " + from + " is" : "positions " + from + " to " + to + " are") +
         " missing, and no hole says why";
}

std::string stream_in_words(const rows& found, int row) {
  return "of aggregate " + found.uuid(row, 0).to_string() + " in category " +
         std::to_string(found.int4(row, 1));
}

std::string version_in_words(const rows& found, int row) {
  const auto which = "version " + number(found, row, 2) + " " + stream_in_words(found, row) +
                     ", at position " + number(found, row, 3);
  if (found.int8(row, 2) == found.int8(row, 4)) return which + ", is there twice";
  if (found.int8(row, 3) < found.int8(row, 5))
    return which + ", stands before the version that it follows";
  return which + ", follows version " + number(found, row, 4);
}

const check checks[] = {
    {positions_sql, position_in_words},
    {holes_sql,
     [](const rows& found, int row) {
       return "position " + number(found, row, 2) + " is there, in the hole from " +
              number(found, row, 0) + " to " + number(found, row, 1);
     }},
    {order_sql,
     [](const rows& found, int row) {
       return "position " + number(found, row, 0) +
              " was recorded no later than the one before it: the order is not that of commits";
     }},
    {versions_sql, version_in_words},
    {streams_sql,
     [](const rows& found, int row) {
       return "position " + number(found, row, 2) + " is " + stream_in_words(found, row) +
              ", which is in no row of streams";
     }},
    {tags_sql,
     [](const rows& found, int row) {
       return "the tag " + std::string(found.text(row, 0)) + " is of position " +
              number(found, row, 1) + ", which is not there";
     }},
};

}  // namespace

result<postgres_report> verify(connection& on, const std::string& schema, clock_reading deadline) {
  const sql_names names{.schema = schema};
  std::vector<statement> texts{{{}, with_names(std::string(counts_sql), names)}};
  for (const auto& one : checks) texts.push_back({{}, with_names(std::string(one.sql), names)});
  std::vector<command> commands;
  commands.reserve(texts.size());
  for (const auto& text : texts) commands.push_back({&text, {}});
  const auto got = on.run(commands, deadline);  // all see one state
  if (!got) return std::unexpected(to_error(got.error(), "verifying " + schema));
  const auto& counts = got->front();
  postgres_report report{.events = static_cast<std::uint64_t>(counts.int8(0, 0)),
                         .streams = static_cast<std::uint64_t>(counts.int8(0, 1))};
  if (const auto locks = counts.int8(0, 2); locks != 1)
    report.damage.push_back("the table position has " + std::to_string(locks) +
                            " rows in place of one, which all appends lock");
  for (std::size_t i = 0; i < std::size(checks); ++i) {
    const auto& found = got->at(i + 1);
    for (int row = 0; row < found.size(); ++row)
      report.damage.push_back(checks[i].words(found, row));
  }
  return report;
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
