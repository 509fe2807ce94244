// Filters, conditions and lists of names over sealed segments. See sealed_log.h.
#include <algorithm>
#include <queue>
#include <ranges>

#include "sealed_log.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

using places = std::vector<std::uint32_t>;

// Beyond this share of a segment's events its frames are gone through one after the other.
constexpr std::uint64_t share_to_go_through = 4;

void sort_out(places& list) {
  std::ranges::sort(list);
  const auto again = std::ranges::unique(list);
  list.erase(again.begin(), again.end());
}

places both(const places& a, const places& b) {
  places out;
  std::ranges::set_intersection(a, b, std::back_inserter(out));
  return out;
}

}  // namespace

// Entries of terms whose hashes begin alike are among them: events are compared when they are read.
result<void> sealed_log::add_places(const mapped_segment& in, term_kind kind,
                                    std::span<const std::byte> bytes, places& out) const {
  std::vector<postings> found;
  const auto hash = term_hash(hash_seed_, kind, bytes);
  if (auto looked = in.index().find(kind, hash, found); !looked) return looked;
  for (const auto& one : found)
    if (auto listed = in.index().places(one, out); !listed) return listed;
  return {};
}

result<std::uint64_t> sealed_log::count_of(const mapped_segment& in, term_kind kind,
                                           std::span<const std::byte> bytes) const {
  std::vector<postings> found;
  if (auto looked = in.index().find(kind, term_hash(hash_seed_, kind, bytes), found); !looked)
    return std::unexpected(looked.error());
  std::uint64_t count = 0;
  for (const auto& one : found) count += one.count;
  return count;
}

// Of an item: what all its tags have in common, within what its types have; none: nearly all.
result<std::optional<places>> sealed_log::candidates_of(const mapped_segment& in,
                                                        const query_item& item) const {
  std::optional<places> selected;
  for (const auto tag : item.tags) {
    places of_tag;
    if (auto added = add_places(in, term_kind::tag, term_bytes(tag), of_tag); !added)
      return std::unexpected(added.error());
    sort_out(of_tag);
    selected = selected ? both(*selected, of_tag) : std::move(of_tag);
    if (selected->empty()) return selected;
  }
  if (item.types.empty()) return selected;
  std::uint64_t count = 0;
  std::vector<std::uint32_t> wanted;
  for (const auto type : item.types) {
    const auto number = type_number(type);
    if (number == 0) continue;
    wanted.push_back(number);
    const auto of_type = count_of(in, term_kind::type, term_bytes(wanted.back()));
    if (!of_type) return std::unexpected(of_type.error());
    count += *of_type;
  }
  if (count >= in.facts().events / share_to_go_through && count != 0) return selected;
  places of_types;
  for (const auto& number : wanted)
    if (auto added = add_places(in, term_kind::type, term_bytes(number), of_types); !added)
      return std::unexpected(added.error());
  sort_out(of_types);
  return std::optional(selected ? both(*selected, of_types) : std::move(of_types));
}

result<std::optional<places>> sealed_log::candidates(const mapped_segment& in,
                                                     const read_filter& filter) const {
  std::optional<places> of_items;
  if (!filter.matching.items.empty()) {
    of_items.emplace();
    for (const auto& item : filter.matching.items) {
      auto selected = candidates_of(in, item);
      if (!selected) return std::unexpected(selected.error());
      if (!*selected) {
        of_items.reset();
        break;
      }
      of_items->insert(of_items->end(), (*selected)->begin(), (*selected)->end());
    }
    if (of_items) sort_out(*of_items);
  }
  if (filter.categories.empty() || (of_items && of_items->empty())) return of_items;
  std::uint64_t count = 0;
  std::vector<std::uint32_t> wanted;
  for (const auto category : filter.categories) {
    const auto number = category_number(category);
    if (number == 0 && !category.empty()) continue;
    wanted.push_back(number);
    const auto of_category = count_of(in, term_kind::category, term_bytes(wanted.back()));
    if (!of_category) return std::unexpected(of_category.error());
    count += *of_category;
  }
  if (count >= in.facts().events / share_to_go_through && count != 0) return of_items;
  places of_categories;
  for (const auto& number : wanted)
    if (auto added = add_places(in, term_kind::category, term_bytes(number), of_categories); !added)
      return std::unexpected(added.error());
  sort_out(of_categories);
  if (auto whole = check_pages(); !whole) return std::unexpected(whole.error());
  return std::optional(of_items ? both(*of_items, of_categories) : std::move(of_categories));
}

