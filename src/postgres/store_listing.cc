// Streams, their retention and their snapshots. See postgres_store.h.
#include "annals/stream.h"
#include "postgres_store.h"

namespace annals {
inline namespace v1 {
namespace postgres {

result<std::vector<stream_info>> postgres_store::do_list_streams(const list_request& request) {
  if (auto open = check_open(); !open) return std::unexpected(open.error());
  auto categories = parameter::null(type::int4s);
  if (request.category) {
    const auto loaded = with_connection(
        [&](connection& on, clock_reading until) { return names_.load(on, until); });
    if (!loaded) return std::unexpected(to_error(loaded.error(), "listing streams"));
    array_parameter ids(type::int4s, type::int4);
    for (const auto names : {naming::by_id, naming::by_key, naming::hyphen_id})
      if (const auto id = names_.find(*request.category, names)) ids.add_int4(*id);
    categories = std::move(ids).finish();
  }
  const auto got = ask({command{&statements_.list,
                                {parameter::of_text(request.prefix),
                                 parameter::of_text(request.after), std::move(categories),
                                 parameter::of_int8(static_cast<std::int64_t>(request.limit))}}},
                       "listing streams");
  if (!got) return std::unexpected(got.error());
  const auto& found = got->at(0);
  const auto now = environment().now();
  std::vector<stream_info> page;
  for (int row = 0; row < found.size(); ++row) {
    auto facts = *stream_in(found, row);
    if (!facts.name.starts_with(request.prefix)) break;
    facts.aggregate_id = found.uuid(row, 9);
    const auto first = first_kept(facts, now);
    if (!first) return std::unexpected(first.error());
    page.push_back({.name = facts.name,
                    .key = found.uuid(row, 8),
                    .version = facts.newest,
                    .first_kept = *first,
                    .last = {.sequence = facts.last},
                    .gone = facts.kept.gone});
  }
  return page;
}

result<void> postgres_store::do_save_snapshot(const snapshot_write& write) {
  if (auto open = check_open(); !open) return open;
  if (!writer_) return std::unexpected(refuses_writes());
  const auto key = stream_key_of(write.stream);
  const statement begin{{}, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"};
  // A snapshot may be lost: it does not wait for the disk.
  const statement unhurried{{}, "SET LOCAL synchronous_commit = off"};
  const statement commit{{}, "COMMIT"};
  const auto got =
      ask({command{&begin, {}}, command{&unhurried, {}},
           command{&statements_.stream, {parameter::of_uuid(key)}},
           command{&statements_.save_snapshot,
                   {parameter::of_uuid(key), parameter::of_int8(same_bits(write.shape)),
                    bigint(write.version.number), parameter::of_uuid(write.last_event),
                    parameter::of_bytea(write.state)}},
           command{&commit, {}}},
          "saving a snapshot");
  if (!got) return std::unexpected(got.error());
  const auto facts = stream_in(got->at(2));
  if (facts && facts->name != write.stream)
    return std::unexpected(stream_key_collision(write.stream, facts->name));
  if (!facts || facts->newest < write.version)
    return fail(errc::invalid_argument, "stream " + std::string(write.stream) +
                                            " has not reached version " +
                                            std::to_string(write.version.number));
  return {};
}

result<std::optional<snapshot>> postgres_store::do_load_snapshot(std::string_view stream,
                                                                 std::uint64_t shape) {
  if (auto open = check_open(); !open) return std::unexpected(open.error());
  const auto place = place_of(stream);
  const auto got =
      ask({command{&statements_.stream, {parameter::of_uuid(place.key)}},
           command{&statements_.snapshot,
                   {parameter::of_uuid(place.key), parameter::of_uuid(place.aggregate_id),
                    parameter::of_int8(same_bits(shape))}}},
          "loading a snapshot");
  if (!got) return std::unexpected(got.error());
  const auto facts = stream_in(got->at(0));
  if (facts && facts->name != stream)
    return std::unexpected(stream_key_collision(stream, facts->name));
  const auto& kept = got->at(1);
  if (kept.size() == 0) return std::optional<snapshot>{};
  const auto state = std::as_bytes(std::span(kept.bytes(0, 2)));
  return std::optional(snapshot{.version = {static_cast<std::uint64_t>(kept.int8(0, 0))},
                                .last_event = kept.uuid(0, 1),
                                .shape = shape,
                                .state = {state.begin(), state.end()}});
}

// Under the lock of appends, so that it has its place in the history.
result<void> postgres_store::do_retain(std::string_view stream, const retention_change& change) {
  if (auto open = check_open(); !open) return open;
  if (!writer_) return std::unexpected(refuses_writes());
  const std::string name(stream);
  auto work = [this, name, change](connection& on, clock_reading until) -> outcome<result<void>> {
    const statement begin{{}, "BEGIN"};
    const auto lock = lock_statement(sql_);
    const auto key = parameter::of_uuid(stream_key_of(name));
    const auto got = on.run({command{&begin, {}}, command{&lock, {}},
                             command{&statements_.stream, {key}}, command{&statements_.head, {}}},
                            until);
    if (!got) return std::unexpected(got.error());
    auto facts = stream_in(got->at(2));
    const auto roll_back = [&](error why) -> outcome<result<void>> {
      if (auto back = on.run_script("ROLLBACK", until); !back) return std::unexpected(back.error());
      return result<void>(std::unexpected(std::move(why)));
    };
    if (!facts) return roll_back({errc::aggregate_not_found, "stream " + name + " has no events"});
    if (facts->name != name) return roll_back(stream_key_collision(name, facts->name));
    if (auto valid = facts->kept.change(change, facts->newest); !valid)
      return roll_back(valid.error());
    const auto head = got->at(3).size() == 0 ? 0 : got->at(3).int8(0, 0);
    auto stored = on.run_script(retention_sql(sql_, name, facts->kept, head) + "; COMMIT", until);
    if (!stored) return std::unexpected(stored.error());
    return result<void>{};
  };
  constexpr std::chrono::microseconds room_poll{200};
  for (;;) {
    std::atomic<std::uint32_t> done{0};
    result<void> answer;
    writer_->run(work, 0, true, [&](result<void> outcome) {
      answer = std::move(outcome);
      done.store(1, std::memory_order_release);
    });
    writer_->lend(done);
    if (answer || answer.error().code() != errc::overloaded) return answer;
    environment().park(std::atomic<std::uint32_t>{0}, 0, room_poll);
  }
}

std::string retention_sql(const sql_names& names, const std::string& stream, const retention& kept,
                          std::int64_t after_position) {
  const auto text = [](std::int64_t number) { return std::to_string(number); };
  const auto key = "'" + stream_key_of(stream).to_string() + "'";
  const auto before = text(as_bigint(kept.truncate_before.number));
  const auto gone = std::string(kept.gone ? "true" : "false");
  const auto age = text(kept.max_age.count());
  const auto count = text(as_bigint(kept.max_count));
  return "UPDATE " + names.schema + ".streams SET truncate_before = " + before +
         ", tombstone = " + gone + ", max_age = " + age + ", max_count = " + count +
         " WHERE stream_key = " + key + "; INSERT INTO " + names.schema +
         ".steps (after_position, stream, truncate_before, tombstone, max_age, max_count) SELECT " +
         text(after_position) + ", name, " + before + ", " + gone + ", " + age + ", " + count +
         " FROM " + names.schema + ".streams WHERE stream_key = " + key;
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
