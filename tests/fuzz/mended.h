#pragma once

#include <algorithm>
#include <vector>

#include "embedded/frame.h"
#include "fuzz.h"

namespace annals {
namespace fuzz {

/// Where mended frames stand, and what they follow.
struct frame_place {
  std::uint64_t segment = 1;
  std::uint64_t offset = embedded::first_frame_offset;
  std::uint64_t next_sequence = 1;
  std::uint32_t previous_crc = 0;
  std::uint32_t seed = 0;
};

/// Sets lengths and CRCs of the items in a frame's body so that they hold; what the items say stays
/// as it is. Answers their number, with how many of them are events.
inline std::uint32_t mend_items(std::span<std::byte> body, std::uint32_t seed,
                                std::uint32_t& items_crc, std::uint32_t& events) {
  std::uint32_t items = 0;
  for (std::size_t at = 0; at < body.size(); ++items) {
    std::byte* const item = body.data() + at;
    const std::size_t room = body.size() - at;
    auto header = embedded::read_as<embedded::item_header>(item);
    if (!embedded::item_in_bounds(item, room) ||
        (room != header.length && room - header.length < sizeof header)) {
      header.length = static_cast<std::uint32_t>(room);
      header.head = static_cast<std::uint16_t>(std::clamp<std::size_t>(
          header.head & ~7U, sizeof header, std::min<std::size_t>(room, 104)));
      embedded::write_as(item, header);
    }
    embedded::finish_rest(item);
    embedded::finish_head(item, seed, items_crc);
    if (embedded::item_view(item).kind() == embedded::item_kind::event) ++events;
    at += header.length;
  }
  return items;
}

/// Fuzzers cannot guess CRCs: gives every frame in `bytes` the place, the links, the counts and the
/// CRCs that it needs to be taken for one, up to the first length 0. What stays as it is, is what a
/// frame says.
inline void mend_frames(std::span<std::byte> bytes, frame_place place) {
  using embedded::frame_header;
  std::uint32_t previous_length = 0;
  while (bytes.size() >= sizeof(frame_header)) {
    auto header = embedded::read_as<frame_header>(bytes.data());
    if (header.length == 0) return;
    const std::size_t room = bytes.size() & ~std::size_t{7};
    header.length = static_cast<std::uint32_t>(std::clamp<std::size_t>(
        header.length & ~7U, sizeof header, std::min<std::size_t>(room, 1U << 20U)));
    // No item is shorter than its header.
    if (header.length - sizeof header < sizeof(embedded::item_header))
      header.length = sizeof header;
    header.place = embedded::lsn::at(place.segment, place.offset);
    header.first_sequence = place.next_sequence;
    header.previous_crc = place.previous_crc;
    header.previous_length = previous_length;
    header.items_crc = place.seed;
    header.events = 0;
    header.items = mend_items(bytes.subspan(sizeof header, header.length - sizeof header),
                              place.seed, header.items_crc, header.events);
    place.previous_crc = embedded::finish_frame(bytes.data(), header, place.seed);
    place.next_sequence += header.events;
    place.offset += header.length;
    previous_length = header.length;
    bytes = bytes.subspan(header.length);
  }
}

}  // namespace fuzz
}  // namespace annals
