#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>

#include "annals/uuid.h"

/// The structures of docs/format.md, as they stand on disk.
namespace annals {
inline namespace v1 {
namespace embedded {

inline constexpr std::uint32_t format_version = 2;
inline constexpr std::size_t block_bytes = 4096;  // headers of files; what the writer aligns to
inline constexpr std::uint32_t first_frame_offset = block_bytes;
inline constexpr std::size_t readable_after_payload = 64;  // bytes; the contract of event_view

/// A place in the log: segment number, and byte offset ÷ 8 in it.
struct lsn {
  std::uint64_t bits = 0;

  static constexpr lsn at(std::uint64_t segment, std::uint64_t offset) noexcept {
    return {segment << 32U | offset >> 3U};
  }
  static constexpr lsn greatest() noexcept { return {UINT64_MAX}; }
  constexpr std::uint64_t segment() const noexcept { return bits >> 32U; }
  constexpr std::uint64_t offset() const noexcept { return (bits & 0xffffffffU) << 3U; }
  friend constexpr auto operator<=>(lsn, lsn) noexcept = default;
};

enum class frame_kind : std::uint16_t {
  append = 1,
  mark = 2,
  seal = 3,
  retention = 4,
  import = 5,
  command = 6,
  opened = 7,
};
enum class item_kind : std::uint16_t {
  event = 1,
  command = 2,
  context = 3,
  stream_name = 4,
  dictionary = 5,
  retention = 6,
  seal = 7,
  repair = 8,
};
inline constexpr std::uint16_t must_be_understood = 0x8000;  // kinds from here on

enum class dictionary_kind : std::uint8_t { type = 1, category = 2 };
enum class section_kind : std::uint16_t { tags = 1 };
inline constexpr std::uint8_t event_is_genesis = 1;  // bit in event_item::flags

struct frame_header {
  std::uint32_t length = 0;
  std::uint32_t crc = 0;
  lsn place{};
  std::uint64_t first_sequence = 0;
  std::uint32_t events = 0;
  std::uint32_t items = 0;
  std::uint16_t kind = 0;
  std::uint16_t flags = 0;
  std::uint32_t items_crc = 0;
  std::uint32_t previous_crc = 0;
  std::uint32_t previous_length = 0;
  lsn durable{};
  std::uint64_t clock = 0;
};
static_assert(sizeof(frame_header) == 64);

struct item_header {
  std::uint32_t length = 0;
  std::uint16_t kind = 0;
  std::uint16_t head = 0;
  std::uint32_t head_crc = 0;
  std::uint32_t rest_crc = 0;
};
static_assert(sizeof(item_header) == 16);

struct event_item {
  item_header item{};
  uuid stream_key{};
  std::uint64_t version = 0;
  lsn previous{};  // of the stream's event before
  std::uint64_t recorded = 0;
  std::int64_t timestamp = 0;
  uuid event_id{};
  std::uint32_t type = 0;
  std::uint32_t category = 0;
  std::uint32_t payload_length = 0;
  std::uint32_t frame_distance = 0;  // ÷ 8
  std::uint16_t schema = 1;
  std::uint8_t codec = 0;
  std::uint8_t flags = 0;
  std::uint32_t sections_length = 0;
  std::uint64_t sequence = 0;
  lsn name{};  // of the stream's name item
};
static_assert(sizeof(event_item) == 120);

struct section_header {
  std::uint32_t length = 0;
  std::uint16_t kind = 0;
  std::uint16_t count = 0;
};
static_assert(sizeof(section_header) == 8);

struct command_item {
  item_header item{};
  uuid command_id{};
  uuid digest{};
  uuid stream_key{};
  std::uint64_t stream_version = 0;
};
static_assert(sizeof(command_item) == 72);

struct context_item {
  item_header item{};
  uuid correlation_id{};
  uuid causation_id{};
  std::array<std::uint8_t, 16> trace_id{};
  std::array<std::uint8_t, 8> span_id{};
  std::uint8_t trace_flags = 0;
  std::uint8_t zero = 0;
  std::uint16_t tracestate_length = 0;
  std::uint32_t user_metadata_length = 0;
};
static_assert(sizeof(context_item) == 80);

struct name_item {
  item_header item{};
  uuid stream_key{};
  std::uint32_t category = 0;
  std::uint16_t length = 0;
  std::uint16_t zero = 0;
};
static_assert(sizeof(name_item) == 40);

struct dictionary_item {
  item_header item{};
  std::uint32_t number = 0;
  std::uint8_t dictionary = 0;
  std::uint8_t zero = 0;
  std::uint16_t length = 0;
};
static_assert(sizeof(dictionary_item) == 24);

struct retention_item {
  item_header item{};
  uuid stream_key{};
  std::uint64_t truncate_before = 0;
  std::int64_t max_age = 0;
  std::uint64_t max_count = 0;
  std::uint64_t version = 0;
  lsn previous{};  // of the stream's newest event
  lsn name{};      // of the stream's name item
  std::uint32_t category = 0;
  std::uint8_t gone = 0;
  std::array<std::uint8_t, 3> zero{};
};
static_assert(sizeof(retention_item) == 88);

struct seal_item {
  item_header item{};
  std::uint64_t frames = 0;
  std::uint64_t events = 0;
  std::uint64_t last_sequence = 0;
  std::uint64_t next_segment = 0;
};
static_assert(sizeof(seal_item) == 48);
inline constexpr std::size_t seal_frame_bytes = sizeof(frame_header) + sizeof(seal_item);

struct repair_item {
  item_header item{};
  lsn from{};
  std::uint64_t bytes = 0;
  std::int64_t time = 0;
};
static_assert(sizeof(repair_item) == 40);

struct segment_header {
  std::array<char, 8> magic{'A', 'N', 'N', 'A', 'L', 'S', 'L', 'G'};
  std::uint32_t version = format_version;
  std::uint32_t header_length = block_bytes;
  std::uint32_t compatible = 0;
  std::uint32_t incompatible = 0;
  uuid store_id{};
  std::uint64_t number = 0;
  std::uint64_t capacity = 0;
  std::uint64_t first_sequence = 0;
  std::uint64_t salt = 0;
  std::uint64_t clock = 0;
  lsn previous_seal{};
  std::uint32_t previous_crc = 0;
  std::uint32_t block = block_bytes;
  std::int64_t made = 0;
  std::array<char, 32> writer{};
};
static_assert(sizeof(segment_header) == 136);

/// What all CRCs of a segment or snapshot file are continued from.
constexpr std::uint32_t seed_of(std::uint64_t salt) noexcept {
  return static_cast<std::uint32_t>(salt ^ salt >> 32U);
}

/// `ANNALS` and `CLOSED`.
struct store_mark {
  std::array<char, 8> magic{};
  std::uint32_t version = format_version;
  std::uint32_t incompatible = 0;
  uuid store_id{};
  std::int64_t time = 0;
  lsn end{};
  std::uint64_t last_sequence = 0;
};
static_assert(sizeof(store_mark) == 56);
inline constexpr std::array<char, 8> store_magic{'A', 'N', 'N', 'A', 'L', 'S', 'S', 'T'};
inline constexpr std::array<char, 8> closed_magic{'A', 'N', 'N', 'A', 'L', 'S', 'C', 'L'};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
