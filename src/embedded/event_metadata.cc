#include "event_metadata.h"

#include "annals/stream.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

std::optional<uuid> unless_nil(const uuid& id) {
  return id.is_nil() ? std::nullopt : std::optional(id);
}

}  // namespace

event_metadata metadata_of(const event_view& view, const event_header& facts,
                           std::string_view stream, const item_view& item, const std::byte* frame) {
  event_metadata all{.event_id = facts.event_id,
                     .aggregate_id = facts.aggregate_id,
                     .version = view.version(),
                     .timestamp = facts.timestamp,
                     .event_type = std::string(view.type()),
                     .stream = std::string(stream),
                     .category = std::string(category_of(stream)),
                     .stream_key = facts.stream_key,
                     .position = view.position(),
                     .recorded = facts.recorded,
                     .schema = view.schema(),
                     .codec = view.codec(),
                     .genesis = facts.genesis};
  for_each_tag(item, [&](std::string_view tag) { all.tags.emplace_back(tag); });
  for (const std::byte* at = frame + sizeof(frame_header);;) {
    const item_view front(at);
    if (front.kind() == item_kind::event || front.length() == 0) return all;  // 0: lost, mapped
    if (front.kind() == item_kind::command)
      all.command_id = unless_nil(front.as<command_item>().command_id);
    if (front.kind() == item_kind::context) {
      const auto context = front.as<context_item>();
      all.correlation_id = unless_nil(context.correlation_id);
      all.causation_id = unless_nil(context.causation_id);
      all.trace = {context.trace_id, context.span_id, context.trace_flags};
      all.tracestate = text_in(front, context.tracestate_length);
      const auto user =
          front.rest().subspan(context.tracestate_length, context.user_metadata_length);
      all.user_metadata.assign(user.begin(), user.end());
    }
    at += front.length();
  }
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
