// Opening a store, and making its schema. See annals/postgres.h.
#include "address.h"
#include "annals/obs.h"
#include "partitions.h"
#include "postgres_store.h"
#include "schema.h"
#include "verify.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

constexpr int oldest_server = 130'000;  // generated columns, gen_random_uuid; tested with 15

/// A connection for making the schema: its statements may take as long as a table is large.
constexpr std::chrono::hours migration_patience{1};

result<void> check_server(const connection& on) {
  if (on.server_version() < oldest_server)
    return fail(errc::unsupported, "the server is PostgreSQL " +
                                       std::to_string(on.server_version() / 10'000) +
                                       "; Annals needs 13 or newer");
  const auto encoding = on.setting("server_encoding");
  if (encoding != "UTF8")
    return fail(errc::unsupported, "the database's encoding is " + encoding +
                                       "; make one with ENCODING 'UTF8' for the store");
  return {};
}

connect_options connect_options_of(const parsed_address& parsed) {
  return {.conninfo = parsed.conninfo,
          .connect_timeout = parsed.options.connect_timeout,
          .durable = parsed.options.durability != durability::os,
          .needs_primary = !parsed.options.read_only};
}

result<std::unique_ptr<connection>> connect(env& environment, const parsed_address& parsed) {
  const auto kind = parsed.options.read_only ? session::read : session::write;
  auto made = connection::open(environment, connect_options_of(parsed), kind);
  if (!made) return std::unexpected(to_error(made.error(), "connecting to " + parsed.shown));
  if (auto fit = check_server(**made); !fit) return std::unexpected(fit.error());
  return std::move(*made);
}

/// What is asked of a server once, so that nobody is surprised later.
void tell_unsafe_settings(connection& on, clock_reading deadline) {
  const statement ask{{}, "SELECT current_setting('fsync'), current_setting('full_page_writes')"};
  const auto got = on.run({command{&ask, {}}}, deadline);
  if (!got || got->at(0).size() == 0) return;
  constexpr const char* names[] = {"fsync", "full_page_writes"};
  for (int column = 0; column < 2; ++column)
    if (got->at(0).text(0, column) == "off")
      obs::info(std::string("the PostgreSQL server runs with ") + names[column] +
                "=off: acknowledged events do not survive a crash of its machine");
}

result<schema_facts> ready_schema(connection& on, const parsed_address& parsed,
                                  clock_reading deadline) {
  auto facts = inspect(on, parsed.options, deadline);
  if (!facts || facts->version == newest_version()) return facts;
  if (facts->version == 0 && !parsed.options.create)
    return fail(errc::not_a_store, "there is no store at " + parsed.shown +
                                       "; make one with `annals migrate`, or check the address");
  if (parsed.options.read_only || !parsed.options.create)
    return fail(errc::not_a_store, "the store at " + parsed.shown + " is of an older version (" +
                                       std::to_string(facts->version) + " of " +
                                       std::to_string(newest_version()) +
                                       "); run `annals migrate`");
  if (auto done = migrate(on, parsed.options, deadline); !done)
    return std::unexpected(done.error());
  return inspect(on, parsed.options, deadline);
}

/// What notifications are sent through; a channel's name has no more bytes than an identifier.
std::string channel_of(const std::string& schema) {
  return ("annals " + schema).substr(0, 63);
}

}  // namespace
}  // namespace postgres

result<std::unique_ptr<event_store>> open_postgres(std::string_view address,
                                                   const postgres_options& options,
                                                   env& environment) {
  using namespace postgres;
  auto parsed = parse_address(address, options);
  if (!parsed) return std::unexpected(parsed.error());
  auto first = connect(environment, *parsed);
  if (!first) return std::unexpected(first.error());
  const auto deadline = environment.monotonic() + migration_patience;
  const auto facts = ready_schema(**first, *parsed, deadline);
  if (!facts) return std::unexpected(facts.error());
  tell_unsafe_settings(**first, deadline);
  const bool listen = parsed->options.listen;
  sql_names names{.schema = quoted(parsed->options.schema),
                  .channel = listen ? channel_of(parsed->options.schema) : std::string(),
                  .payload = facts->payload};
  const statement newest{
      {}, "SELECT coalesce(max(global_position), 0) FROM " + names.schema + ".events"};
  const auto head = (*first)->run({command{&newest, {}}}, deadline);
  if (!head) return std::unexpected(to_error(head.error(), "opening the store"));
  store_info info{.store_id = facts->store_id,
                  .engine = "postgres",
                  .address = parsed->shown,
                  .durability = parsed->options.durability};
  postgres_store::parts parts{.connect = connect_options_of(*parsed),
                              .names = std::move(names),
                              .options = parsed->options,
                              .head = static_cast<std::uint64_t>(head->at(0).int8(0, 0))};
  if (!parsed->options.read_only) parts.writes = std::move(*first);
  return std::make_unique<postgres_store>(environment, std::move(info), std::move(parts));
}

result<std::vector<std::string>> migrate_postgres(std::string_view address,
                                                  const postgres_options& options,
                                                  env& environment) {
  using namespace postgres;
  auto parsed = parse_address(address, options);
  if (!parsed) return std::unexpected(parsed.error());
  parsed->options.read_only = false;
  auto on = connect(environment, *parsed);
  if (!on) return std::unexpected(on.error());
  return migrate(**on, parsed->options, environment.monotonic() + migration_patience);
}

namespace postgres {
namespace {

/// What `use` makes of a connection to a schema that is there and ready, its name and a deadline.
template <class Use>
auto on_ready_schema(std::string_view address, postgres_options options, env& environment, Use use)
    -> decltype(use(std::declval<connection&>(), std::string(), clock_reading{})) {
  auto parsed = parse_address(address, options);
  if (!parsed) return std::unexpected(parsed.error());
  parsed->options.read_only = options.read_only;
  parsed->options.create = false;
  auto on = connect(environment, *parsed);
  if (!on) return std::unexpected(on.error());
  const auto deadline = environment.monotonic() + migration_patience;
  if (auto facts = ready_schema(**on, *parsed, deadline); !facts)
    return std::unexpected(facts.error());
  return use(**on, quoted(parsed->options.schema), deadline);
}

}  // namespace
}  // namespace postgres

result<postgres_partition> add_postgres_partition(std::string_view address,
                                                  const postgres_options& options,
                                                  env& environment) {
  auto writes = options;
  writes.read_only = false;
  return postgres::on_ready_schema(address, writes, environment, postgres::add_partition);
}

result<postgres_report> verify_postgres(std::string_view address, const postgres_options& options,
                                        env& environment) {
  auto reads = options;
  reads.read_only = true;
  return postgres::on_ready_schema(address, reads, environment, postgres::verify);
}

}  // namespace v1
}  // namespace annals
