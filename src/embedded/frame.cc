#include "frame.h"

#include <cstddef>

#include "annals/limits.h"
#include "crc32c.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::size_t crc_at = offsetof(item_header, head_crc);
constexpr std::size_t after_crc = offsetof(item_header, rest_crc);

std::uint32_t head_crc_of(const std::byte* item, std::size_t head, std::uint32_t seed) noexcept {
  const auto before = crc32c(seed, {item, crc_at});
  return crc32c(before, {item + after_crc, head - after_crc});
}

std::uint32_t header_crc_of(const std::byte* at, std::uint32_t seed) noexcept {
  constexpr std::size_t covered_from = offsetof(frame_header, place);
  const auto crc = crc32c(seed, {at + covered_from, sizeof(frame_header) - covered_from});
  return crc32c(crc, {at, sizeof(std::uint32_t)});
}

std::uint32_t with_item(std::uint32_t items_crc, std::uint32_t head_crc) noexcept {
  return crc32c(items_crc, std::as_bytes(std::span(&head_crc, 1)));
}

std::size_t smallest_head(item_kind kind) noexcept {
  switch (kind) {
    case item_kind::event: return sizeof(event_item);
    case item_kind::command: return sizeof(command_item);
    case item_kind::context: return sizeof(context_item);
    case item_kind::stream_name: return sizeof(name_item);
    case item_kind::dictionary: return sizeof(dictionary_item);
    case item_kind::retention: return sizeof(retention_item);
    case item_kind::seal: return sizeof(seal_item);
    case item_kind::repair: return sizeof(repair_item);
  }
  return sizeof(item_header);
}

// Every tag and every section within what the event says it has.
bool sections_fit(const std::byte* at, std::size_t room) noexcept {
  while (room > 0) {
    if (room < sizeof(section_header)) return false;
    const auto section = read_as<section_header>(at);
    if (section.length < sizeof section || section.length > room || section.length % 8 != 0)
      return false;
    if (section.kind == static_cast<std::uint16_t>(section_kind::tags)) {
      std::size_t used = sizeof section;
      for (std::uint16_t i = 0; i < section.count; ++i) {
        if (used >= section.length) return false;
        used += 1 + static_cast<std::size_t>(at[used]);
      }
      if (used > section.length) return false;
    }
    at += section.length;
    room -= section.length;
  }
  return true;
}

bool event_fits(const item_view& item) noexcept {
  const auto event = item.as<event_item>();
  const std::size_t payload = padded(event.payload_length);
  if (item.header().head != sizeof(event_item)) return false;
  if (sizeof(event_item) + payload + event.sections_length != item.length()) return false;
  return event.sections_length % 8 == 0 &&
         sections_fit(item.data() + sizeof(event_item) + payload, event.sections_length);
}

}  // namespace

bool item_in_bounds(const std::byte* at, std::size_t room) noexcept {
  if (room < sizeof(item_header)) return false;
  const auto header = read_as<item_header>(at);
  return header.length % 8 == 0 && header.head % 8 == 0 && header.head >= sizeof(item_header) &&
         header.head <= header.length && header.length <= room;
}

bool item_view::holds(std::uint32_t seed) const noexcept {
  return head_crc_of(at_, header_.head, seed) == header_.head_crc &&
         (rest().empty() ? 0 : crc32c(0, rest())) == header_.rest_crc;
}

bool item_view::fits() const noexcept {
  if (header_.head < smallest_head(kind())) return false;
  switch (kind()) {
    case item_kind::event: return event_fits(*this);
    case item_kind::stream_name: return as<name_item>().length <= rest().size();
    case item_kind::dictionary: return as<dictionary_item>().length <= rest().size();
    case item_kind::context: {
      const auto context = as<context_item>();
      return std::uint64_t{context.tracestate_length} + context.user_metadata_length <=
             rest().size();
    }
    default: return true;
  }
}

std::string_view text_in(const item_view& item, std::size_t length, std::size_t offset) noexcept {
  return {reinterpret_cast<const char*>(item.rest().data()) + offset, length};
}

std::string_view name_in(const item_view& item) noexcept {
  const std::size_t length = item.as<name_item>().length;
  const bool is_name = item.kind() == item_kind::stream_name && length <= limits::stream_name_bytes;
  return is_name ? std::string_view(reinterpret_cast<const char*>(item.data()) + sizeof(name_item),
                                    length)
                 : std::string_view{};
}

std::optional<std::string> frame_view::problem(std::uint32_t seed) const {
  const std::byte* at = at_ + sizeof(frame_header);
  const std::byte* end = at_ + header_.length;
  std::uint32_t items_crc = seed;
  std::uint32_t items = 0;
  std::uint32_t events = 0;
  for (; at < end; ++items) {
    const auto where = [&] {
      return " of the item " + std::to_string(at - at_) + " bytes into the frame";
    };
    if (!item_in_bounds(at, static_cast<std::size_t>(end - at)))
      return "the length does not fit" + where();
    const item_view item(at);
    if (!item.holds(seed)) return "the CRC does not hold" + where();
    if (!item.fits()) return "the fields do not fit" + where();
    items_crc = with_item(items_crc, item.header().head_crc);
    if (item.kind() == item_kind::event) ++events;
    at += item.length();
  }
  if (items != header_.items || events != header_.events || items_crc != header_.items_crc)
    return "the items CRC does not hold";
  return std::nullopt;
}

bool frame_header_holds(const std::byte* at, std::uint32_t seed) noexcept {
  const auto header = read_as<frame_header>(at);
  return header.length >= sizeof header && header.length % 8 == 0 &&
         header_crc_of(at, seed) == header.crc;
}

void finish_rest(std::byte* item) noexcept {
  auto header = read_as<item_header>(item);
  header.rest_crc = header.head == header.length
                        ? 0
                        : crc32c(0, {item + header.head, header.length - header.head});
  write_as(item, header);
}

void finish_head(std::byte* item, std::uint32_t seed, std::uint32_t& items_crc) noexcept {
  auto header = read_as<item_header>(item);
  header.head_crc = head_crc_of(item, header.head, seed);
  write_as(item, header);
  items_crc = with_item(items_crc, header.head_crc);
}

std::uint32_t finish_frame(std::byte* at, frame_header header, std::uint32_t seed) noexcept {
  write_as(at, header);
  header.crc = header_crc_of(at, seed);
  write_as(at, header);
  return header.crc;
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
