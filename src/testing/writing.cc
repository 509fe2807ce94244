#include "writing.h"

namespace annals {
inline namespace v1 {
namespace testing {

query selecting::matching() {
  views_.clear();
  items_.clear();
  for (const auto& item : owned_)
    views_.push_back(
        {{item.types.begin(), item.types.end()}, {item.tags.begin(), item.tags.end()}});
  for (const auto& item : views_) items_.push_back({.types = item.types, .tags = item.tags});
  return {.items = items_};
}

writing& writing::to(std::string stream, expect expected, std::vector<fact> events) {
  parts_.push_back(
      {.stream = std::move(stream), .expected = expected, .events = std::move(events)});
  return *this;
}

writing& writing::unless(selecting matching, checkpoint after) {
  conditions_.push_back({std::move(matching), std::move(after)});
  return *this;
}

append_request writing::request() {
  writes_.clear();
  unless_.clear();
  for (auto& one : parts_) {
    one.tags.assign(one.events.size(), {});
    one.views.clear();
    for (std::size_t i = 0; i < one.events.size(); ++i)
      one.views.push_back(view_of(one.events[i], one.tags[i]));
    writes_.push_back({.name = one.stream, .expected = one.expected, .events = one.views});
  }
  for (auto& one : conditions_)
    unless_.push_back({.matching = one.matching.matching(), .after = one.after});
  return {.streams = writes_, .unless = unless_, .context = context};
}

uuid id_of(std::string_view word) {
  constexpr uuid words{{0x6f, 0x1e, 0x2a, 0x90, 0x5b, 0x47, 0x4c, 0x33, 0x8f, 0x0d, 0x11, 0x62,
                        0x7e, 0x94, 0xc8, 0x05}};
  return make_uuid_v5(words, word);
}

new_event view_of(const fact& one, std::vector<std::string_view>& tags) {
  tags.assign(one.tags.begin(), one.tags.end());
  return {.type = one.type,
          .schema = one.schema,
          .codec = one.codec,
          .payload = std::as_bytes(std::span(one.payload)),
          .event_id = one.event_id,
          .timestamp = one.timestamp,
          .tags = tags,
          .genesis = one.genesis};
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
