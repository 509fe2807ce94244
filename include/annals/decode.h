#pragma once

#include <string>
#include <utility>

#include "annals/domain.h"
#include "annals/event.h"
#include "annals/payload.h"

namespace annals {
inline namespace v1 {

/// The error of an event whose type is none of the set's, or whose schema this program cannot read.
error unknown_event(const event_view& view, std::uint16_t readable_schema);
/// Puts event type, stream and version in front of a codec's error.
error undecodable_event(const event_view& view, const error& cause);

/// Decodes an event of the set and hands it to `use`, without a variant in between.
///
/// Errors:  serialization_error, naming event type, stream, version, field path and what was found.
template <class Events, class Use>
result<void> visit_event(const event_view& view, Use&& use) {
  std::uint16_t readable_schema = 0;  // 0: the type is not of the set
  result<void> outcome;
  const auto try_entry = [&]<class Entry>(std::type_identity<Entry>) {
    if (view.type() != Entry::name) return false;
    readable_schema = Entry::schema;
    if (view.schema() != Entry::schema) return false;
    auto event = decode_payload<typename Entry::type>(view.text());
    if (event) {
      use(std::move(*event));
    } else {
      outcome = std::unexpected(undecodable_event(view, event.error()));
    }
    return true;
  };
  const bool found = [&]<std::size_t... I>(std::index_sequence<I...>) {
    return (try_entry(std::type_identity<std::tuple_element_t<I, typename Events::table>>{}) ||
            ...);
  }(std::make_index_sequence<Events::size>{});
  if (!found) return std::unexpected(unknown_event(view, readable_schema));
  return outcome;
}

/// Decodes an event of the set.
///
/// Errors:  as visit_event.
template <class Events>
result<typename Events::variant> decode_event(const event_view& view) {
  std::optional<typename Events::variant> decoded;
  const auto visited = visit_event<Events>(
      view, [&](auto&& event) { decoded.emplace(std::forward<decltype(event)>(event)); });
  if (!visited) return std::unexpected(visited.error());
  return std::move(*decoded);
}

}  // namespace v1
}  // namespace annals
