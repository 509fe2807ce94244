#include "log_index.h"

#include <algorithm>

#include "annals/stream.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

bool holds(const std::vector<std::uint64_t>& ascending, std::uint64_t sequence) {
  return std::ranges::binary_search(ascending, sequence);
}

}  // namespace

std::uint32_t dictionary::number_of(std::string_view text) const {
  if (text.empty()) return 0;
  const auto found = numbers_.find(text);
  return found == numbers_.end() ? 0 : found->second;
}

std::uint32_t dictionary::add(std::string_view text) {
  const auto number = next();
  texts_.emplace_back(text);
  numbers_.emplace(texts_.back(), number);
  return number;
}

std::string_view dictionary::text_of(std::uint32_t number) const {
  return number == 0 ? std::string_view{} : std::string_view(texts_[number - 1]);
}

version stream_entry::newest_at(std::uint64_t sequence) const noexcept {
  if (last_sequence() <= sequence) return newest();
  const auto after = std::ranges::upper_bound(sequences, sequence);
  return {static_cast<std::uint64_t>(after - sequences.begin())};
}

stream_entry* log_index::find(const uuid& key) {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : &streams_[found->second];
}

stream_entry& log_index::add_stream(const uuid& key, std::string_view name,
                                    std::uint32_t category) {
  auto& made = streams_.emplace_back();
  made.name = name;
  made.key = key;
  made.aggregate_id = aggregate_id_of(name);
  made.category = category;
  made.number = static_cast<std::uint32_t>(streams_.size() - 1);
  by_key_.emplace(key, made.number);
  return made;
}

void log_index::add_event(stream_entry& to, const event_entry& event) {
  events_.push_back(event);
  to.sequences.push_back(events_.size());
  if (newest_of_type_.size() <= event.type) newest_of_type_.resize(event.type + 1);
  newest_of_type_[event.type] = events_.size();
}

const command_entry* log_index::find_command(const uuid& id) const {
  const auto found = commands_.find(id);
  return found == commands_.end() ? nullptr : &found->second;
}

bool log_index::hides(std::uint64_t sequence, version newest, time_point now) const {
  const auto& stream = stream_of(event(sequence));
  return !stream.kept.keeps_all() &&
         stream.kept.hides(stream.newest_at(sequence), event(sequence).recorded, newest, now);
}

// What is hidden is a prefix: versions and recorded times only grow.
version log_index::first_kept(const stream_entry& stream, version newest, time_point now) const {
  if (stream.kept.keeps_all()) return {1};
  std::uint64_t low = 1;
  std::uint64_t high = newest.number + 1;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    const auto recorded = event(stream.sequences[middle - 1]).recorded;
    if (stream.kept.hides({middle}, recorded, newest, now)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return {low};
}

std::uint64_t log_index::first_match(const query& selects, std::uint64_t after,
                                     time_point now) const {
  const visible sees = [&](std::uint64_t sequence) {
    return !hides(sequence, stream_of(event(sequence)).newest(), now);
  };
  if (selects.items.empty()) return first_visible(after, sees);
  std::uint64_t first = 0;
  for (const auto& item : selects.items) {
    const auto match = first_match(item, after, sees);
    if (match != 0 && (first == 0 || match < first)) first = match;
  }
  return first;
}

std::uint64_t log_index::first_visible(std::uint64_t after, const visible& sees) const {
  for (std::uint64_t sequence = after + 1; sequence <= events_.size(); ++sequence)
    if (sees(sequence)) return sequence;
  return 0;
}

std::uint64_t log_index::first_match(const query_item& item, std::uint64_t after,
                                     const visible& sees) const {
  std::vector<std::uint32_t> wanted;
  for (const auto type : item.types)
    if (const auto number = types.number_of(type); number != 0) wanted.push_back(number);
  if (wanted.empty() && !item.types.empty()) return 0;
  if (item.tags.empty()) return first_of_types(wanted, after, sees);

  std::vector<const std::vector<std::uint64_t>*> postings;
  for (const auto tag : item.tags) {
    const auto found = tags_.find(tag);
    if (found == tags_.end() || found->second.back() <= after) return 0;
    postings.push_back(&found->second);
  }
  std::ranges::sort(postings, {}, [](const auto* list) { return list->size(); });
  const auto& rarest = *postings.front();
  for (auto at = std::ranges::upper_bound(rarest, after); at != rarest.end(); ++at) {
    const bool type_fits = wanted.empty() || std::ranges::count(wanted, event(*at).type) != 0;
    const bool tags_fit =
        std::ranges::all_of(postings, [&](const auto* list) { return holds(*list, *at); });
    if (type_fits && tags_fit && sees(*at)) return *at;
  }
  return 0;
}

std::uint64_t log_index::first_of_types(const std::vector<std::uint32_t>& wanted,
                                        std::uint64_t after, const visible& sees) const {
  if (wanted.empty()) return first_visible(after, sees);
  const bool any_newer = std::ranges::any_of(wanted, [&](std::uint32_t type) {
    return type < newest_of_type_.size() && newest_of_type_[type] > after;
  });
  if (!any_newer) return 0;
  for (std::uint64_t sequence = after + 1; sequence <= events_.size(); ++sequence)
    if (std::ranges::count(wanted, event(sequence).type) != 0 && sees(sequence)) return sequence;
  return 0;
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
