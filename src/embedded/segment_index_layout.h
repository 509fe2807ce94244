#pragma once

#include <bit>

#include "checked_file.h"
#include "term.h"

namespace annals {
inline namespace v1 {
namespace embedded {

inline constexpr file_magic segment_index_magic{'A', 'N', 'N', 'A', 'L', 'S', 'I', 'X'};

inline constexpr std::uint64_t crc_block_bytes = 65'536;  // of a segment
inline constexpr std::uint64_t events_per_place = 64;     // whose places are kept
inline constexpr std::uint64_t names_per_block = 16;      // the first shares nothing
inline constexpr std::uint32_t first_place = first_frame_offset / 8;
inline constexpr std::size_t uuid_text_bytes = 36;

/// A part of the data of a segment index.
struct index_section {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

/// What follows the header in a segment index; docs/format.md, "Segment index".
struct segment_index_fields {
  std::uint64_t salt = 0;
  std::uint64_t end = 0;
  std::uint64_t first_sequence = 0;
  std::uint64_t events = 0;
  std::uint64_t terms = 0;
  std::uint64_t names = 0;
  index_section blocks{};
  index_section places{};
  index_section buckets{};
  index_section entries{};
  index_section name_blocks{};
  index_section name_list{};
};
static_assert(sizeof(segment_index_fields) == 144);

/// Which index, of which segment of which store.
struct segment_identity {
  uuid store_id{};
  std::uint64_t hash_seed = 0;
  std::uint64_t segment = 0;
  std::uint64_t salt = 0;
};

/// How many bits of a hash tell the bucket: four to eight terms share one.
constexpr unsigned bucket_bits(std::uint64_t terms) noexcept {
  constexpr std::uint64_t most_per_bucket = 8;
  return static_cast<unsigned>(
      std::countr_zero(std::bit_ceil((terms + most_per_bucket - 1) / most_per_bucket)));
}
constexpr std::uint64_t bucket_of(std::uint64_t hash, unsigned bits) noexcept {
  return bits == 0 ? 0 : hash >> (64 - bits);
}
/// The bits of a hash that stand in its entry.
constexpr std::uint64_t entry_bits_of(std::uint64_t hash, unsigned bits) noexcept {
  return hash << bits >> 48U;
}
/// In how many bytes a place of a segment stands that ends at `end`.
constexpr std::size_t place_width(std::uint64_t end) noexcept {
  return static_cast<std::size_t>(std::bit_width(end / 8) + 7) / 8;
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
