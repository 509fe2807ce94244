#include "import_batch.h"

#include <algorithm>
#include <utility>

#include "address.h"
#include "annals/limits.h"
#include "annals/stream.h"
#include "stored_metadata.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

constexpr std::string_view event_columns_of_copy =
    "(global_position, event_id, aggregate_id, category_id, version, hlc, timestamp, "
    "append_offset, schema_version, codec, genesis, event_type, event_data, event_bytes, metadata)";

// Enough for a write; less than a socket holds, so that the server is not waited for.
constexpr std::size_t piece_bytes = 64U << 10U;

void put_document(copy_rows& to, const std::string& document) {
  document.empty() ? to.null() : to.json(document, false);
}

}  // namespace

import_batch::import_batch(std::span<const history_entry> entries, const sql_names& names)
    : sql_(names) {
  entries_.reserve(entries.size());
  for (const auto& entry : entries)
    entries_.push_back(std::visit([this](const auto& one) { return copied(one); }, entry));
  bytes_ = std::min(bytes_, limits::appends_in_flight_bytes);
}

// A name's keys are digests of it: they are made once.
const import_batch::named_stream* import_batch::named(std::string_view name, bool written) {
  auto known = by_name_.find(name);
  if (known == by_name_.end()) {
    auto& fresh = named_.emplace_back(name);
    known = by_name_.emplace(fresh.name, &fresh).first;
  }
  known->second->written |= written;
  return known->second;
}

import_batch::one_entry import_batch::copied(const import_request& request) {
  append made{.command_id = request.context.command_id, .digest = request.context.command_digest};
  auto listed_first = request.stream;  // where it is not that of the first event
  if (!request.events.empty()) {
    const auto of_first = request.events.front().stream;
    made.stream = named(listed_first.empty() ? of_first : listed_first);
    if (listed_first == of_first) listed_first = {};
  } else if (!listed_first.empty()) {
    made.stream = named(listed_first);
  }
  made.events.reserve(request.events.size());
  for (const auto& one : request.events) {
    auto event = draft_event_of(one.event, request.context, made.events.empty() ? listed_first : "",
                                sql_.payload, *one.event.timestamp);
    if (!event) return {std::move(made), event.error()};
    bytes_ += event->payload.size();
    made.events.push_back({std::move(*event), named(one.stream, true), one});
  }
  if (made.events.empty()) made.step_metadata = write_metadata(request.context, {});
  return {std::move(made), std::nullopt};
}

import_batch::one_entry import_batch::copied(const retained_stream& to) {
  return {retained{to, named(to.stream)}, std::nullopt};
}

outcome<void> import_batch::make_categories(connection& on, name_book& names, clock_reading until) {
  for (auto& one : named_) {
    if (!one.written) continue;
    const auto made = names.make(on, one.place.category, one.place.names, until);
    if (!made) return std::unexpected(made.error());
    one.category = *made;
  }
  return {};
}

// What the store holds, of all that the entries name, in one round trip behind the lock.
outcome<void> import_batch::look(connection& on, clock_reading until) {
  array_parameter keys(type::uuids, type::uuid);
  array_parameter ids(type::uuids, type::uuid);
  for (const auto& one : named_) keys.add_uuid(one.place.key);
  for (const auto& entry : entries_)
    if (const auto* one = std::get_if<append>(&entry.what); one && !one->command_id.is_nil())
      ids.add_uuid(one->command_id);
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
       command{&at_end, {bigint(last_position_)}}},
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
  copying_ = false;
  last_position_ = 0;
  last_answer_.reset();
  auto accepted = accept_all(on, until);
  if (!accepted) return std::unexpected(accepted.error());
  last_answer_ = std::move(*accepted);
  if (auto copied = copy_out(on, until); !copied) return std::unexpected(copied.error());
  auto sql = finishing_sql();
  if (auto ended = end((sql + "COMMIT").c_str()); !ended) return std::unexpected(ended.error());
  return *last_answer_;
}

outcome<result<void>> import_batch::accept_all(connection& on, clock_reading until) {
  for (const auto& entry : entries_) {
    if (entry.unfit) return result<void>(std::unexpected(*entry.unfit));
    result<void> accepted;
    if (const auto* one = std::get_if<append>(&entry.what))
      accepted = accept(*one);
    else
      accepted = accept(std::get<retained>(entry.what));
    if (!accepted) return accepted;
    if (out_->events.made().size() < piece_bytes) continue;
    if (auto sent = send_events(on, until); !sent) return std::unexpected(sent.error());
  }
  return result<void>();
}

result<import_batch::stream_state*> import_batch::find(const named_stream& one) {
  const auto found = streams_.find(one.place.key);
  if (found == streams_.end()) return nullptr;
  if (found->second.name != one.name)
    return std::unexpected(stream_key_collision(one.name, found->second.name));
  return &found->second;
}

result<void> import_batch::check_follows(const append& one) {
  std::unordered_map<const named_stream*, std::uint64_t> versions;
  auto sequence = head_;
  auto clock = clock_;
  for (const auto& event : one.events) {
    const auto state = find(*event.stream);
    if (!state) return std::unexpected(state.error());
    auto& version =
        versions.try_emplace(event.stream, *state ? (*state)->version : 0).first->second;
    if (*state && (*state)->kept.gone)
      return std::unexpected(stream_is_gone(event.stream->name, {(*state)->version}));
    auto told = event.facts;
    told.stream = event.stream->name;
    const bool follows = told.position == position{.sequence = ++sequence} &&
                         told.version.number == ++version && told.recorded.bits > clock;
    if (!follows) return std::unexpected(does_not_follow(told, sequence, version));
    clock = told.recorded.bits;
  }
  return {};
}

