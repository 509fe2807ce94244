#include "draft.h"

#include <algorithm>
#include <unordered_map>

#include "annals/engine.h"
#include "annals/stream.h"
#include "json_text.h"
#include "stored_metadata.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

// Beside its payload, an event in flight costs about as much.
constexpr std::size_t bytes_per_event = 64;
constexpr std::int64_t before_all_time = INT64_MIN;  // -infinity
constexpr std::int64_t after_all_time = INT64_MAX;   // infinity

std::string_view text_of(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

result<void> refuse_nul(std::string_view text, std::string_view what) {
  if (text.find('\0') == std::string_view::npos) return {};
  return fail(errc::invalid_argument,
              std::string(what) + " holds the character NUL, which PostgreSQL cannot store");
}

/// Where a payload goes, or why it cannot be stored.
result<bool> goes_into_json(const new_event& event, payload_column column) {
  if (event.codec != codec::json) return false;
  const auto text = text_of(event.payload);
  if (!is_utf8(text))
    return fail(errc::serialization_error,
                "the payload of an event of type " + std::string(event.type) +
                    " is said to be JSON and is not UTF-8; store it with codec::binary");
  if (!is_json(text)) return false;
  const auto refused = column == payload_column::jsonb ? refused_by_jsonb(text) : "";
  if (refused.empty()) return true;
  return fail(errc::serialization_error,
              "the payload of an event of type " + std::string(event.type) + " holds " +
                  std::string(refused) +
                  ", which a column of type jsonb refuses; a store made with annals_payload=json "
                  "takes it");
}

std::vector<std::string> owned(std::span<const std::string_view> texts) {
  return {texts.begin(), texts.end()};
}

draft_condition copied(const append_condition& condition) {
  draft_condition copy{.after = condition.after};
  for (const auto& item : condition.matching.items)
    copy.items.push_back({owned(item.types), owned(item.tags)});
  if (copy.items.empty()) copy.items.emplace_back();  // every event
  return copy;
}

/// Says whom the append is to be told from all others by: an id that the store has made, or a
/// command id, its own where the caller gave none.
void mark(append_draft& draft, const append_request& request, env& environment) {
  std::size_t at = 0;
  for (const auto& write : request.streams)
    for (const auto& event : write.events) {
      if (event.event_id.is_nil() && !draft.marked) {
        draft.marked = true;
        draft.marked_event = at;
      }
      ++at;
    }
  if (!draft.command_id.is_nil()) {
    draft.digest = request.context.command_digest.is_nil() ? digest_of(request)
                                                           : request.context.command_digest;
  } else if (!draft.marked) {
    draft.command_id = make_event_id(environment);
    draft.digest = draft.command_id;
    draft.own_command = true;
  }
}

/// Two names with one key in one append, in time that does not grow with the square of them.
result<void> check_keys(const append_request& request) {
  if (request.streams.size() < 2) return {};
  std::unordered_map<uuid, std::string_view> names;
  for (const auto& write : request.streams)
    if (const auto [other, fresh] = names.try_emplace(stream_key_of(write.name), write.name);
        !fresh)
      return std::unexpected(stream_key_collision(write.name, other->second));
  return {};
}

bool matches_any(const draft_condition& condition, const draft_event& event) {
  return std::ranges::any_of(condition.items, [&](const draft_condition::item& item) {
    const bool type =
        item.types.empty() || std::ranges::find(item.types, event.type) != item.types.end();
    return type && std::ranges::all_of(item.tags, [&](const std::string& tag) {
             return std::ranges::find(event.tags, tag) != event.tags.end();
           });
  });
}

}  // namespace

