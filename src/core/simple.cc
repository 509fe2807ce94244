#include "annals/simple.h"

#include "annals/fold.h"
#include "annals/stream.h"

namespace annals {
inline namespace v1 {
namespace {

constexpr std::uint64_t plain_shape = 0;

result<std::vector<event_record>> load_versions(event_store& store, const std::string& stream,
                                                version from, version to) {
  std::vector<event_record> events;
  const auto end =
      store.read({.stream = stream, .from = from, .to = to}, [&](const event_batch& batch) {
        for (const auto& view : batch.events) events.emplace_back(view);
        return flow::more;
      });
  if (!end) return std::unexpected(end.error());
  if (end->stream_version.number == 0)
    return fail(errc::aggregate_not_found, "stream " + stream + " has no events");
  const bool whole = end->removed == 0;
  if (auto gap = folding_gap(*end, stream, whole)) return std::unexpected(std::move(*gap));
  return events;
}

}  // namespace

result<version> append_events(event_store& store, const uuid& aggregate_id, version expected,
                              std::span<const new_event> events, std::string_view category) {
  const auto stream = stream_name_of(category, aggregate_id);
  const stream_write write{.name = stream, .expected = expect::at(expected), .events = events};
  const auto stored = store.append({.streams = std::span(&write, 1)});
  if (!stored) return std::unexpected(stored.error());
  return stored->stream_version;
}

result<std::vector<event_record>> load_events(event_store& store, const uuid& aggregate_id,
                                              std::string_view category) {
  return load_versions(store, stream_name_of(category, aggregate_id), {1}, version::max());
}

result<std::vector<event_record>> load_events_range(event_store& store, const uuid& aggregate_id,
                                                    version from, version to,
                                                    std::string_view category) {
  if (from.number == 0 || to < from)
    return fail(errc::invalid_argument, "versions " + std::to_string(from.number) + " to " +
                                            std::to_string(to.number) +
                                            " are no range; versions count from 1");
  return load_versions(store, stream_name_of(category, aggregate_id), from, to);
}

result<void> save_snapshot(event_store& store, const uuid& aggregate_id, version at_version,
                           std::span<const std::byte> state, std::string_view category) {
  const auto stream = stream_name_of(category, aggregate_id);
  const auto last = load_versions(store, stream, at_version, at_version);
  if (!last) return std::unexpected(last.error());
  if (last->empty())
    return fail(errc::invalid_argument, "stream " + stream + " has not reached version " +
                                            std::to_string(at_version.number));
  return store.save_snapshot({.stream = stream,
                              .shape = plain_shape,
                              .version = at_version,
                              .last_event = last->front().metadata().event_id,
                              .state = state});
}

result<std::optional<std::pair<version, std::vector<std::byte>>>> load_snapshot(
    event_store& store, const uuid& aggregate_id, std::string_view category) {
  using answer = std::optional<std::pair<version, std::vector<std::byte>>>;
  auto stored = store.load_snapshot(stream_name_of(category, aggregate_id), plain_shape);
  if (!stored) return std::unexpected(stored.error());
  if (!*stored) return answer{};
  return answer{std::pair((*stored)->version, std::move((*stored)->state))};
}

}  // namespace v1
}  // namespace annals
