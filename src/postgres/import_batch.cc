#include "import_batch.h"

#include <algorithm>

#include "address.h"
#include "annals/limits.h"
#include "annals/stream.h"
#include "stored_metadata.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

std::int64_t as_bigint(std::uint64_t value) noexcept {
  return static_cast<std::int64_t>(value);
}

constexpr std::string_view event_columns_of_copy =
    "(global_position, event_id, aggregate_id, category_id, version, hlc, timestamp, "
    "append_offset, schema_version, codec, genesis, event_type, event_data, event_bytes, metadata)";

void put_document(copy_rows& to, const std::string& document) {
  document.empty() ? to.null() : to.json(document, false);
}

}  // namespace

import_batch::import_batch(std::span<const history_entry> entries, const sql_names& names)
    : sql_(names) {
  entries_.reserve(entries.size());
  for (const auto& one : entries) {
    if (const auto* request = std::get_if<import_request>(&one)) {
      entries_.push_back(copied(*request));
      continue;
    }
    const auto& to = std::get<retained_stream>(one);
    entries_.push_back({retained{to, std::string(to.stream)}, std::nullopt});
  }
  bytes_ = std::min(bytes_, limits::appends_in_flight_bytes);
}

import_batch::one_entry import_batch::copied(const import_request& request) {
  append made{.command_id = request.context.command_id,
              .digest = request.context.command_digest,
              .stream = std::string(request.stream)};
  if (made.stream.empty() && !request.events.empty()) made.stream = request.events.front().stream;
  const bool listed = !request.events.empty() && made.stream != request.events.front().stream;
  std::optional<error> unfit;
  for (const auto& one : request.events) {
    const bool first = made.events.empty();
    auto event = draft_event_of(one.event, request.context,
                                listed && first ? std::string_view(made.stream) : "", sql_.payload,
                                *one.event.timestamp);
    if (!event) return {std::move(made), event.error()};
    bytes_ += event->payload.size();
    made.events.push_back({std::move(*event), std::string(one.stream), one});
  }
  if (made.events.empty()) made.step_metadata = write_metadata(request.context, {});
  return {std::move(made), std::move(unfit)};
}

outcome<void> import_batch::make_categories(connection& on, name_book& names, clock_reading until) {
  for (const auto& entry : entries_) {
    const auto* one = std::get_if<append>(&entry.what);
    if (one == nullptr) continue;
    for (const auto& event : one->events) {
      const auto place = place_of(event.stream);
      if (auto made = names.make(on, place.category, place.names, until); !made)
        return std::unexpected(made.error());
    }
  }
  return {};
}

// What the store holds, of all that the entries name, in one round trip behind the lock.
outcome<void> import_batch::look(connection& on, clock_reading until) {
  array_parameter keys(type::uuids, type::uuid);
  array_parameter ids(type::uuids, type::uuid);
  for (const auto& entry : entries_) {
    if (const auto* kept = std::get_if<retained>(&entry.what)) {
      keys.add_uuid(stream_key_of(kept->stream));
      continue;
    }
    const auto& one = std::get<append>(entry.what);
    for (const auto& event : one.events) keys.add_uuid(stream_key_of(event.stream));
    if (!one.stream.empty()) keys.add_uuid(stream_key_of(one.stream));
    if (!one.command_id.is_nil()) ids.add_uuid(one.command_id);
  }
  const auto& schema = sql_.schema;
  const statement begin{{}, "BEGIN"};
  const auto lock = lock_statement(sql_);
  const statement head{{},
                       "SELECT global_position, hlc FROM " + schema +
                           ".events ORDER BY global_position DESC LIMIT 1"};
  const statement streams{
      {},
      "SELECT s.stream_key, s.name, coalesce(h.version, 0), s.truncate_before, s.tombstone, "
      "s.max_age, s.max_count FROM " +
          schema + ".streams s LEFT JOIN LATERAL (SELECT e.version FROM " + schema +
          ".events e WHERE e.aggregate_id = s.aggregate_id AND e.category_id = s.category_id "
          "ORDER BY e.version DESC LIMIT 1) h ON true WHERE s.stream_key = ANY($1)"};
  const statement commands{{},
                           "SELECT command_id, digest, stream, stream_version, first_position, "
                           "last_position FROM " +
                               schema + ".commands WHERE command_id = ANY($1)"};
  const statement at_end{{},
                         "SELECT event_id FROM " + schema + ".events WHERE global_position = $1"};
  const auto got = on.run(
      {command{&begin, {}}, command{&lock, {}}, command{&head, {}},
       command{&streams, {std::move(keys).finish()}}, command{&commands, {std::move(ids).finish()}},
       command{&at_end, {parameter::of_int8(as_bigint(last_position_))}}},
      until);
  if (!got) return std::unexpected(got.error());
  const auto number = [](const rows& from, int row, int column) {
    return static_cast<std::uint64_t>(from.int8(row, column));
  };
  head_ = got->at(2).size() == 0 ? 0 : number(got->at(2), 0, 0);
  clock_ = got->at(2).size() == 0 ? 0 : number(got->at(2), 0, 1);
  streams_.clear();
  commands_.clear();
  for (int i = 0; i < got->at(3).size(); ++i) {
    const auto& from = got->at(3);
    stream_state state{.name = std::string(from.text(i, 1)), .version = number(from, i, 2)};
    state.kept.truncate_before = {number(from, i, 3)};
    state.kept.gone = from.boolean(i, 4);
    state.kept.max_age = std::chrono::microseconds(from.int8(i, 5));
    state.kept.max_count = number(from, i, 6);
    streams_.emplace(from.uuid(i, 0), std::move(state));
  }
  for (int i = 0; i < got->at(4).size(); ++i) {
    const auto& from = got->at(4);
    commands_.emplace(from.uuid(i, 0),
                      command_record{.result = {.first = {.sequence = number(from, i, 4)},
                                                .last = {.sequence = number(from, i, 5)},
                                                .stream_version = {number(from, i, 3)}},
                                     .digest = from.uuid(i, 1),
                                     .stream = std::string(from.text(i, 2))});
  }
  event_at_end_ = got->at(5).size() == 0 ? uuid{} : got->at(5).uuid(0, 0);
  return {};
}

