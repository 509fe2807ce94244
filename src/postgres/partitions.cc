// Further ranges of a store that is partitioned by position. See annals/postgres.h.
#include "partitions.h"

#include <algorithm>

#include "address.h"
#include "failure.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

// Readers and appends stand behind the change while it waits for those before it.
constexpr std::string_view begin_sql =
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = '10s'; "
    "SELECT FROM S.position FOR UPDATE";

// How many partitions there are; of the one that takes whatever comes, its name and its first
// position; how many positions the narrowest of the others has, as the store was made; and the
// newest event. A partition by hash has no bounds that look like these.
constexpr std::string_view layout_sql = R"(
WITH bounds AS (
  SELECT c.relname, substring(b.text FROM $x$FROM \('(\d+)'\)$x$)::bigint AS first,
         substring(b.text FROM $x$TO \('(\d+)'\)$x$)::bigint AS behind,
         b.text LIKE '% TO (MAXVALUE)' AS is_rest
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid,
       LATERAL (SELECT pg_get_expr(c.relpartbound, c.oid) AS text) b
  WHERE i.inhparent = to_regclass($1))
SELECT (SELECT count(*) FROM bounds), rest.relname::text, rest.first,
       (SELECT min(l.behind - l.first) FROM bounds l),
       (SELECT coalesce(max(global_position), 0) FROM S.events)
FROM bounds rest WHERE rest.is_rest)";

struct layout {
  std::uint64_t partitions = 0;
  std::string rest{};
  std::uint64_t first = 0;
  std::uint64_t width = 0;
  std::uint64_t newest = 0;
};

std::string with_schema(std::string_view text, const std::string& schema) {
  std::string out(text);
  for (auto at = out.find("S."); at != std::string::npos; at = out.find("S.", at + schema.size()))
    out.replace(at, 1, schema);
  return out;
}

result<layout> look(connection& on, const std::string& schema, clock_reading deadline) {
  const statement ask{{}, with_schema(layout_sql, schema)};
  const auto got = on.run({command{&ask, {parameter::of_text(schema + ".events")}}}, deadline);
  if (!got) return std::unexpected(to_error(got.error(), "looking at the partitions"));
  const auto& found = got->at(0);
  if (found.size() == 0 || found.is_null(0, 2) || found.is_null(0, 3))
    return fail(errc::unsupported,
                "the events of schema " + schema +
                    " are not in partitions by range of position; that is chosen when a store is "
                    "made, by annals_partitions and annals_partition_events");
  const auto number = [&](int column) { return static_cast<std::uint64_t>(found.int8(0, column)); };
  return layout{number(0), std::string(found.text(0, 1)), number(2), number(3), number(4)};
}

/// The range that the rest becomes: all that it holds, up to where a range would end.
postgres_partition range_of(const layout& found) {
  const auto held = std::max(found.newest, found.first) - found.first + 1;
  const auto ranges = (held + found.width - 1) / found.width;
  return {.name = "events_" + std::to_string(found.partitions - 1),
          .first = {.sequence = found.first},
          .last = {.sequence = found.first + ranges * found.width - 1}};
}

std::string change_of(const layout& found, const postgres_partition& made,
                      const std::string& schema) {
  const auto table = schema + ".events";
  const auto rest = schema + "." + quoted(found.rest);
  const auto behind = std::to_string(made.last.sequence + 1);
  return "ALTER TABLE " + table + " DETACH PARTITION " + rest + "; ALTER TABLE " + rest +
         " RENAME TO " + quoted(made.name) + "; ALTER TABLE " + table + " ATTACH PARTITION " +
         schema + "." + quoted(made.name) + " FOR VALUES FROM (" +
         std::to_string(made.first.sequence) + ") TO (" + behind + "); CREATE TABLE " + rest +
         " PARTITION OF " + table + " FOR VALUES FROM (" + behind + ") TO (MAXVALUE); UPDATE " +
         schema + ".store SET partitions = partitions + 1; COMMIT";
}

}  // namespace

result<postgres_partition> add_partition(connection& on, const std::string& schema,
                                         clock_reading deadline) {
  const auto failed = [&](error why) {
    on.roll_back(deadline);
    return std::unexpected(std::move(why));
  };
  if (auto begun = on.run_script(with_schema(begin_sql, schema), deadline); !begun)
    return failed(to_error(begun.error(), "adding a partition"));
  const auto found = look(on, schema, deadline);
  if (!found) return failed(found.error());
  auto made = range_of(*found);
  if (auto done = on.run_script(change_of(*found, made, schema), deadline); !done)
    return failed(to_error(done.error(), "adding a partition"));
  return made;
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
