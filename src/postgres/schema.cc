#include "schema.h"

#include <algorithm>
#include <charconv>

#include "address.h"
#include "embedded_sql.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

std::string_view name_of(payload_column payload) {
  return payload == payload_column::jsonb ? "jsonb" : "json";
}

/// How the events are laid out: the constraints of their table, and what it is partitioned by.
struct layout {
  std::string_view keys{};
  std::string_view partition_by{};
};

layout layout_of(const postgres_options& options) {
  if (options.partitions == 0)
    return {"PRIMARY KEY (global_position),\n  UNIQUE (aggregate_id, category_id, version)", ""};
  if (options.partition_events == 0)
    return {"PRIMARY KEY (aggregate_id, category_id, version)",
            " PARTITION BY HASH (aggregate_id)"};
  return {"PRIMARY KEY (global_position)", " PARTITION BY RANGE (global_position)"};
}

std::string filled_in(std::string_view sql, const postgres_options& options) {
  std::string text(sql);
  replace_all(text, ":\"schema\"", quoted(options.schema));
  replace_all(text, ":\"mission\"", quoted(mission_schema_of(options)));
  replace_all(text, "  event_data :payload,",
              "  event_data " + std::string(name_of(options.payload)) + ",");
  const auto events = layout_of(options);
  replace_all(text, "  :keys,", "  " + std::string(events.keys) + ",");
  replace_all(text, ") :partition_by;", ")" + std::string(events.partition_by) + ";");
  return text;
}

/// The values of a partition; by range there is one more, for all positions behind the others.
std::string values_of(const postgres_options& options, std::uint64_t number) {
  if (options.partition_events == 0)
    return "WITH (MODULUS " + std::to_string(options.partitions) + ", REMAINDER " +
           std::to_string(number) + ")";
  const auto first = [&](std::uint64_t of) {
    return std::to_string(of * options.partition_events + 1);
  };
  return "FROM (" + first(number) + ") TO (" +
         (number == options.partitions ? "MAXVALUE" : first(number + 1)) + ")";
}

std::string partitions_of(const postgres_options& options) {
  if (options.partitions == 0) return {};
  const auto events = quoted(options.schema) + ".events";
  const bool by_range = options.partition_events != 0;
  std::string sql = by_range ? "CREATE INDEX IF NOT EXISTS events_stream ON " + events +
                                   " (aggregate_id, category_id, version);\n"
                             : "CREATE INDEX IF NOT EXISTS events_position ON " + events +
                                   " (global_position);\n";
  for (std::uint64_t i = 0; i < options.partitions + (by_range ? 1U : 0U); ++i) {
    const auto name = i == options.partitions ? std::string("rest") : std::to_string(i);
    sql.append("CREATE TABLE IF NOT EXISTS ").append(events).append("_").append(name);
    sql.append(" PARTITION OF ").append(events).append(" FOR VALUES ");
    sql.append(values_of(options, i)).append(";\n");
  }
  return sql;
}

std::string store_row_of(const postgres_options& options) {
  const auto id = options.store_id.is_nil() ? std::string("gen_random_uuid()")
                                            : "'" + options.store_id.to_string() + "'";
  return "INSERT INTO " + quoted(options.schema) +
         ".store (store_id, payload, partitions) VALUES (" + id + ", '" +
         std::string(name_of(options.payload)) + "', " + std::to_string(options.partitions) +
         ") ON CONFLICT DO NOTHING;\n";
}

error foreign(const postgres_options& options) {
  return {errc::not_a_store, "schema " + options.schema +
                                 " holds tables that are not of a store; name another one with "
                                 "annals_schema"};
}

result<void> check_version(const schema_facts& found, const postgres_options& options) {
  if (found.version <= newest_version()) return {};
  return fail(errc::store_too_new, "schema " + options.schema + " is at version " +
                                       std::to_string(found.version) + ", this program knows " +
                                       std::to_string(newest_version()) +
                                       "; use a newer version of the program");
}

