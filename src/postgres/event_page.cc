#include "event_page.h"

#include <unordered_set>

#include "annals/stream.h"
#include "parameters.h"
#include "stored_metadata.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

constexpr std::size_t readable_after_payload = 64;  // bytes; the contract of event_view
// Payloads whose stored size is over this are fetched one by one, so that a page stays small.
constexpr std::string_view large_payload = "65536";

std::optional<uuid> unless_nil(const uuid& id) {
  return id.is_nil() ? std::nullopt : std::optional(id);
}

std::uint64_t as_unsigned(std::int64_t value) noexcept {
  return static_cast<std::uint64_t>(value);
}

}  // namespace

std::string event_columns(payload_column payload) {
  const std::string small_data =
      "CASE WHEN pg_column_size(e.event_data) <= " + std::string(large_payload) + " THEN " +
      data_column(payload) + " END";
  const std::string small_bytes =
      "CASE WHEN pg_column_size(e.event_bytes) <= " + std::string(large_payload) +
      " THEN e.event_bytes END";
  return "e.global_position, e.event_id, e.aggregate_id, e.category_id, e.version, e.hlc, "
         "e.timestamp, e.append_offset, e.schema_version, e.codec, e.genesis, e.event_type, " +
         small_data + ", " + small_bytes + ", e.metadata";
}

std::string data_column(payload_column payload) {
  return payload == payload_column::jsonb ? "e.event_data::text" : "e.event_data";
}

void event_page::load(rows from) {
  rows_ = std::move(from);
  const int count = rows_.size();
  events_.resize(static_cast<std::size_t>(count));
  std::size_t size = readable_after_payload;
  for (int i = 0; i < count; ++i) size += rows_.bytes(i, 12).size() + rows_.bytes(i, 13).size();
  bytes_.reserve(size);
  for (int i = 0; i < count; ++i) {
    auto& event = events_[static_cast<std::size_t>(i)];
    event.page = this;
    event.position = as_unsigned(rows_.int8(i, 0));
    event.event_id = rows_.uuid(i, 1);
    event.aggregate_id = rows_.uuid(i, 2);
    event.category = category_index(rows_.int4(i, 3));
    event.version = as_unsigned(rows_.int8(i, 4));
    event.hlc = as_unsigned(rows_.int8(i, 5));
    event.timestamp = rows_.int8(i, 6);
    event.append_offset = rows_.int4(i, 7);
    event.schema = static_cast<std::uint16_t>(rows_.int4(i, 8));
    event.codec = rows_.int2(i, 9) == 0 ? codec::json : codec::binary;
    event.genesis = rows_.boolean(i, 10);
    event.type = rows_.text(i, 11);
    event.stored_metadata = rows_.text(i, 14);
    const bool in_bytes = rows_.is_null(i, 12);
    event.large = in_bytes && rows_.is_null(i, 13);
    auto payload = rows_.bytes(i, in_bytes ? 13 : 12);
    const auto begin = bytes_.size();
    bytes_ += payload;
    event.payload = std::as_bytes(std::span(bytes_.data() + begin, payload.size()));
  }
  bytes_.append(readable_after_payload, '\0');
}

std::size_t event_page::category_index(std::int32_t id) {
  const auto [place, fresh] = category_places_.try_emplace(id, categories_.size());
  if (fresh) categories_.push_back({.id = id});
  return place->second;
}

bool event_page::knows_categories(name_book& names) {
  for (auto& one : categories_) {
    auto known = names.find(one.id);
    if (!known) return false;
    one = std::move(*known);
  }
  return true;
}

std::vector<uuid> event_page::unknown_keys(name_book& names) const {
  std::unordered_set<uuid> unknown;
  for (const auto& event : events_)
    if (categories_[event.category].names == naming::by_key &&
        !names.name_of_key(event.aggregate_id))
      unknown.insert(event.aggregate_id);
  return {unknown.begin(), unknown.end()};
}