result<void> import_batch::accept(const append& one) {
  if (auto checked = check_follows(one); !checked) return checked;
  if (!one.command_id.is_nil())
    if (const auto known = commands_.find(one.command_id); known != commands_.end()) {
      // After a connection that was lost, one without events may be our own.
      if (attempts_ > 1 && one.events.empty() && known->second.digest == one.digest) return {};
      return std::unexpected(command_id_reused(one.command_id, known->second));
    }
  std::int32_t offset = 0;
  for (const auto& event : one.events) {
    const auto& [name, place, category, written] = *event.stream;
    auto& state = streams_[place.key];
    if (state.name.empty()) {
      state.name = name;
      state.is_new = true;
      out_->streams.row(4);
      out_->streams.id(place.key);
      out_->streams.bytes(name);
      out_->streams.id(place.aggregate_id);
      out_->streams.int4(category);
    }
    ++state.version;
    add_event(event, offset++);
    head_ = event.facts.position.sequence;
    clock_ = event.facts.recorded.bits;
    last_position_ = head_;
    last_event_ = event.made.id;
  }
  if (!one.command_id.is_nil()) add_command(one);
  return {};
}

void import_batch::add_event(const one_event& one, std::int32_t offset) {
  const auto& made = one.made;
  auto& to = out_->events;
  to.row(15);
  to.int8(as_bigint(one.facts.position.sequence));
  to.id(made.id);
  to.id(one.stream->place.aggregate_id);
  to.int4(one.stream->category);
  to.int8(as_bigint(one.facts.version.number));
  to.int8(same_bits(one.facts.recorded.bits));
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
  command_record record{.digest = one.digest};
  if (!one.events.empty()) {
    record.result.first = one.events.front().facts.position;
    record.result.last = one.events.back().facts.position;
  }
  if (one.stream != nullptr) {
    record.stream = one.stream->name;
    if (const auto state = find(*one.stream); state && *state)
      record.result.stream_version = {(*state)->version};
  }
  auto& to = out_->commands;
  to.row(7);
  to.id(one.command_id);
  to.id(one.digest);
  to.bytes(record.stream);
  to.int8(as_bigint(record.result.stream_version.number));
  to.int8(as_bigint(record.result.first.sequence));
  to.int8(as_bigint(record.result.last.sequence));
  to.boolean(false);
  const auto& known = commands_.emplace(one.command_id, std::move(record)).first->second;
  if (!one.events.empty()) return;
  auto& step = out_->steps;
  step.row(8);
  step.int8(as_bigint(head_));
  step.bytes(known.stream);
  step.id(one.command_id);
  put_document(step, one.step_metadata);
  for (int i = 0; i < 4; ++i) step.null();
}

result<void> import_batch::accept(const retained& one) {
  const auto& name = one.stream->name;
  const auto state = find(*one.stream);
  if (!state) return std::unexpected(state.error());
  if (*state == nullptr)
    return fail(errc::aggregate_not_found, "stream " + name + " has no events");
  auto to = one.to;
  to.stream = name;
  auto& kept = (*state)->kept;
  if (auto valid = kept.become(to, {(*state)->version}); !valid) return valid;
  (*state)->retained_now = true;
  auto& step = out_->steps;
  step.row(8);
  step.int8(as_bigint(head_));
  step.bytes(name);
  step.null();
  step.null();
  step.int8(as_bigint(kept.truncate_before.number));
  step.boolean(kept.gone);
  step.int8(kept.max_age.count());
  step.int8(as_bigint(kept.max_count));
  return {};
}

std::string import_batch::copy_sql(std::string_view table, std::string_view columns) const {
  return "COPY " + sql_.schema + "." + std::string(table) + " " + std::string(columns) +
         " FROM STDIN (FORMAT binary)";
}

// The server parses and stores these while the next are made.
outcome<void> import_batch::send_events(connection& on, clock_reading until) {
  if (!std::exchange(copying_, true))
    if (auto begun = on.begin_copy(copy_sql("events", event_columns_of_copy), until); !begun)
      return begun;
  auto sent = on.continue_copy(out_->events.made(), until);
  out_->events.clear();
  return sent;
}

outcome<void> import_batch::end_events(connection& on, clock_reading until) {
  if (out_->events.empty()) return {};
  out_->events.finish();
  if (auto sent = send_events(on, until); !sent) return sent;
  return on.end_copy(until);
}

outcome<void> import_batch::copy_out(connection& on, clock_reading until) {
  if (auto ended = end_events(on, until); !ended) return ended;
  struct target {
    std::string_view table;
    std::string_view columns;
    copy_rows& rows;
  };
  const target targets[] = {
      {"streams", "(stream_key, name, aggregate_id, category_id)", out_->streams},
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
    if (auto begun = on.begin_copy(copy_sql(table, columns), until); !begun) return begun;
    if (auto sent = on.continue_copy(rows.finish(), until); !sent) return sent;
    if (auto ended = on.end_copy(until); !ended) return ended;
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
           ", max_age = " + std::to_string(state.kept.max_age.count()) +
           ", max_count = " + std::to_string(as_bigint(state.kept.max_count)) +
           " WHERE stream_key = '" + key.to_string() + "'; ";
  }
  if (last_position_ != 0 && !sql_.channel.empty())
    sql += "NOTIFY " + quoted(sql_.channel) + ", '" + std::to_string(last_position_) + "'; ";
  return sql;
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