/// What stands in our own tables.
result<schema_facts> read_facts(connection& on, const postgres_options& options,
                                clock_reading deadline) {
  const auto schema = quoted(options.schema);
  const statement facts{{},
                        "SELECT store_id, payload, (SELECT coalesce(max(version), 0) FROM " +
                            schema + ".migrations) FROM " + schema + ".store"};
  const auto got = on.run({command{&facts, {}}}, deadline);
  if (!got && (got.error().sqlstate == "42P01" || got.error().sqlstate == "42703"))
    return std::unexpected(foreign(options));
  if (!got) return std::unexpected(to_error(got.error(), "opening the store"));
  const auto& rows = got->at(0);
  if (rows.size() == 0) return std::unexpected(foreign(options));
  return schema_facts{
      .store_id = rows.uuid(0, 0),
      .payload = rows.text(0, 1) == "jsonb" ? payload_column::jsonb : payload_column::json,
      .version = rows.int4(0, 2)};
}

}  // namespace

std::string mission_schema_of(const postgres_options& options) {
  return options.schema == "annals" ? "mission" : options.schema + "_mission";
}

int newest_version() {
  return postgres_migrations().back().version;
}

result<schema_facts> inspect(connection& on, const postgres_options& options,
                             clock_reading deadline) {
  const statement look{
      {},
      "SELECT count(*), count(*) FILTER (WHERE relname = 'migrations'), "
      "count(*) FILTER (WHERE relname = 'store') FROM pg_class c "
      "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = $1 AND relkind IN ('r', 'p')"};
  const auto got = on.run({command{&look, {parameter::of_text(options.schema)}}}, deadline);
  if (!got) return std::unexpected(to_error(got.error(), "opening the store"));
  const auto& rows = got->at(0);
  if (rows.int8(0, 0) == 0) return schema_facts{};
  if (rows.int8(0, 1) == 0 || rows.int8(0, 2) == 0) return std::unexpected(foreign(options));
  auto facts = read_facts(on, options, deadline);
  if (!facts) return facts;
  if (auto known = check_version(*facts, options); !known) return std::unexpected(known.error());
  return facts;
}

result<std::vector<std::string>> migrate(connection& on, const postgres_options& options,
                                         clock_reading deadline) {
  const auto failed = [&](const failure& problem) {
    on.roll_back(deadline);
    return std::unexpected(to_error(problem, "making schema " + options.schema));
  };
  if (auto begun = on.run_script("BEGIN", deadline); !begun) return failed(begun.error());
  // Two processes that do this at once come one after the other; the second finds nothing to do.
  const statement lock{{}, "SELECT pg_advisory_xact_lock(hashtext('annals ' || $1))"};
  if (auto locked = on.run({command{&lock, {parameter::of_text(options.schema)}}}, deadline);
      !locked)
    return failed(locked.error());
  const auto found = inspect(on, options, deadline);
  if (!found) {
    on.roll_back(deadline);
    return std::unexpected(found.error());
  }
  std::vector<std::string> done;
  for (const auto& one : postgres_migrations(options)) {
    if (one.version <= found->version) continue;
    if (auto ran = on.run_script(one.sql, deadline); !ran) return failed(ran.error());
    done.push_back(one.name);
  }
  if (auto committed = on.run_script("COMMIT", deadline); !committed)
    return failed(committed.error());
  return done;
}

}  // namespace postgres

std::vector<migration> postgres_migrations(const postgres_options& options) {
  std::vector<migration> all;
  for (const auto& file : postgres::embedded_files()) {
    int version = 0;
    const auto read =
        std::from_chars(file.name.data(), file.name.data() + file.name.size(), version);
    if (read.ec != std::errc{}) continue;  // no migration
    migration one{version, std::string(file.name), postgres::filled_in(file.sql, options)};
    if (one.name == "0005_events") one.sql += postgres::partitions_of(options);
    if (version == 1) one.sql += postgres::store_row_of(options);
    one.sql += "INSERT INTO " + postgres::quoted(options.schema) +
               ".migrations (version, name) VALUES (" + std::to_string(version) + ", '" + one.name +
               "') ON CONFLICT DO NOTHING;\n";
    all.push_back(std::move(one));
  }
  std::ranges::sort(all, {}, &migration::version);
  return all;
}

std::string postgres_roles(const postgres_options& options, std::string_view writer,
                           std::string_view reader) {
  for (const auto& file : postgres::embedded_files()) {
    if (file.name != "roles") continue;
    auto text = postgres::filled_in(file.sql, options);
    postgres::replace_all(text, ":\"writer\"", postgres::quoted(writer));
    postgres::replace_all(text, ":\"reader\"", postgres::quoted(reader));
    return text;
  }
  return {};
}

}  // namespace v1
}  // namespace annals
