#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "bytes.h"
#include "format.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// One item of a frame, borrowed. Its bounds were checked, its CRCs only where said so.
class item_view {
 public:
  explicit item_view(const std::byte* at) noexcept : at_(at), header_(read_as<item_header>(at)) {}

  const std::byte* data() const noexcept { return at_; }
  item_kind kind() const noexcept { return static_cast<item_kind>(header_.kind); }
  const item_header& header() const noexcept { return header_; }
  std::size_t length() const noexcept { return header_.length; }
  std::span<const std::byte> rest() const noexcept {
    return {at_ + header_.head, header_.length - header_.head};
  }
  /// True when head and rest hold their CRCs.
  bool holds(std::uint32_t seed) const noexcept;
  /// The head as a structure; its kind and its size must fit, see `fits`.
  template <class T>
  T as() const noexcept {
    return read_as<T>(at_);
  }
  /// True when the lengths that the item's own fields state stay inside it.
  bool fits() const noexcept;

 private:
  const std::byte* at_;
  item_header header_;
};

/// The first `length` bytes of an item's rest as text, from `offset`.
std::string_view text_in(const item_view& item, std::size_t length,
                         std::size_t offset = 0) noexcept;

/// The name in a name item that was checked, or lost since.
std::string_view name_in(const item_view& item) noexcept;

/// True when an item that starts `at` and its length stay within `room` bytes.
bool item_in_bounds(const std::byte* at, std::size_t room) noexcept;

/// A frame, borrowed.
class frame_view {
 public:
  explicit frame_view(const std::byte* at) noexcept : at_(at), header_(read_as<frame_header>(at)) {}

  const std::byte* data() const noexcept { return at_; }
  const frame_header& header() const noexcept { return header_; }
  frame_kind kind() const noexcept { return static_cast<frame_kind>(header_.kind); }

  /// Calls `each(item_view)` for every item; only after `problem` found none.
  template <class Each>
  void for_each_item(Each&& each) const {
    const std::byte* end = at_ + header_.length;
    for (const std::byte* at = at_ + sizeof(frame_header); at < end;) {
      const item_view item(at);
      if (item.length() < sizeof(item_header)) return;  // mapped, and lost since it was checked
      each(item);
      at += item.length();
    }
  }

  /// What is wrong with the items of a frame whose header holds; none when all hold.
  std::optional<std::string> problem(std::uint32_t seed) const;

 private:
  const std::byte* at_;
  frame_header header_;
};

/// True when the header's CRC holds. All 64 bytes must be readable.
bool frame_header_holds(const std::byte* at, std::uint32_t seed) noexcept;
/// True when a frame calls only what stands before it durable, as every writer's does.
inline bool proves_no_more_than_it_can(const frame_header& header) noexcept {
  return header.durable <= header.place;
}

/// Sets rest CRC of an item (its rest must be complete).
void finish_rest(std::byte* item) noexcept;
/// Sets head CRC of an item and adds it to the items CRC of its frame.
void finish_head(std::byte* item, std::uint32_t seed, std::uint32_t& items_crc) noexcept;
/// Writes a frame's header with its CRC, and returns the CRC.
std::uint32_t finish_frame(std::byte* at, frame_header header, std::uint32_t seed) noexcept;

/// Calls `each(std::string_view)` for every tag of an event whose item fits.
template <class Each>
void for_each_tag(const item_view& item, Each&& each) {
  const auto event = item.as<event_item>();
  const std::byte* at = item.data() + sizeof(event_item) + padded(event.payload_length);
  const std::byte* end = at + event.sections_length;
  while (at < end) {
    const auto section = read_as<section_header>(at);
    if (section.length < sizeof section) return;  // mapped, and lost since it was checked
    if (section.kind == static_cast<std::uint16_t>(section_kind::tags)) {
      const std::byte* tag = at + sizeof section;
      for (std::uint16_t i = 0; i < section.count; ++i) {
        const auto size = static_cast<std::size_t>(*tag);
        each(std::string_view(reinterpret_cast<const char*>(tag + 1), size));
        tag += 1 + size;
      }
    }
    at += section.length;
  }
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