result<draft_event> draft_event_of(const new_event& event, const append_context& context,
                                   std::string_view listed_first, payload_column column,
                                   time_point now) {
  if (auto checked = refuse_nul(event.type, "the type of an event"); !checked)
    return std::unexpected(checked.error());
  for (const auto tag : event.tags)
    if (auto checked = refuse_nul(tag, "a tag"); !checked) return std::unexpected(checked.error());
  const auto as_json = goes_into_json(event, column);
  if (!as_json) return std::unexpected(as_json.error());
  const auto time = event.timestamp.value_or(now);
  const auto stored = to_timestamptz(time);
  event_extras extras{.tags = event.tags, .listed_first = listed_first};
  if (!stored) extras.timestamp_us = time.time_since_epoch().count();
  draft_event made{.id = event.event_id,
                   .type = std::string(event.type),
                   .payload = std::string(text_of(event.payload)),
                   .as_json = *as_json,
                   .codec = event.codec,
                   .schema = event.schema,
                   .genesis = event.genesis,
                   .metadata = write_metadata(context, extras),
                   .timestamp = stored.value_or(
                       time.time_since_epoch().count() < 0 ? before_all_time : after_all_time),
                   .tags = owned(event.tags)};
  std::ranges::sort(made.tags);
  made.tags.erase(std::unique(made.tags.begin(), made.tags.end()), made.tags.end());
  return made;
}

result<append_draft> draft_of(const append_request& request, payload_column column, time_point now,
                              env& environment) {
  const auto& context = request.context;
  if (auto checked = check_keys(request); !checked) return std::unexpected(checked.error());
  append_draft draft{.command_id = context.command_id,
                     .earliest = next_hlc({}, context.received, now).bits};
  mark(draft, request, environment);
  // The first stream listed is told where it is not that of the first event.
  std::string_view listed_first;
  const auto& first = request.streams.front();
  if (first.events.empty()) listed_first = first.name;
  for (const auto& write : request.streams) {
    const auto check = static_cast<std::int32_t>(draft.checks.size());
    const auto place = place_of(write.name);
    draft.checks.push_back({.name = std::string(write.name),
                            .key = place.key,
                            .aggregate_id = place.aggregate_id,
                            .category = std::string(place.category),
                            .names = place.names,
                            .expected = write.expected,
                            .events = static_cast<std::int32_t>(write.events.size())});
    std::int32_t nth = 0;
    for (const auto& event : write.events) {
      auto made =
          draft_event_of(event, context, draft.events.empty() ? listed_first : "", column, now);
      if (!made) return std::unexpected(made.error());
      if (made->id.is_nil()) made->id = make_event_id(environment);
      made->check = check;
      made->nth = ++nth;
      draft.bytes += made->payload.size() + made->type.size() + bytes_per_event;
      draft.events.push_back(std::move(*made));
    }
  }
  for (const auto& condition : request.unless) draft.conditions.push_back(copied(condition));
  if (draft.events.empty()) draft.step_metadata = write_metadata(context, {});
  return draft;
}

bool may_continue(const append_draft& later, const append_draft& earlier) {
  constexpr std::uint64_t a_second = UINT64_C(1'000) << 16U;  // as clock readings have it
  const auto plain = [](const append_draft& one) {
    return one.checks.size() == 1 && one.marked && one.command_id.is_nil() &&
           one.conditions.empty();
  };
  if (!plain(later) || !plain(earlier)) return false;
  const auto& check = later.checks.front();
  const auto& other = earlier.checks.front();
  if (check.key != other.key || check.name != other.name) return false;
  if (later.earliest > earlier.earliest + a_second) return false;
  if (check.expected.what() == expect::kind::any) return true;
  const bool exact =
      other.expected.what() == expect::kind::at || other.expected.what() == expect::kind::none;
  return exact && check.expected.what() == expect::kind::at &&
         check.expected.version().number ==
             other.expected.version().number + static_cast<std::uint64_t>(other.events);
}

bool group_content::admits(const append_draft& draft) const {
  if (!draft.command_id.is_nil() && commands_.contains(draft.command_id)) return false;
  for (const auto& check : draft.checks)
    if (const auto found = streams_.find(check.key);
        found != streams_.end() && (found->second || check.events > 0))
      return false;
  return std::ranges::none_of(draft.conditions, [&](const draft_condition& condition) {
    return std::ranges::any_of(
        events_, [&](const draft_event* event) { return matches_any(condition, *event); });
  });
}

void group_content::add(const append_draft& draft) {
  if (!draft.command_id.is_nil()) commands_.insert(draft.command_id);
  for (const auto& check : draft.checks) streams_[check.key] |= check.events > 0;
  for (const auto& event : draft.events) events_.push_back(&event);
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
