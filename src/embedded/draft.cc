#include "draft.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "annals/engine.h"
#include "annals/stream.h"
#include "frame.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

std::size_t tags_bytes(const new_event& event) noexcept {
  if (event.tags.empty()) return 0;
  std::size_t bytes = sizeof(section_header);
  for (const auto tag : event.tags) bytes += 1 + tag.size();
  return padded(bytes);
}

std::size_t event_bytes(const new_event& event) noexcept {
  return sizeof(event_item) + padded(event.payload.size()) + tags_bytes(event);
}

void write_tags(std::byte* at, const new_event& event) {
  if (event.tags.empty()) return;
  write_as(at, section_header{.length = static_cast<std::uint32_t>(tags_bytes(event)),
                              .kind = static_cast<std::uint16_t>(section_kind::tags),
                              .count = static_cast<std::uint16_t>(event.tags.size())});
  at += sizeof(section_header);
  for (const auto tag : event.tags) {
    *at++ = static_cast<std::byte>(tag.size());
    copy_bytes(at, std::as_bytes(std::span(tag)));
    at += tag.size();
  }
}

bool is_empty(const append_context& context) noexcept {
  return context.correlation_id.is_nil() && context.causation_id.is_nil() &&
         context.trace == trace_context{} && context.tracestate.empty() &&
         context.user_metadata.empty();
}

std::size_t front_bytes(const append_context& context) noexcept {
  return sizeof(command_item) + sizeof(context_item) +
         padded(context.tracestate.size() + context.user_metadata.size());
}

}  // namespace

append_draft::append_draft(const append_request& request, env& environment)
    : now_(environment.now()) {
  std::size_t bytes = front_bytes(request.context);
  std::size_t events = 0;
  for (const auto& write : request.streams) {
    events += write.events.size();
    for (const auto& event : write.events) bytes += event_bytes(event);
  }
  items_.reserve(bytes);
  events_.reserve(events);
  streams_.reserve(request.streams.size());
  const bool needs_digest =
      !request.context.command_id.is_nil() && request.context.command_digest.is_nil();
  for (const auto& write : request.streams) add_stream(write.name);
  add_front(request.context, needs_digest ? digest_of(request) : request.context.command_digest);
  for (std::uint32_t i = 0; i < request.streams.size(); ++i)
    for (const auto& event : request.streams[i].events)
      add_event(event, i, event.event_id.is_nil() ? make_event_id(environment) : event.event_id,
                event.timestamp.value_or(now_), {});
}

append_draft::append_draft(const import_request& request, env& environment)
    : now_(environment.now()) {
  std::size_t bytes = front_bytes(request.context);
  for (const auto& imported : request.events) bytes += event_bytes(imported.event);
  items_.reserve(bytes);
  events_.reserve(request.events.size());
  constexpr std::size_t few = 8;
  std::unordered_map<std::string_view, std::uint32_t> numbers;  // of streams, beyond a few
  const auto number_of = [&](std::string_view name) {
    for (std::size_t i = 0; i < std::min(few, streams_.size()); ++i)
      if (streams_[i].name == name) return static_cast<std::uint32_t>(i);
    const auto next = static_cast<std::uint32_t>(streams_.size());
    if (next < few) return add_stream(name), next;
    const auto [known, first] = numbers.try_emplace(name, next);
    if (first) add_stream(name);
    return known->second;
  };
  // Listed first, also without events: beside a command id it is remembered.
  if (!request.stream.empty()) number_of(request.stream);
  for (const auto& imported : request.events) number_of(imported.stream);
  add_front(request.context, request.context.command_digest);
  for (const auto& imported : request.events)
    add_event(imported.event, number_of(imported.stream), imported.event.event_id,
              *imported.event.timestamp, imported.recorded);
}

