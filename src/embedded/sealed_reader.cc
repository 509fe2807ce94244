#include "sealed_reader.h"

#include <algorithm>
#include <ranges>

#include "annals/limits.h"
#include "bytes.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::size_t ahead_in_memory = 8;  // events

}  // namespace

result<void> sealed_reader::read(const wish& wanted, const taker& take) {
  begin(*wanted.filter, take);
  auto done = wanted.stream != nullptr ? read_stream(wanted) : read_store(wanted);
  return done ? end() : done;
}

// What views tell of later cannot fail then: name and frame are checked now.
result<void> sealed_reader::check_lent(const mapped_segment& in, std::uint64_t offset,
                                       const event_item& event) {
  const auto frame = offset - std::uint64_t{event.frame_distance} * 8;
  if (frame > offset) return in.damaged(offset, "an event does not know its frame");
  if (!in.is_checked(frame, offset - frame))
    if (auto front = in.check_front(frame); !front) return front;
  if (event.name == named_at_ && event.stream_key == named_) return {};
  auto named = log_->check_name(event.name, event.stream_key);
  if (named) {
    named_at_ = event.name;
    named_ = event.stream_key;
  }
  return named;
}

result<const std::byte*> sealed_reader::event_at(const mapped_segment& in,
                                                 std::uint64_t offset) const {
  const auto* at = in.known_item_at(offset);
  if (at == nullptr) {
    const auto item = in.item_at(offset);
    if (!item) return std::unexpected(item.error());
    at = item->data();
  }
  if (read_as<item_header>(at).kind != static_cast<std::uint16_t>(item_kind::event))
    return in.damaged(offset, "no event stands where an index has one");
  return at;
}

result<void> sealed_reader::look_at_checked(const mapped_segment& in, const std::byte* item,
                                            const event_item& event) {
  if (auto checked = check_lent(in, static_cast<std::uint64_t>(item - in.data()), event); !checked)
    return checked;
  return look_at(item, event);
}

// A stream.

result<void> sealed_reader::read_stream(const wish& wanted) {
  auto pieces = log_->pieces_of(*wanted.stream, wanted.last_sealed, {wanted.first});
  if (!pieces) return std::unexpected(pieces.error());
  if (wanted.backwards) std::ranges::reverse(*pieces);
  for (const auto& piece : *pieces) {
    if (piece.first_version() > wanted.last || piece.last_version() < wanted.first) continue;
    if (auto read = read_piece(piece, wanted); !read || stopped()) return read;
  }
  return {};
}

result<void> sealed_reader::read_piece(const stream_piece& piece, const wish& wanted) {
  std::vector<std::uint32_t> places;
  const auto from = std::max(wanted.first, piece.first_version());
  const auto to = std::min(wanted.last, piece.last_version());
  const auto newest = piece.last_version() - from + 1;
  if (auto listed = piece.in->index().newest_places(piece.events, newest, places); !listed)
    return listed;
  return pick(*piece.in, std::span(places).first(static_cast<std::size_t>(to - from + 1)), wanted);
}

result<void> sealed_reader::pick(const mapped_segment& in, std::span<const std::uint32_t> places,
                                 const wish& wanted) {
  const auto place = [&](std::size_t i) {
    return std::uint64_t{places[wanted.backwards ? places.size() - 1 - i : i]} * 8;
  };
  for (std::size_t i = 0; i < places.size(); ++i) in.expect(place(i));
  for (std::size_t i = 0; i < places.size() && !stopped(); ++i) {
    if (i + ahead_in_memory < places.size()) in.prefetch(place(i + ahead_in_memory));
    const auto item = event_at(in, place(i));
    if (!item) return std::unexpected(item.error());
    const auto event = read_as<event_item>(*item);
    if (wanted.stream != nullptr) {
      if (event.stream_key != *wanted.stream)
        return in.damaged(place(i), "another event stands where the index has one of stream " +
                                        wanted.stream->to_string());
    } else if (event.sequence < wanted.first || event.sequence > wanted.last) {
      continue;
    }
    if (auto looked = look_at_checked(in, *item, event); !looked) return looked;
  }
  return {};
}

