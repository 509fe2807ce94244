#include "segment_terms.h"

#include <algorithm>

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::size_t first_table_slots = 1'024;

}  // namespace

std::uint32_t& segment_terms::table_slot(const term& sought) {
  const auto mask = table_.size() - 1;
  for (auto at = sought.hash & mask;; at = (at + 1) & mask) {
    if (table_[at] == 0) return table_[at];
    const auto& there = terms_[table_[at] - 1];
    if (there.hash == sought.hash && there.twin == sought.twin && there.kind == sought.kind)
      return table_[at];
  }
}

void segment_terms::grow_table() {
  table_.assign(std::max(first_table_slots, 2 * table_.size()), 0);
  for (std::uint32_t i = 0; i < terms_.size(); ++i) table_slot(terms_[i]) = i + 1;
}

std::uint32_t segment_terms::number_of(term_kind kind, std::span<const std::byte> bytes) {
  if (2 * (terms_.size() + 1) > table_.size()) grow_table();
  const term sought{
      .hash = term_hash(seed_, kind, bytes), .twin = twin_of(seed_, kind, bytes), .kind = kind};
  auto& number = table_slot(sought);
  if (number == 0) {
    terms_.push_back(sought);
    number = static_cast<std::uint32_t>(terms_.size());
  }
  return number;
}

void segment_terms::enter(std::uint32_t number, std::uint32_t place) {
  auto& at = terms_[number - 1].at;
  if (at.last == place) return;  // a tag that the event has twice
  at.last = place;
  ++at.count;
  at.marks += place_mark(place);
}

void segment_terms::note(term_kind kind, std::span<const std::byte> bytes, std::uint32_t place) {
  enter(number_of(kind, bytes), place);
}

void segment_terms::note(std::vector<std::uint32_t>& known, term_kind kind, std::uint32_t number,
                         std::uint32_t place) {
  if (number >= few_numbers) return note(kind, term_bytes(number), place);
  if (number >= known.size()) known.resize(number + std::size_t{1});
  if (known[number] == 0) known[number] = number_of(kind, term_bytes(number));
  enter(known[number], place);
}

void segment_terms::add(const item_view& event, std::uint32_t place) {
  const auto head = event.as<event_item>();
  note(types_, term_kind::type, head.type, place);
  note(categories_, term_kind::category, head.category, place);
  for_each_tag(event, [&](std::string_view tag) { note(term_kind::tag, term_bytes(tag), place); });
}

void segment_terms::finish(const segment_replay& replay) {
  table_ = {};
  for (const auto& each : replay.streams()) {
    const auto& [key, one] = each;
    if (!one.has_events()) continue;
    terms_.push_back({.hash = term_hash(seed_, term_kind::stream, term_bytes(key)),
                      .at = {.count = one.now.version - one.before.version,
                             .marks = one.marks,
                             .last = static_cast<std::uint32_t>(one.now.last.offset() / 8)},
                      .kind = term_kind::stream,
                      .stream = &each});
  }
  std::ranges::sort(terms_, {}, &term::hash);
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
