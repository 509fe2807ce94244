#include "segment_index_builder.h"

#include <algorithm>

#include "annals/assert.h"
#include "annals/limits.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::size_t first_table_slots = 1'024;

}  // namespace

std::uint64_t segment_index_builder::keep(std::span<const std::byte> text) {
  const auto at = texts_.size();
  texts_.insert(texts_.end(), text.begin(), text.end());
  return at;
}

std::span<const std::byte> segment_index_builder::bytes_of(const term& of) const noexcept {
  return std::span(texts_).subspan(of.bytes_at, of.length);
}

std::string_view segment_index_builder::text_of(const name& of) const noexcept {
  return {reinterpret_cast<const char*>(texts_.data() + of.at), of.length};
}

// Where the number of a term stands, or will.
std::uint32_t& segment_index_builder::table_slot(term_kind kind, std::uint64_t hash,
                                                 std::span<const std::byte> bytes) {
  const auto mask = table_.size() - 1;
  for (auto at = hash & mask;; at = (at + 1) & mask) {
    if (table_[at] == 0) return table_[at];
    const auto& there = terms_[table_[at] - 1];
    if (there.hash == hash && there.kind == kind && std::ranges::equal(bytes_of(there), bytes))
      return table_[at];
  }
}

void segment_index_builder::grow_table() {
  table_.assign(std::max(first_table_slots, 2 * table_.size()), 0);
  for (std::uint32_t i = 0; i < terms_.size(); ++i) {
    const auto& each = terms_[i];
    table_slot(each.kind, each.hash, bytes_of(each)) = i + 1;
  }
}

segment_index_builder::term& segment_index_builder::begin(term_kind kind, std::uint64_t hash,
                                                          std::span<const std::byte> bytes,
                                                          std::uint32_t place) {
  return terms_.emplace_back(term{.hash = hash,
                                  .bytes_at = keep(bytes),
                                  .first = place,
                                  .length = static_cast<std::uint8_t>(bytes.size()),
                                  .kind = kind});
}

void segment_index_builder::follow(term& stream, std::uint64_t first_version, lsn previous) const {
  ANNALS_ASSERT(previous.segment() < identity_.segment,
                "what comes before a segment's first event of a stream is in one before");
  stream.first_version = first_version;
  stream.link = static_cast<std::uint32_t>(previous.segment());
}

segment_index_builder::term& segment_index_builder::note(term_kind kind,
                                                         std::span<const std::byte> bytes,
                                                         std::uint32_t place) {
  if (2 * (terms_.size() + 1) > table_.size()) grow_table();
  const auto hash = hash_(identity_.hash_seed, kind, bytes);
  auto& number = table_slot(kind, hash, bytes);
  if (number == 0) {
    begin(kind, hash, bytes, place);
    number = static_cast<std::uint32_t>(terms_.size());
  }
  auto& found = terms_[number - 1];
  if (found.last == place) return found;  // a tag that the event has twice
  found.last = place;
  ++found.count;
  postings_.push_back({number - 1, place});
  return found;
}

void segment_index_builder::add_event(const indexed_event& event) {
  ANNALS_ASSERT(event.place > last_place_, "events come in the order of the segment");
  last_place_ = event.place;
  auto& stream = note(term_kind::stream, term_bytes(event.stream_key), event.place);
  if (stream.count == 1) follow(stream, event.version, event.previous);
  note(term_kind::type, term_bytes(event.type), event.place);
  note(term_kind::category, term_bytes(event.category), event.place);
  for (const auto tag : event.tags) note(term_kind::tag, term_bytes(tag), event.place);
  if (events_++ % events_per_place == 0) places_.push_back(event.place);
}

void segment_index_builder::add_list(const indexed_list& list) {
  ANNALS_ASSERT(!list.places.empty(), "a term stands somewhere");
  const auto number = static_cast<std::uint32_t>(terms_.size());
  auto& of = begin(list.kind, hash_(identity_.hash_seed, list.kind, list.bytes), list.bytes,
                   list.places.front());
  of.last = list.places.back();
  of.count = static_cast<std::uint32_t>(list.places.size());
  if (list.kind == term_kind::stream) follow(of, list.first_version, list.previous);
  for (const auto place : list.places) postings_.push_back({number, place});
}

void segment_index_builder::add_places(std::span<const std::uint32_t> events) {
  for (const auto place : events)
    if (events_++ % events_per_place == 0) places_.push_back(place);
}

void segment_index_builder::add_name(std::uint32_t place, std::string_view text) {
  ANNALS_ASSERT(!text.empty() && text.size() <= limits::stream_name_bytes,
                "it is the name of a stream");
  names_.push_back({keep(term_bytes(text)), place, static_cast<std::uint16_t>(text.size())});
}

std::vector<run_slot> segment_index_builder::slots() const {
  std::vector<run_slot> made;
  made.reserve(terms_.size());
  for (const auto& each : terms_)
    made.push_back({.hash = each.hash,
                    .kind = each.kind,
                    .newest = lsn::at(identity_.segment, std::uint64_t{each.last} * 8)});
  std::ranges::sort(made, {}, [](const run_slot& s) { return std::tuple(s.hash, s.kind); });
  for (std::size_t i = 1; i < made.size(); ++i)
    if (made[i].hash == made[i - 1].hash && made[i].kind == made[i - 1].kind)
      made[i].ambiguous = made[i - 1].ambiguous = true;
  return made;
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
