#include "memory_event.h"

#include "annals/stream.h"

namespace annals {
inline namespace v1 {
namespace {

constexpr std::size_t readable_after_payload = 64;  // bytes; the contract of event_view

std::optional<uuid> unless_nil(const uuid& id) {
  return id.is_nil() ? std::nullopt : std::optional(id);
}

}  // namespace

memory_append::memory_append(const append_context& context)
    : command_id(context.command_id),
      correlation_id(context.correlation_id),
      causation_id(context.causation_id),
      trace(context.trace),
      tracestate(context.tracestate),
      user_metadata(context.user_metadata.begin(), context.user_metadata.end()) {}

append_context memory_append::context(const uuid& digest) const noexcept {
  return {.command_id = command_id,
          .command_digest = digest,
          .correlation_id = correlation_id,
          .causation_id = causation_id,
          .trace = trace,
          .tracestate = tracestate,
          .user_metadata = user_metadata};
}

memory_event::memory_event(const new_event& event, place where,
                           std::shared_ptr<const memory_append> common)
    : place_(where),
      type_(event.type),
      schema_(event.schema),
      codec_(event.codec),
      tags_(event.tags.begin(), event.tags.end()),
      tag_views_(tags_.begin(), tags_.end()),
      common_(std::move(common)) {
  payload_.reserve(event.payload.size() + readable_after_payload);
  payload_.assign(event.payload.begin(), event.payload.end());
  payload_.resize(event.payload.size() + readable_after_payload);
}

event_view memory_event::view() const noexcept {
  return event_view({.type = type_,
                     .payload = std::span(payload_).first(payload_.size() - readable_after_payload),
                     .version = place_.version,
                     .position = place_.position,
                     .schema = schema_,
                     .codec = codec_,
                     .source = this});
}

std::string_view memory_event::category() const noexcept {
  return category_of(place_.stream);
}

event_metadata memory_event::metadata(const event_view&) const {
  return {.event_id = place_.header.event_id,
          .aggregate_id = place_.header.aggregate_id,
          .version = place_.version,
          .timestamp = place_.header.timestamp,
          .event_type = type_,
          .causation_id = unless_nil(common_->causation_id),
          .correlation_id = unless_nil(common_->correlation_id),
          .stream = std::string(place_.stream),
          .category = std::string(category()),
          .stream_key = place_.header.stream_key,
          .position = place_.position,
          .recorded = place_.header.recorded,
          .schema = schema_,
          .codec = codec_,
          .genesis = place_.header.genesis,
          .tags = tags_,
          .command_id = unless_nil(common_->command_id),
          .trace = common_->trace,
          .tracestate = common_->tracestate,
          .user_metadata = common_->user_metadata};
}

}  // namespace v1
}  // namespace annals
