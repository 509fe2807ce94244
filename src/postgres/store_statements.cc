#include "store_statements.h"

#include "event_page.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

std::string filled(std::string text, const sql_names& names) {
  const auto replace = [&](std::string_view what, const std::string& by) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
      text.replace(at, what.size(), by);
  };
  replace("COLUMNS", event_columns(names.payload));
  replace("SNAPSHOT",
          "S.snapshots p JOIN S.events l ON l.aggregate_id = p.aggregate_id AND l.category_id = "
          "p.category_id AND l.version = p.version AND l.event_id = p.last_event "
          "WHERE p.aggregate_id = $2 AND p.category_id = CATEGORY AND p.shape");
  replace("CATEGORY", "(SELECT category_id FROM S.streams WHERE stream_key = $1)");
  replace("S.", names.schema + ".");
  return text;
}

constexpr const char* newest_of_stream =
    "LEFT JOIN LATERAL (SELECT e.version, e.global_position FROM S.events e "
    "WHERE e.aggregate_id = s.aggregate_id AND e.category_id = s.category_id "
    "ORDER BY e.version DESC LIMIT 1) h ON true ";

/// A statement of this name, with the store's names in its text.
class maker {
 public:
  explicit maker(const sql_names& names) : names_(names) {}
  statement operator()(const char* name, std::string text) const {
    return {name, filled(std::move(text), names_)};
  }

 private:
  const sql_names& names_;
};

}  // namespace

store_statements::store_statements(const sql_names& names) {
  make_of_streams(names);
  make_of_store(names);
}

void store_statements::make_of_streams(const sql_names& names) {
  const maker make(names);
  const std::string newest(newest_of_stream);
  head =
      make("head",
           "SELECT global_position, event_id FROM S.events ORDER BY global_position DESC LIMIT 1");
  event_at = make("event_at", "SELECT event_id FROM S.events WHERE global_position = $1");
  stream = make("stream",
                "SELECT s.name, s.truncate_before, s.tombstone, s.max_age, s.max_count, "
                "coalesce(h.version, 0), coalesce(h.global_position, 0), s.category_id "
                "FROM S.streams s " +
                    newest + "WHERE s.stream_key = $1");
  // The limits keep the joins as they are written, whatever the planner thinks of empty tables.
  tail = make("tail",
              "SELECT COLUMNS, s.name = $2 AND NOT s.retained, "
              "CASE WHEN e.version = p.version AND e.event_id = p.last_event "
              "THEN p.snapshot_data END "
              "FROM S.streams s LEFT JOIN LATERAL (SELECT p.version, p.last_event, p.snapshot_data "
              "FROM S.snapshots p WHERE p.aggregate_id = s.aggregate_id "
              "AND p.category_id = s.category_id AND p.shape = $5 LIMIT 1) p ON true "
              "LEFT JOIN LATERAL (SELECT * FROM S.events e WHERE e.aggregate_id = s.aggregate_id "
              "AND e.category_id = s.category_id AND e.version >= coalesce(p.version, $3) "
              "ORDER BY e.version LIMIT $4) e ON true WHERE s.stream_key = $1");
  const std::string of_stream =
      "SELECT COLUMNS FROM S.events e WHERE e.aggregate_id = $2 AND e.category_id = CATEGORY ";
  stream_forwards =
      make("stream_forwards",
           of_stream + "AND e.version >= $3 AND e.version <= $4 ORDER BY e.version LIMIT $5");
  stream_backwards =
      make("stream_backwards",
           of_stream + "AND e.version >= $3 AND e.version <= $4 ORDER BY e.version DESC LIMIT $5");
  after_snapshot =
      make("after_snapshot",
           of_stream +
               "AND e.version >= $3 AND e.version > coalesce((SELECT p.version FROM SNAPSHOT = $6 "
               "AND p.version <= $4), 0) AND e.version <= $4 ORDER BY e.version LIMIT $5");
  snapshot = make("snapshot", "SELECT p.version, p.last_event, p.snapshot_data FROM SNAPSHOT = $3");
  save_snapshot =
      make("save_snapshot",
           "INSERT INTO S.snapshots (aggregate_id, category_id, shape, version, last_event, "
           "snapshot_data) SELECT s.aggregate_id, s.category_id, $2, $3, $4, $5 FROM S.streams s " +
               newest +
               "WHERE s.stream_key = $1 AND h.version >= $3 "
               "ON CONFLICT (aggregate_id, category_id, shape) DO UPDATE SET "
               "version = excluded.version, last_event = excluded.last_event, "
               "snapshot_data = excluded.snapshot_data, created_at = now() "
               "WHERE snapshots.version <= excluded.version");
}

void store_statements::make_of_store(const sql_names& names) {
  const maker make(names);
  const std::string newest(newest_of_stream);
  const std::string of_store =
      "SELECT COLUMNS FROM S.events e WHERE e.global_position >= $1 AND e.global_position <= $2 "
      "ORDER BY e.global_position ";
  store_forwards = make("store_forwards", of_store + "LIMIT $3");
  store_backwards = make("store_backwards", of_store + "DESC LIMIT $3");
  any_retained = make("any_retained", "SELECT EXISTS (SELECT 1 FROM S.streams WHERE retained)");
  payload_at = make("payload_at", "SELECT " + data_column(names.payload) +
                                      ", e.event_bytes FROM S.events e "
                                      "WHERE e.global_position = $1");
  holes = make("holes",
               "SELECT from_position, to_position FROM S.holes "
               "WHERE from_position <= $1 ORDER BY from_position DESC LIMIT 1");
  const std::string of_command =
      "SELECT command_id, digest, stream, stream_version, first_position, last_position "
      "FROM S.commands WHERE NOT own AND command_id ";
  command = make("command", of_command + "= $1");
  commands = make("commands", of_command + "= ANY($1)");
  list = make("list",
              "SELECT s.name, s.truncate_before, s.tombstone, s.max_age, s.max_count, "
              "coalesce(h.version, 0), coalesce(h.global_position, 0), s.category_id, "
              "s.stream_key, s.aggregate_id FROM S.streams s " +
                  newest +
                  "WHERE s.name >= $1 AND s.name > $2 AND ($3::int[] IS NULL "
                  "OR s.category_id = ANY($3)) ORDER BY s.name LIMIT $4");
  first_recorded = make(
      "first_recorded",
      "SELECT version FROM S.events WHERE aggregate_id = $1 AND category_id = $2 AND version >= $3 "
      "AND ((hlc >> 16) & 281474976710655) * 1000 >= $4 ORDER BY version LIMIT 1");
  steps = make("steps",
               "SELECT ordinal, after_position, stream, command_id, metadata, truncate_before, "
               "tombstone, max_age, max_count FROM S.steps "
               "WHERE (after_position, ordinal) > ($1, $2) AND after_position <= $3 "
               "ORDER BY after_position, ordinal LIMIT $4");
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