// The store.

result<void> sealed_reader::read_store(const wish& wanted) {
  const auto first = log_->holder_of(wanted.first);
  const auto last = log_->holder_of(wanted.last);
  for (auto i = first; i <= last && !stopped(); ++i) {
    const auto number = wanted.backwards ? last - (i - first) : i;
    const auto in = log_->segment_of(lsn::at(number, 0));
    if (!in) return std::unexpected(in.error());
    if ((*in)->facts().events == 0) continue;
    if (auto read = read_segment(**in, wanted); !read) return read;
  }
  return {};
}

result<void> sealed_reader::read_segment(const mapped_segment& in, const wish& wanted) {
  const auto first = std::max(wanted.first, in.first_sequence());
  const auto last = std::min(wanted.last, in.last_sequence());
  if (filter() != nullptr) {
    const auto selected = log_->candidates(in, *filter());
    if (!selected) return std::unexpected(selected.error());
    if (*selected) {
      if (auto picked = pick(in, **selected, wanted); !picked || stopped()) return picked;
      // Looked at is all of it: the index has told.
      const auto end = in.offset_of((wanted.backwards ? first : last) - in.first_sequence());
      if (!end) return std::unexpected(end.error());
      return pass_over(last - first + 1, in.data() + *end);
    }
  }
  return wanted.backwards ? walk_back(in, first, last) : walk(in, first, last);
}

result<void> sealed_reader::walk(const mapped_segment& in, std::uint64_t first,
                                 std::uint64_t last) {
  std::uint64_t frame = first_frame_offset;
  if (first != in.first_sequence()) {
    const auto event = in.offset_of(first - in.first_sequence());
    if (!event) return std::unexpected(event.error());
    frame = *event - std::uint64_t{read_as<event_item>(in.data() + *event).frame_distance} * 8;
  }
  while (frame < in.end() && !stopped()) {
    const auto checked = in.frame_at(frame);
    if (!checked) return std::unexpected(checked.error());
    const auto header = checked->header();
    if (header.first_sequence > last) break;
    if (header.events != 0)
      if (auto walked = walk_frame(in, frame, first, last); !walked) return walked;
    frame += header.length;
  }
  return {};
}

// The blocks of the frame hold their CRCs: what stands in it is what was indexed.
result<void> sealed_reader::walk_frame(const mapped_segment& in, std::uint64_t frame,
                                       std::uint64_t first, std::uint64_t last) {
  const auto header = read_as<frame_header>(in.data() + frame);
  const std::byte* at = in.data() + frame + sizeof(frame_header);
  const std::byte* const end = in.data() + frame + header.length;
  while (at < end && !stopped()) {
    const auto item = read_as<item_header>(at);
    if (item.length < sizeof(item_header) || item.length > static_cast<std::size_t>(end - at))
      return in.damaged(frame, "the length of an item does not fit");
    prefetch(at + walk_ahead, item.length);
    if (item.kind == static_cast<std::uint16_t>(item_kind::event)) {
      const auto event = read_as<event_item>(at);
      if (event.sequence > last) return {};
      if (event.sequence >= first)
        if (auto looked = look_at_checked(in, at, event); !looked) return looked;
    }
    at += item.length;
  }
  return {};
}

// Stretches of events are gone through forwards, and handed over backwards.
result<void> sealed_reader::walk_back(const mapped_segment& in, std::uint64_t first,
                                      std::uint64_t last) {
  const auto begin_of = in.first_sequence();
  for (auto end = last;; end = end - 1) {
    const auto begin = std::max(first, begin_of + round_down(end - begin_of, events_per_place));
    const auto offsets = in.offsets_of(begin - begin_of, end - begin_of);
    if (!offsets) return std::unexpected(offsets.error());
    for (const auto offset : *offsets | std::views::reverse) {
      const auto item = event_at(in, offset);
      if (!item) return std::unexpected(item.error());
      const auto event = read_as<event_item>(*item);
      if (auto looked = look_at_checked(in, *item, event); !looked || stopped()) return looked;
    }
    if (begin == first) return {};
    end = begin;
  }
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