bool import_batch::was_stored() const {
  return attempts_ > 1 && last_answer_ && last_position_ != 0 && event_at_end_ == last_event_;
}

outcome<result<void>> import_batch::store(connection& on, name_book& names, clock_reading until) {
  ++attempts_;
  if (auto made = make_categories(on, names, until); !made) return std::unexpected(made.error());
  if (auto looked = look(on, until); !looked) return std::unexpected(looked.error());
  const auto end = [&](const char* how) { return on.run_script(how, until); };
  if (was_stored()) {
    if (auto ended = end("ROLLBACK"); !ended) return std::unexpected(ended.error());
    return *last_answer_;
  }
  out_ = std::make_unique<copies>();
  last_position_ = 0;
  last_answer_ = accept_all(names);
  if (auto copied = copy_out(on, until); !copied) return std::unexpected(copied.error());
  auto sql = finishing_sql();
  if (auto ended = end((sql + "COMMIT").c_str()); !ended) return std::unexpected(ended.error());
  return *last_answer_;
}

result<void> import_batch::accept_all(name_book& names) {
  for (const auto& entry : entries_) {
    if (entry.unfit) return std::unexpected(*entry.unfit);
    result<void> accepted;
    if (const auto* one = std::get_if<append>(&entry.what))
      accepted = accept(*one, names);
    else
      accepted = accept(std::get<retained>(entry.what));
    if (!accepted) return accepted;
  }
  return {};
}

result<import_batch::stream_state*> import_batch::find(const std::string& name) {
  const auto found = streams_.find(stream_key_of(name));
  if (found == streams_.end()) return nullptr;
  if (found->second.name != name)
    return std::unexpected(stream_key_collision(name, found->second.name));
  return &found->second;
}

result<void> import_batch::check_follows(const append& one) {
  std::unordered_map<std::string, std::uint64_t> versions;
  auto sequence = head_;
  auto clock = clock_;
  for (const auto& event : one.events) {
    const auto state = find(event.stream);
    if (!state) return std::unexpected(state.error());
    auto& version =
        versions.try_emplace(event.stream, *state ? (*state)->version : 0).first->second;
    if (*state && (*state)->kept.gone)
      return std::unexpected(stream_is_gone(event.stream, {(*state)->version}));
    auto told = event.facts;
    told.stream = event.stream;
    const bool follows = told.position == position{.sequence = ++sequence} &&
                         told.version.number == ++version && told.recorded.bits > clock;
    if (!follows) return std::unexpected(does_not_follow(told, sequence, version));
    clock = told.recorded.bits;
  }
  return {};
}

result<void> import_batch::accept(const append& one, name_book& names) {
  if (auto checked = check_follows(one); !checked) return checked;
  if (!one.command_id.is_nil())
    if (const auto known = commands_.find(one.command_id); known != commands_.end()) {
      // After a connection that was lost, one without events may be our own.
      if (attempts_ > 1 && one.events.empty() && known->second.digest == one.digest) return {};
      return std::unexpected(command_id_reused(one.command_id, known->second));
    }
  std::int32_t offset = 0;
  for (const auto& event : one.events) {
    const auto place = place_of(event.stream);
    const auto category = names.find(place.category, place.names).value_or(0);
    auto& state = streams_[place.key];
    if (state.name.empty()) {
      state.name = event.stream;
      state.is_new = true;
      out_->streams.row(4);
      out_->streams.id(place.key);
      out_->streams.bytes(event.stream);
      out_->streams.id(place.aggregate_id);
      out_->streams.int4(category);
    }
    ++state.version;
    add_event(event, offset++, category);
    head_ = event.facts.position.sequence;
    clock_ = event.facts.recorded.bits;
    last_position_ = head_;
    last_event_ = event.made.id;
  }
  if (!one.command_id.is_nil()) add_command(one);
  return {};
}

