#include "recent_segment.h"

#include <algorithm>

namespace annals {
inline namespace v1 {
namespace embedded {

recent_stream* recent_segment::find(const uuid& key) {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : &streams_[found->second];
}

const recent_stream* recent_segment::find(const uuid& key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : &streams_[found->second];
}

recent_stream& recent_segment::add_stream(const uuid& key) {
  auto& made = streams_.emplace_back();
  made.key = key;
  made.number = static_cast<std::uint32_t>(streams_.size() - 1);
  by_key_.emplace(key, made.number);
  return made;
}

void recent_segment::add_event(recent_stream& to, const event_entry& event) {
  const auto number = static_cast<std::uint32_t>(events_.size());
  events_.push_back(event);
  to.events.push_back(number);
  of_type_[event.type].push_back(number);
}

void recent_segment::add_tag(std::string_view tag) {
  auto found = of_tag_.find(tag);
  if (found == of_tag_.end()) found = of_tag_.emplace(tag, numbers{}).first;
  const auto number = static_cast<std::uint32_t>(events_.size() - 1);
  auto& events = found->second;
  if (events.empty() || events.back() != number) events.push_back(number);  // it may have it twice
}

version recent_segment::newest_at(const recent_stream& stream,
                                  std::uint64_t sequence) const noexcept {
  if (sequence < first_sequence()) return {stream.before};
  const auto after =
      std::ranges::upper_bound(stream.events, sequence - first_sequence(), {},
                               [](std::uint32_t number) { return std::uint64_t{number}; });
  return {stream.before + static_cast<std::uint64_t>(after - stream.events.begin())};
}

const command_entry* recent_segment::find_command(const uuid& id) const {
  const auto found = by_command_.find(id);
  return found == by_command_.end() ? nullptr : &commands_[found->second].entry;
}

void recent_segment::add_command(const uuid& id, const command_entry& entry) {
  if (by_command_.emplace(id, static_cast<std::uint32_t>(commands_.size())).second)
    commands_.push_back({id, entry});
}

void recent_segment::add_text(dictionary_kind kind, std::string_view text) {
  (kind == dictionary_kind::type ? new_types_ : new_categories_).emplace_back(text);
}

void recent_segment::add_retention(const uuid& key, lsn place, const retention& state) {
  retained_[key].push_back({place, state});
}

const retention* recent_segment::find_retention(const uuid& key, lsn bound) const {
  const auto found = retained_.find(key);
  if (found == retained_.end()) return nullptr;
  const auto behind = std::ranges::lower_bound(found->second, bound, {}, &retained::place);
  return behind == found->second.begin() ? nullptr : &std::prev(behind)->state;
}

// Of the tags' lists the shortest is gone through; of the types' the events of all, in order.
std::uint64_t recent_segment::first_match(std::span<const std::uint32_t> types,
                                          std::span<const std::string_view> tags,
                                          std::uint64_t after,
                                          const std::function<bool(std::uint64_t)>& sees) const {
  if (events_.empty() || after >= last_sequence()) return 0;
  const auto from =
      static_cast<std::uint32_t>(after < first_sequence() ? 0 : after + 1 - first_sequence());
  std::vector<const numbers*> postings;
  for (const auto tag : tags) {
    const auto found = of_tag_.find(tag);
    if (found == of_tag_.end() || found->second.back() < from) return 0;
    postings.push_back(&found->second);
  }
  const auto sequence = [&](std::uint32_t number) { return first_sequence() + number; };
  if (!postings.empty()) {
    std::ranges::sort(postings, {}, [](const auto* list) { return list->size(); });
    for (auto at = std::ranges::lower_bound(*postings.front(), from); at != postings.front()->end();
         ++at) {
      const bool type_fits = types.empty() || std::ranges::count(types, events_[*at].type) != 0;
      const bool tags_fit = std::ranges::all_of(
          postings, [&](const auto* list) { return std::ranges::binary_search(*list, *at); });
      if (type_fits && tags_fit && sees(sequence(*at))) return sequence(*at);
    }
    return 0;
  }
  if (types.empty()) {
    for (auto number = from; number < events_.size(); ++number)
      if (sees(sequence(number))) return sequence(number);
    return 0;
  }
  std::uint64_t first = 0;
  for (const auto type : types) {
    const auto found = of_type_.find(type);
    if (found == of_type_.end()) continue;
    for (auto at = std::ranges::lower_bound(found->second, from); at != found->second.end(); ++at) {
      if (first != 0 && sequence(*at) >= first) break;
      if (sees(sequence(*at))) first = sequence(*at);
    }
  }
  return first;
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