void event_page::take_names(name_book& names) {
  for (const auto& event : events_)
    if (categories_[event.category].names == naming::by_key &&
        !names_by_key_.contains(event.aggregate_id))
      names_by_key_[event.aggregate_id] =
          names.name_of_key(event.aggregate_id).value_or(std::string());
}

void event_page::set_payload(std::size_t index, std::string_view payload) {
  large_.reserve(payload.size() + readable_after_payload);
  large_ = payload;
  large_.append(readable_after_payload, '\0');
  events_[index].payload = std::as_bytes(std::span(large_.data(), payload.size()));
}

void event_page::drop_payload(std::size_t index) {
  events_[index].payload = {};
  large_ = std::string();
}

event_view event_page::view(const paged_event& of) const {
  return event_view({.type = of.type,
                     .payload = of.payload,
                     .version = {of.version},
                     .position = {.sequence = of.position},
                     .schema = of.schema,
                     .codec = of.codec,
                     .source = &of});
}

std::string_view event_page::stream_name(const paged_event& of) const {
  const auto& in = categories_[of.category];
  if (in.names == naming::by_key) {
    const auto found = names_by_key_.find(of.aggregate_id);
    return found == names_by_key_.end() ? std::string_view() : std::string_view(found->second);
  }
  const std::scoped_lock lock(mutex_);
  auto& made = made_names_[of.aggregate_id];
  for (const auto& [place, name] : made)
    if (place == of.category) return name;
  // Views of names outlive what comes behind them: reserved once, a name never moves.
  if (made.capacity() == 0) made.reserve(categories_.size());
  return made.emplace_back(of.category, name_of(in, of.aggregate_id)).second;
}

uuid event_page::stream_key(const paged_event& of) const {
  if (categories_[of.category].names == naming::by_key) return of.aggregate_id;
  return stream_key_of(stream_name(of));
}

std::vector<std::string_view> event_page::tags(const paged_event& of,
                                               std::vector<std::string>& owned) const {
  owned = of.stored_metadata.empty() ? std::vector<std::string>()
                                     : read_metadata(of.stored_metadata).tags;
  return {owned.begin(), owned.end()};
}

namespace {

time_point time_of(const paged_event& event) {
  if (event.timestamp != INT64_MIN && event.timestamp != INT64_MAX)
    return from_timestamptz(event.timestamp);
  const auto exact = read_metadata(event.stored_metadata).timestamp_us;
  return time_point(std::chrono::microseconds(exact.value_or(event.timestamp)));
}

}  // namespace

event_header paged_event::header(const event_view&) const {
  return {.event_id = event_id,
          .stream_key = page->stream_key(*this),
          .aggregate_id = aggregate_id,
          .timestamp = time_of(*this),
          .recorded = {hlc},
          .genesis = genesis};
}

std::string_view paged_event::stream_name(const event_view&) const {
  return page->stream_name(*this);
}

event_metadata paged_event::metadata(const event_view&) const {
  auto kept = read_metadata(stored_metadata);
  const auto bytes = std::as_bytes(std::span(kept.user));
  return {.event_id = event_id,
          .aggregate_id = aggregate_id,
          .version = {version},
          .timestamp = time_of(*this),
          .event_type = std::string(type),
          .causation_id = unless_nil(kept.causation_id),
          .correlation_id = unless_nil(kept.correlation_id),
          .stream = std::string(page->stream_name(*this)),
          .category = std::string(page->category_name(*this)),
          .stream_key = page->stream_key(*this),
          .position = {.sequence = position},
          .recorded = {hlc},
          .schema = schema,
          .codec = codec,
          .genesis = genesis,
          .tags = std::move(kept.tags),
          .command_id = unless_nil(kept.command_id),
          .trace = kept.trace,
          .tracestate = std::move(kept.tracestate),
          .user_metadata = {bytes.begin(), bytes.end()}};
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