// No tag of an item may have its newest event at or before `after`, nor all its types.
result<bool> sealed_log::may_match_after(const query_item& item, std::uint64_t after) const {
  const auto moved = [&](term_kind kind, std::span<const std::byte> bytes) -> result<bool> {
    const auto newest = newest_of(kind, bytes);
    if (!newest) return std::unexpected(newest.error());
    if (newest->bits == 0) return false;
    const auto event = event_item_at(*newest);
    if (!event) return std::unexpected(event.error());
    return event->sequence > after;
  };
  for (const auto tag : item.tags) {
    const auto has = moved(term_kind::tag, term_bytes(tag));
    if (!has || !*has) return has;
  }
  if (item.types.empty()) return true;
  for (const auto type : item.types) {
    const auto number = type_number(type);
    if (number == 0) continue;
    const auto has = moved(term_kind::type, term_bytes(number));
    if (!has || *has) return has;
  }
  return false;
}

result<std::optional<event_entry>> sealed_log::first_match(const query& selects,
                                                           std::uint64_t after,
                                                           const visible& sees) const {
  if (after >= last_sequence()) return std::optional<event_entry>{};
  std::vector<query_item> alive;
  for (const auto& item : selects.items) {
    const auto may = may_match_after(item, after);
    if (!may) return std::unexpected(may.error());
    if (*may) alive.push_back(item);
  }
  if (alive.empty() && !selects.items.empty()) return std::optional<event_entry>{};
  const read_filter filter{.matching = {alive}};
  std::vector<std::string_view> tags;
  for (auto number = holder_of(after + 1); number <= segments(); ++number) {
    const auto in = segment_of(lsn::at(number, 0));
    if (!in) return std::unexpected(in.error());
    auto selected = candidates(**in, filter);
    if (!selected) return std::unexpected(selected.error());
    const auto first = std::max(after + 1, (*in)->first_sequence());
    const auto count = *selected ? (*selected)->size()
                                 : static_cast<std::size_t>((*in)->last_sequence() + 1 - first);
    for (std::size_t i = 0; i < count; ++i) {
      std::uint64_t offset = 0;
      if (*selected) {
        offset = std::uint64_t{(**selected)[i]} * 8;
      } else {
        const auto found = (*in)->offset_of(first + i - (*in)->first_sequence());
        if (!found) return std::unexpected(found.error());
        offset = *found;
      }
      const auto item = (*in)->item_at(offset);
      if (!item) return std::unexpected(item.error());
      if (item->kind() != item_kind::event) continue;
      const auto event = item->as<event_item>();
      if (event.sequence <= after) continue;
      tags.clear();
      for_each_tag(*item, [&](std::string_view tag) { tags.push_back(tag); });
      if (!matches(filter.matching, type_of(event.type), tags)) continue;
      const auto seen = sees(event);
      if (!seen) return std::unexpected(seen.error());
      if (*seen)
        return std::optional(event_entry{.place = lsn::at(number, offset),
                                         .id = event.event_id,
                                         .recorded = {event.recorded},
                                         .type = event.type});
    }
  }
  if (auto whole = check_pages(); !whole) return std::unexpected(whole.error());
  return std::optional<event_entry>{};
}

// The lists of all segments, joined.
result<std::vector<std::string>> sealed_log::names(std::string_view prefix, std::string_view after,
                                                   std::size_t limit) const {
  std::vector<name_cursor> cursors;
  cursors.reserve(segments_.size());
  const auto later = [&](std::size_t a, std::size_t b) {
    return cursors[a].name() > cursors[b].name();
  };
  std::priority_queue<std::size_t, std::vector<std::size_t>, decltype(later)> next(later);
  const auto enter = [&](std::size_t i, const result<bool>& there) -> result<void> {
    if (!there) return std::unexpected(there.error());
    if (*there && cursors[i].name().starts_with(prefix)) next.push(i);
    return {};
  };
  for (const auto& one : segments_) {
    if (auto opened = one->open(); !opened) return std::unexpected(opened.error());
    if (one->index().names() == 0) continue;
    auto& cursor = cursors.emplace_back(one->index());
    auto there = cursor.seek(std::max(prefix, after));
    if (there && *there && cursor.name() == after) there = cursor.next();
    if (auto entered = enter(cursors.size() - 1, there); !entered)
      return std::unexpected(entered.error());
  }
  std::vector<std::string> names;
  while (!next.empty() && names.size() < limit) {
    const auto i = next.top();
    next.pop();
    // A stream may be named twice: by a command without events first.
    if (names.empty() || names.back() != cursors[i].name()) names.push_back(cursors[i].name());
    if (auto entered = enter(i, cursors[i].next()); !entered)
      return std::unexpected(entered.error());
  }
  if (auto whole = check_pages(); !whole) return std::unexpected(whole.error());
  return names;
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