void append_draft::add_stream(std::string_view name) {
  stream_part part{.name = name, .category = category_of(name), .key = stream_key_of(name)};
  part.item_at = names_.size();
  part.item_length = sizeof(name_item) + padded(name.size());
  names_.resize(part.item_at + part.item_length);
  std::byte* const at = names_.data() + part.item_at;
  write_as(at, name_item{.item = {.length = static_cast<std::uint32_t>(part.item_length),
                                  .kind = static_cast<std::uint16_t>(item_kind::stream_name),
                                  .head = sizeof(name_item)},
                         .stream_key = part.key,
                         .length = static_cast<std::uint16_t>(name.size())});
  copy_bytes(at + sizeof(name_item), std::as_bytes(std::span(name)));
  finish_rest(at);
  streams_.push_back(part);
}

std::byte* append_draft::add_item(item_kind kind, std::size_t head, std::size_t rest) {
  const std::size_t at = items_.size();
  items_.resize(at + head + padded(rest));
  write_as(items_.data() + at,
           item_header{.length = static_cast<std::uint32_t>(head + padded(rest)),
                       .kind = static_cast<std::uint16_t>(kind),
                       .head = static_cast<std::uint16_t>(head)});
  return items_.data() + at;
}

void append_draft::add_front(const append_context& context, const uuid& digest) {
  if (!context.command_id.is_nil()) {
    std::byte* at = add_item(item_kind::command, sizeof(command_item), 0);
    write_as(at, command_item{.item = read_as<item_header>(at),
                              .command_id = context.command_id,
                              .digest = digest,
                              .stream_key = streams_.empty() ? uuid{} : streams_.front().key});
    ++front_items_;
    command_id_ = context.command_id;
    digest_ = digest;
  }
  if (is_empty(context)) return;
  std::byte* at = add_item(item_kind::context, sizeof(context_item),
                           context.tracestate.size() + context.user_metadata.size());
  write_as(at,
           context_item{
               .item = read_as<item_header>(at),
               .correlation_id = context.correlation_id,
               .causation_id = context.causation_id,
               .trace_id = context.trace.trace_id,
               .span_id = context.trace.span_id,
               .trace_flags = context.trace.flags,
               .tracestate_length = static_cast<std::uint16_t>(context.tracestate.size()),
               .user_metadata_length = static_cast<std::uint32_t>(context.user_metadata.size())});
  copy_bytes(at + sizeof(context_item), std::as_bytes(std::span(context.tracestate)));
  copy_bytes(at + sizeof(context_item) + context.tracestate.size(), context.user_metadata);
  finish_rest(at);
  ++front_items_;
}

void append_draft::add_event(const new_event& event, std::uint32_t stream, const uuid& id,
                             time_point time, hlc recorded) {
  events_.push_back({.offset = items_.size(), .stream = stream, .type = event.type});
  const std::size_t sections = tags_bytes(event);
  std::byte* at =
      add_item(item_kind::event, sizeof(event_item), padded(event.payload.size()) + sections);
  write_as(at, event_item{.item = read_as<item_header>(at),
                          .stream_key = streams_[stream].key,
                          .recorded = recorded.bits,
                          .timestamp = time.time_since_epoch().count(),
                          .event_id = id,
                          .payload_length = static_cast<std::uint32_t>(event.payload.size()),
                          .schema = event.schema,
                          .codec = static_cast<std::uint8_t>(event.codec),
                          .flags = event.genesis ? event_is_genesis : std::uint8_t{0},
                          .sections_length = static_cast<std::uint32_t>(sections)});
  copy_bytes(at + sizeof(event_item), event.payload);
  write_tags(at + sizeof(event_item) + padded(event.payload.size()), event);
  finish_rest(at);
}

std::size_t append_draft::most_bytes() const noexcept {
  std::size_t bytes = sizeof(frame_header) + items_.size();
  for (const auto& stream : streams_)
    bytes += stream.item_length + sizeof(dictionary_item) + padded(stream.category.size());
  std::string_view before;
  for (const auto& event : events_) {
    if (event.type != before) bytes += sizeof(dictionary_item) + padded(event.type.size());
    before = event.type;
  }
  return bytes;
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
