#include "recent_walk.h"

#include <algorithm>

#include "annals/assert.h"
#include "annals/limits.h"
#include "bytes.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::uint64_t fetched_at_once = 1U << 20U;  // bytes

}  // namespace

result<void> recent_walk::read(const wish& wanted, const taker& take) {
  begin(*wanted.filter, take);
  result<void> done;
  if (const auto frame = first_frame(wanted); frame)
    done = walk(*frame, wanted);
  else
    done = std::unexpected(frame.error());
  for (const auto& one : opened_) one.of->bytes.note_checked(one.walked);
  // What was found until there is good.
  auto ended = end();
  return done ? ended : done;
}

// The index says where an event stands; where its frame begins, the event does.
result<lsn> recent_walk::first_frame(const wish& wanted) {
  const auto* at = in_memory(wanted.place);
  const std::byte* item = nullptr;
  if (at != nullptr) {
    item = at->data + (wanted.place.offset() - at->begin.offset());
  } else {
    const auto from = open(wanted.place.segment());
    if (!from) return std::unexpected(from.error());
    const auto offset = wanted.place.offset();
    if (auto got = (*from)->mapped->fetch(offset, sizeof(event_item), end_of(**from)); !got)
      return std::unexpected(got.error());
    item = (*from)->mapped->data() + offset;
  }
  const auto before = std::uint64_t{read_as<event_item>(item).frame_distance} * 8;
  if (before > wanted.place.offset() - first_frame_offset)
    return damaged(wanted.place, "an event does not know its frame");
  return lsn::at(wanted.place.segment(), wanted.place.offset() - before);
}

result<void> recent_walk::walk(lsn from, const wish& wanted) {
  for (std::optional<lsn> at = from; at && *at < of_.durable && !stopped();) {
    const auto in = piece_at(*at);
    if (!in) return std::unexpected(in.error());
    const auto next = walk_piece(*in, wanted);
    if (!next) return std::unexpected(next.error());
    if (*next == *at) return damaged(*at, "a frame does not fit");
    at = *next;
  }
  return {};
}

result<recent_walk::piece> recent_walk::piece_at(lsn place) {
  const auto from = open(place.segment());
  if (!from) return std::unexpected(from.error());
  if (const auto* held = in_memory(place))
    return piece{*from, place, held->end, held->data + (place.offset() - held->begin.offset()),
                 true};
  auto end = lsn::at(place.segment(), end_of(**from));
  const auto behind = std::ranges::lower_bound(of_.in_memory, place, {}, &log_stretch::begin);
  if (behind != of_.in_memory.end()) end = std::min(end, behind->begin);
  return piece{*from, place, end, (*from)->mapped->data() + place.offset(), false};
}

result<std::optional<lsn>> recent_walk::walk_piece(const piece& in, const wish& wanted) {
  auto at = in.begin;
  while (at.offset() + sizeof(frame_header) <= in.end.offset() && !stopped()) {
    const auto frame = frame_at(in, at);
    if (!frame) return std::unexpected(frame.error());
    const auto& header = frame->header();
    if (header.first_sequence > wanted.last) return std::optional<lsn>{};
    if (header.events != 0)
      if (auto walked = walk_frame(*frame, wanted); !walked) return std::unexpected(walked.error());
    if (frame->kind() == frame_kind::seal)
      return std::optional(lsn::at(at.segment() + 1, first_frame_offset));
    at = lsn::at(at.segment(), at.offset() + header.length);
  }
  return std::optional(at);
}

result<frame_view> recent_walk::frame_at(const piece& in, lsn place) {
  auto& from = *in.from;
  const auto offset = place.offset();
  const auto room = in.end.offset() - offset;
  const std::byte* const at = in.data + (offset - in.begin.offset());
  const auto fetched = [&](std::uint64_t length) {
    return in.in_memory ? result<void>{} : fetch(from, offset, length);
  };
  if (auto got = fetched(sizeof(frame_header)); !got) return std::unexpected(got.error());
  const frame_view frame(at);
  const auto& header = frame.header();
  const bool known = !in.in_memory && from.checked.holds(offset, offset + sizeof(frame_header));
  if (!known && (!frame_header_holds(at, from.of->seed()) || header.place != place))
    return damaged(place, "the CRC of a frame's header does not hold");
  if (header.length < sizeof(frame_header) || header.length > room)
    return damaged(place, "the length of a frame does not fit");
  if (auto got = fetched(header.length); !got) return std::unexpected(got.error());
  if (known) return frame;
  if (const auto problem = frame.problem(from.of->seed())) return damaged(place, *problem);
  if (!in.in_memory) from.walked.extend({offset, offset + header.length});
  return frame;
}

