#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "bytes.h"
#include "frame.h"
#include "manifest.h"
#include "paged_mapping.h"
#include "segment.h"
#include "segment_index.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// What sealed segments of one store have in common.
struct sealed_context {
  env& environment;
  store_paths paths{};
  uuid store_id{};
  std::uint64_t hash_seed = 0;
  role plays = role::writer;
};

/// A sealed segment and its index, mapped on the first use. Nothing is given out that was not
/// checked: single items by their own CRCs, stretches by those that the index has for blocks of
/// 64 KiB; what a block's CRC covers is not summed again.
///
/// Errors:  store_corrupt with file, offset and positions; database_error.
/// Threads: any.
class mapped_segment {
 public:
  mapped_segment(std::shared_ptr<const sealed_context> context, const sealed_segment& facts)
      : context_(std::move(context)), facts_(facts) {}

  const sealed_segment& facts() const noexcept { return facts_; }
  std::uint64_t number() const noexcept { return facts_.number; }
  std::uint64_t first_sequence() const noexcept { return facts_.first_sequence; }
  std::uint64_t last_sequence() const noexcept { return facts_.first_sequence + facts_.events - 1; }
  std::uint64_t end() const noexcept { return facts_.seal.offset() + seal_frame_bytes; }
  std::uint32_t seed() const noexcept { return seed_of(facts_.salt); }
  std::string path() const { return context_->paths.segment(facts_.number); }
  std::string index_path() const { return context_->paths.segment_index(facts_.number); }

  /// Maps what was not mapped yet; all calls below need it. The place that will be looked at first
  /// can come from the disk together with what opening reads.
  result<void> open(std::uint64_t first_look = 0) const;
  const segment_index& index() const noexcept { return *opened_->index; }
  const std::byte* data() const noexcept { return opened_->mapped->data(); }

  /// An item, all of which holds.
  result<item_view> item_at(std::uint64_t offset) const;
  /// The same, where it stands in one block that was checked before; else null.
  const std::byte* known_item_at(std::uint64_t offset) const noexcept {
    if (offset < first_frame_offset + sizeof(frame_header) || offset + sizeof(item_header) > end())
      return nullptr;
    const auto block = offset / crc_block_bytes;
    const auto room = std::min((block + 1) * crc_block_bytes, end()) - offset;
    if (room < sizeof(item_header) || !holds(block)) return nullptr;
    const auto length = read_as<item_header>(data() + offset).length;
    return length >= sizeof(item_header) && length <= room ? data() + offset : nullptr;
  }
  /// The frame that an item of this segment stands in, checked as far as its first event.
  result<void> check_front(std::uint64_t frame) const;
  /// A frame, all of whose blocks hold.
  result<frame_view> frame_at(std::uint64_t offset) const;
  /// Checks whole blocks, as far as they were not checked yet.
  result<void> check(std::uint64_t offset, std::uint64_t length) const {
    for (auto block = offset / crc_block_bytes; block * crc_block_bytes < offset + length; ++block)
      if (!holds(block))
        if (auto checked = check_block(block); !checked) return checked;
    return {};
  }
  /// True when the blocks of a stretch were checked.
  bool is_checked(std::uint64_t offset, std::uint64_t length) const noexcept {
    for (auto block = offset / crc_block_bytes; block * crc_block_bytes < offset + length; ++block)
      if (!holds(block)) return false;
    return true;
  }
  /// Says that some bytes will be asked for, which may have to come from the disk; returns at once.
  void expect(std::uint64_t offset, std::size_t length = expected_item_bytes) const noexcept;
  /// Asks for the memory of an item that will be looked at soon.
  void prefetch(std::uint64_t offset) const noexcept;
  /// The offset of an event by its number in the segment, counted from 0.
  result<std::uint64_t> offset_of(std::uint64_t ordinal) const;
  /// The offsets of the events `first` to `last`, in one walk from the nearest known place.
  result<std::vector<std::uint64_t>> offsets_of(std::uint64_t first, std::uint64_t last) const;

  /// Whether what was looked at was what the files hold; see mapping::check.
  ///
  /// Errors:  database_error.
  result<void> check_pages() const;

  std::unexpected<error> damaged(std::uint64_t offset, std::string_view what) const;

 private:
  static constexpr std::size_t expected_item_bytes = 4096;

  bool is_in_memory(std::uint64_t offset) const noexcept;

  static constexpr std::uint8_t block_holds = 255;
  static constexpr std::uint8_t items_before_block = 16;  // then the whole block is checked

  struct opened_files {
    std::unique_ptr<file> log{};  // keeps the lock of readers
    std::unique_ptr<paged_mapping> mapped{};
    std::unique_ptr<segment_index> index{};
    std::unique_ptr<std::atomic<std::uint8_t>[]> blocks{};  // items checked in them, or block_holds
  };

  bool holds(std::uint64_t block) const noexcept {
    return opened_->blocks[block].load(std::memory_order_acquire) == block_holds;
  }
  result<std::unique_ptr<opened_files>> open_files(std::uint64_t first_look) const;
  result<void> check_header(file& log) const;
  result<void> check_block(std::uint64_t block) const;
  result<void> note_item(std::uint64_t offset, std::uint64_t length) const;

  std::shared_ptr<const sealed_context> context_;
  sealed_segment facts_;
  mutable std::mutex opening_{};
  mutable std::atomic<bool> ready_{false};
  mutable std::unique_ptr<opened_files> opened_{};
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