void import_batch::add_event(const one_event& one, std::int32_t offset, std::int32_t category) {
  const auto& made = one.made;
  auto& to = out_->events;
  to.row(15);
  to.int8(as_bigint(one.facts.position.sequence));
  to.id(made.id);
  to.id(aggregate_id_of(one.stream));
  to.int4(category);
  to.int8(as_bigint(one.facts.version.number));
  to.int8(as_bigint(one.facts.recorded.bits));
  to.int8(made.timestamp);
  to.int4(offset);
  to.int4(made.schema);
  to.int2(static_cast<std::int16_t>(made.codec));
  to.boolean(made.genesis);
  to.bytes(made.type);
  made.as_json ? to.json(made.payload, sql_.payload == payload_column::jsonb) : to.null();
  made.as_json ? to.null() : to.bytes(made.payload);
  put_document(to, made.metadata);
  for (const auto& tag : made.tags) {
    out_->tags.row(2);
    out_->tags.bytes(tag);
    out_->tags.int8(as_bigint(one.facts.position.sequence));
  }
}

void import_batch::add_command(const append& one) {
  command_record record{.digest = one.digest, .stream = one.stream};
  if (!one.events.empty()) {
    record.result.first = one.events.front().facts.position;
    record.result.last = one.events.back().facts.position;
  }
  if (const auto state = find(one.stream); state && *state)
    record.result.stream_version = {(*state)->version};
  auto& to = out_->commands;
  to.row(7);
  to.id(one.command_id);
  to.id(one.digest);
  to.bytes(one.stream);
  to.int8(as_bigint(record.result.stream_version.number));
  to.int8(as_bigint(record.result.first.sequence));
  to.int8(as_bigint(record.result.last.sequence));
  to.boolean(false);
  commands_.emplace(one.command_id, std::move(record));
  if (!one.events.empty()) return;
  auto& step = out_->steps;
  step.row(8);
  step.int8(as_bigint(head_));
  step.bytes(one.stream);
  step.id(one.command_id);
  put_document(step, one.step_metadata);
  for (int i = 0; i < 4; ++i) step.null();
}

result<void> import_batch::accept(const retained& one) {
  const auto state = find(one.stream);
  if (!state) return std::unexpected(state.error());
  if (*state == nullptr)
    return fail(errc::aggregate_not_found, "stream " + one.stream + " has no events");
  auto to = one.to;
  to.stream = one.stream;
  auto& kept = (*state)->kept;
  if (auto valid = kept.become(to, {(*state)->version}); !valid) return valid;
  (*state)->retained_now = true;
  auto& step = out_->steps;
  step.row(8);
  step.int8(as_bigint(head_));
  step.bytes(one.stream);
  step.null();
  step.null();
  step.int8(as_bigint(kept.truncate_before.number));
  step.boolean(kept.gone);
  step.int8(kept.max_age.count());
  step.int8(as_bigint(std::min<std::uint64_t>(kept.max_count, INT64_MAX)));
  return {};
}

outcome<void> import_batch::copy_out(connection& on, clock_reading until) {
  struct target {
    std::string_view table;
    std::string_view columns;
    copy_rows& rows;
  };
  const target targets[] = {
      {"streams", "(stream_key, name, aggregate_id, category_id)", out_->streams},
      {"events", event_columns_of_copy, out_->events},
      {"event_tags", "(tag, global_position)", out_->tags},
      {"commands",
       "(command_id, digest, stream, stream_version, first_position, last_position, own)",
       out_->commands},
      {"steps",
       "(after_position, stream, command_id, metadata, truncate_before, tombstone, max_age, "
       "max_count)",
       out_->steps},
  };
  for (const auto& [table, columns, rows] : targets) {
    if (rows.empty()) continue;
    const auto sql = "COPY " + sql_.schema + "." + std::string(table) + " " + std::string(columns) +
                     " FROM STDIN (FORMAT binary)";
    if (auto copied = on.copy_in(sql, rows.finish(), until); !copied) return copied;
  }
  return {};
}

// The retention that streams ended with, and the notice; both in front of COMMIT.
std::string import_batch::finishing_sql() const {
  std::string sql;
  for (const auto& [key, state] : streams_) {
    if (!state.retained_now) continue;
    sql += "UPDATE " + sql_.schema +
           ".streams SET truncate_before = " + std::to_string(state.kept.truncate_before.number) +
           ", tombstone = " + (state.kept.gone ? "true" : "false") +
           ", max_age = " + std::to_string(state.kept.max_age.count()) + ", max_count = " +
           std::to_string(std::min<std::uint64_t>(state.kept.max_count, INT64_MAX)) +
           " WHERE stream_key = '" + key.to_string() + "'; ";
  }
  if (last_position_ != 0 && !sql_.channel.empty())
    sql += "NOTIFY " + quoted(sql_.channel) + ", '" + std::to_string(last_position_) + "'; ";
  return sql;
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
