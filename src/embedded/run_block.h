#pragma once

#include <algorithm>

#include "bytes.h"
#include "index_run.h"

namespace annals {
inline namespace v1 {
namespace embedded {

// The blocks of a run, as docs/format.md says under "Run". One is a page of a checked file, so that
// a lookup checks and fetches no more than that.

inline constexpr std::uint32_t slots_per_block = 255;
inline constexpr std::size_t run_values_at = slots_per_block * sizeof(std::uint64_t);
inline constexpr std::size_t run_used_at = 2 * run_values_at;
inline constexpr std::size_t run_kinds_at = run_used_at + sizeof(std::uint32_t);

// So many of a block's slots are used on average. Fewer cost space, more cost second pages: at 230
// the 255 are 1.6 standard deviations away, and one block in twenty spills into the next.
inline constexpr std::uint64_t slots_used = 230;

// A value: bit 63 ambiguous, 3 bits of kind, 60 bits of LSN.
inline constexpr std::uint64_t run_ambiguous = std::uint64_t{1} << 63U;
inline constexpr unsigned run_kind_shift = 60;
inline constexpr std::uint64_t run_lsn_bits = (std::uint64_t{1} << run_kind_shift) - 1;

constexpr std::uint64_t run_kind_of(std::uint64_t value) noexcept {
  return value >> run_kind_shift & 7U;
}

constexpr std::uint64_t stored_value(const run_slot& slot) noexcept {
  return (slot.ambiguous ? run_ambiguous : 0) |
         static_cast<std::uint64_t>(slot.kind) << run_kind_shift | slot.newest.bits;
}

/// Where a hash is at home: its block, and how far behind the block's beginning, in 1 / 2^64.
struct run_home {
  std::uint64_t block = 0;
  std::uint64_t fraction = 0;
};

__extension__ using run_product = unsigned __int128;

constexpr run_home home_of(std::uint64_t hash, std::uint64_t spread) noexcept {
  const auto product = static_cast<run_product>(hash) * spread;
  return {static_cast<std::uint64_t>(product >> 64U), static_cast<std::uint64_t>(product)};
}

constexpr std::uint64_t spread_of(std::uint64_t slots) noexcept {
  return std::max<std::uint64_t>(1, (slots + slots_used - 1) / slots_used);
}

/// A block in memory.
class run_block_view {
 public:
  explicit run_block_view(const std::byte* at) noexcept : at_(at) {}

  std::uint64_t hash(std::size_t i) const noexcept {
    return read_as<std::uint64_t>(at_ + i * sizeof(std::uint64_t));
  }
  std::uint64_t value(std::size_t i) const noexcept {
    return read_as<std::uint64_t>(at_ + run_values_at + i * sizeof(std::uint64_t));
  }
  std::uint32_t used() const noexcept { return read_as<std::uint32_t>(at_ + run_used_at); }
  std::uint32_t kinds() const noexcept { return read_as<std::uint32_t>(at_ + run_kinds_at); }
  bool is_full() const noexcept { return used() == slots_per_block; }

  /// The first slot whose hash is not below one; hashes are spread evenly, so that it is near where
  /// the fraction says.
  std::size_t lower_bound(std::uint64_t hash_sought, std::uint64_t fraction) const noexcept {
    const std::size_t end = used();
    auto i = static_cast<std::size_t>(static_cast<run_product>(fraction) * end >> 64U);
    while (i < end && hash(i) < hash_sought) ++i;
    while (i > 0 && hash(i - 1) >= hash_sought) --i;
    return i;
  }

 private:
  const std::byte* at_;
};

/// Writes the blocks of a run from slots in their order.
class run_writer {
 public:
  run_writer(checked_file_writer to, std::uint64_t slots)
      : to_(std::move(to)), fields_{.slots = slots, .spread = spread_of(slots)} {}

  result<void> add(const index_run_builder::stored& slot);
  result<checked_file_facts> finish(const run_identity& identity);

 private:
  result<void> flush();

  checked_file_writer to_;
  run_fields fields_;
  std::array<std::byte, block_bytes> block_{};
  std::uint32_t used_ = 0;
  std::uint32_t kinds_ = 0;
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