result<void> recent_walk::walk_frame(const frame_view& frame, const wish& wanted) {
  const std::byte* at = frame.data() + sizeof(frame_header);
  const std::byte* const end = frame.data() + frame.header().length;
  while (at < end && !stopped()) {
    const auto item = read_as<item_header>(at);
    if (item.length < sizeof(item_header)) return {};  // mapped, and lost since it was checked
    prefetch(at + walk_ahead, item.length);
    if (item.kind == static_cast<std::uint16_t>(item_kind::event)) {
      const auto event = read_as<event_item>(at);
      if (event.sequence > wanted.last) return {};
      if (event.sequence >= wanted.first) {
        if (auto named = check_name(event.name, event.stream_key); !named) return named;
        if (auto looked = look_at(at, event); !looked) return looked;
      }
    }
    at += item.length;
  }
  return {};
}

result<recent_walk::opened*> recent_walk::open(std::uint64_t number) {
  if (auto found =
          std::ranges::find(opened_, number, [](const opened& o) { return o.of->number(); });
      found != opened_.end())
    return &*found;
  const auto of = std::ranges::find(of_.segments, number, &segment::number);
  if (of == of_.segments.end())
    return damaged(lsn::at(number, 0), "what is looked for is in no segment that was not indexed");
  auto& file = **of;
  const auto mapped = file.bytes.open(*file.reader, file.capacity());
  if (!mapped) return std::unexpected(mapped.error());
  opened_.push_back({.of = &file, .mapped = *mapped, .checked = file.bytes.checked()});
  return &opened_.back();
}

// In order, much at once: the disk reads ahead then.
result<void> recent_walk::fetch(opened& from, std::uint64_t offset, std::uint64_t length) {
  if (from.fetched_from <= offset && offset + length <= from.fetched_to) return {};
  const bool goes_on = from.fetched_from <= offset && offset <= from.fetched_to;
  const auto begin = goes_on ? from.fetched_to : offset;
  const auto end = std::max(offset + length, std::min(begin + fetched_at_once, end_of(from)));
  if (auto got = from.mapped->whole().fetch(begin, static_cast<std::size_t>(end - begin)); !got)
    return got;
  if (!goes_on) from.fetched_from = begin;
  from.fetched_to = end;
  return {};
}

result<void> recent_walk::check_name(lsn place, const uuid& key) {
  if (place.segment() <= of_.sealed->segments()) return of_.sealed->check_name(place, key);
  if (in_memory(place) != nullptr) return {};
  const auto from = open(place.segment());
  if (!from) return std::unexpected(from.error());
  const auto& in = **from;
  const auto offset = place.offset();
  const auto end = offset + sizeof(name_item);
  if (in.walked.holds(offset, end) || in.checked.holds(offset, end)) return {};
  if (offset < first_frame_offset + sizeof(frame_header) || end > end_of(in))
    return damaged(place, "a name is looked for where none can be");
  constexpr std::size_t most = sizeof(name_item) + padded(limits::stream_name_bytes);
  const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(most, end_of(in) - offset));
  if (auto got = in.mapped->fetch(offset, room, end_of(in)); !got) return got;
  const std::byte* const at = in.mapped->data() + offset;
  const item_view item(at);
  if (!item_in_bounds(at, room) || !item.holds(in.of->seed()) || !item.fits() ||
      item.kind() != item_kind::stream_name || item.as<name_item>().stream_key != key)
    return damaged(place, "no name stands where an event has the one of its stream");
  return {};
}

const log_stretch* recent_walk::in_memory(lsn place) const noexcept {
  const auto after = std::ranges::upper_bound(of_.in_memory, place, {}, &log_stretch::begin);
  if (after == of_.in_memory.begin()) return nullptr;
  const auto& found = *std::prev(after);
  return place < found.end ? &found : nullptr;
}

std::uint64_t recent_walk::end_of(const opened& in) const noexcept {
  return in.of->number() == of_.durable.segment() ? of_.durable.offset() : in.of->capacity();
}

std::string_view recent_walk::text_of(known_texts& in, std::uint32_t number) {
  if (number < in.texts.size() && in.texts[number].data() != nullptr) return in.texts[number];
  const std::scoped_lock lock(guard_);
  if (number >= in.of.next()) return {};
  if (number >= in.texts.size()) in.texts.resize(number + std::size_t{1});
  return in.texts[number] = in.of.text_of(number);
}

std::string_view recent_walk::checked_name_at(lsn place) const noexcept {
  if (place.segment() <= of_.sealed->segments()) return of_.sealed->checked_name_at(place);
  const std::byte* at = nullptr;
  if (const auto* held = in_memory(place)) {
    at = held->data + (place.offset() - held->begin.offset());
  } else {
    const auto found =
        std::ranges::find(opened_, place.segment(), [](const opened& o) { return o.of->number(); });
    ANNALS_ASSERT(found != opened_.end(), "a name that was checked stands in an open segment");
    at = found->mapped->data() + place.offset();
  }
  return name_in(item_view(at));
}

result<void> recent_walk::check_pages() const {
  for (const auto& one : opened_)
    if (auto whole = one.mapped->check(); !whole) return whole;
  return of_.sealed->check_pages();
}

std::unexpected<error> recent_walk::damaged(lsn place, std::string_view what) const {
  return fail(errc::store_corrupt, "segment " + std::to_string(place.segment()) +
                                       " is damaged at offset " + std::to_string(place.offset()) +
                                       ": " + std::string(what));
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
