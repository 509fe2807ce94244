#include "mapped_segment.h"

#include <algorithm>

#include "bytes.h"
#include "crc32c.h"
#include "log_scan.h"
#include "recovery.h"

namespace annals {
inline namespace v1 {
namespace embedded {

result<void> mapped_segment::open(std::uint64_t first_look) const {
  if (ready_.load(std::memory_order_acquire)) return {};
  const std::scoped_lock lock(opening_);
  if (opened_) return {};
  auto opened = open_files(first_look);
  if (!opened) return std::unexpected(opened.error());
  opened_ = std::move(*opened);
  ready_.store(true, std::memory_order_release);
  return {};
}

// What will be read is asked for before the first wait.
result<std::unique_ptr<mapped_segment::opened_files>> mapped_segment::open_files(
    std::uint64_t first_look) const {
  auto made = std::make_unique<opened_files>();
  auto log = context_->environment.open(path(), file_mode::read, write_through::none);
  if (!log) return std::unexpected(log.error());
  if (context_->plays == role::reader) {
    // Whoever uses the file again has it locked, and gives it another name.
    const auto locked = (*log)->try_lock(lock_kind::shared);
    if (!locked) return std::unexpected(locked.error());
    if (!*locked) return corrupt_log(path() + ": the segment is missing");
  }
  auto mapped = (*log)->map(facts_.capacity);
  if (!mapped) {
    // A file that is too short is better told by its header.
    if (auto right = check_header(**log); !right) return std::unexpected(right.error());
    return std::unexpected(mapped.error());
  }
  (*mapped)->expect(0, block_bytes);
  (*mapped)->expect(first_look, block_bytes);
  made->mapped = std::make_unique<paged_mapping>(std::move(*mapped), facts_.capacity);
  auto index = segment_index::open(context_->environment, index_path(),
                                   {.store_id = context_->store_id,
                                    .hash_seed = context_->hash_seed,
                                    .segment = facts_.number,
                                    .salt = facts_.salt});
  if (auto right = check_header(**log); !right) return std::unexpected(right.error());
  if (!index) return std::unexpected(index.error());
  if (index->facts() != facts_.index || index->end() != end() ||
      index->first_sequence() != facts_.first_sequence || index->events() != facts_.events)
    return corrupt_log(index_path() + ": this is another index than the one that MANIFEST names");
  made->index = std::make_unique<segment_index>(std::move(*index));
  const auto blocks = end() / crc_block_bytes + 2;  // one that is never checked behind the last
  made->blocks = std::make_unique<std::atomic<std::uint8_t>[]>(blocks);
  if (context_->plays == role::reader) made->log = std::move(*log);  // else one descriptor less
  return made;
}

result<void> mapped_segment::check_header(file& log) const {
  const auto header = read_segment_header(log, path(), context_->store_id, facts_.number);
  if (!header) return std::unexpected(header.error());
  if (header->salt != facts_.salt || header->capacity != facts_.capacity ||
      header->first_sequence != facts_.first_sequence)
    return corrupt_log(path() + ": this is another segment than the one that MANIFEST names");
  return {};
}

result<void> mapped_segment::check_pages() const {
  if (!ready_.load(std::memory_order_acquire)) return {};
  auto checked = opened_->mapped->check();
  if (checked) checked = opened_->index->check_pages();
  return checked;
}

result<void> mapped_segment::check_block(std::uint64_t block) const {
  const auto begin = block * crc_block_bytes;
  if (begin >= end()) return damaged(begin, "something is looked for behind its end");
  const auto length = std::min(crc_block_bytes, end() - begin);
  if (auto got = opened_->mapped->whole().fetch(begin, length); !got) return got;
  const auto expected = opened_->index->block_crc(block);
  if (!expected) return std::unexpected(expected.error());
  if (crc32c(0, {data() + begin, length}) != *expected)
    return damaged(begin, "the CRC of a block of 65536 bytes does not hold");
  opened_->blocks[block].store(block_holds, std::memory_order_release);
  return {};
}

// Where many single items of a block are asked for, summing all of it once is cheaper.
result<void> mapped_segment::note_item(std::uint64_t offset, std::uint64_t length) const {
  for (auto block = offset / crc_block_bytes; block * crc_block_bytes < offset + length; ++block) {
    auto& state = opened_->blocks[block];
    auto seen = state.load(std::memory_order_relaxed);
    if (seen == block_holds) continue;
    if (seen >= items_before_block) {
      opened_->mapped->whole().expect(block * crc_block_bytes, crc_block_bytes);  // and no more
      if (auto checked = check_block(block); !checked) return checked;
    } else {
      state.compare_exchange_strong(seen, static_cast<std::uint8_t>(seen + 1),
                                    std::memory_order_relaxed);
    }
  }
  return {};
}

result<item_view> mapped_segment::item_at(std::uint64_t offset) const {
  if (offset < first_frame_offset + sizeof(frame_header) || offset % 8 != 0 ||
      offset + sizeof(item_header) > end())
    return damaged(offset, "an item is looked for where none can be");
  if (is_checked(offset, sizeof(item_header))) {
    const item_view item(data() + offset);
    if (item.length() >= sizeof(item_header) && offset + item.length() <= end() &&
        is_checked(offset, item.length()))
      return item;
  }
  if (auto got = opened_->mapped->fetch(offset, sizeof(item_header)); !got)
    return std::unexpected(got.error());
  const auto length = read_as<item_header>(data() + offset).length;
  if (length < sizeof(item_header) || offset + length > end())
    return damaged(offset, "the length of an item does not fit");
  if (auto got = opened_->mapped->fetch(offset, length); !got) return std::unexpected(got.error());
  if (!item_in_bounds(data() + offset, length))
    return damaged(offset, "the length of an item does not fit");
  const item_view item(data() + offset);
  if (!item.holds(seed())) return damaged(offset, "the CRC of an item does not hold");
  if (!item.fits()) return damaged(offset, "the fields of an item do not fit");
  if (auto noted = note_item(offset, length); !noted) return std::unexpected(noted.error());
  return item;
}

result<frame_view> mapped_segment::frame_at(std::uint64_t offset) const {
  if (auto checked = check(offset, sizeof(frame_header)); !checked)
    return std::unexpected(checked.error());
  const auto length = read_as<frame_header>(data() + offset).length;
  if (length < sizeof(frame_header) || length > end() - offset)
    return damaged(offset, "the length of a frame does not fit");
  if (auto checked = check(offset, length); !checked) return std::unexpected(checked.error());
  return frame_view(data() + offset);
}

result<void> mapped_segment::check_front(std::uint64_t frame) const {
  if (frame < first_frame_offset || frame % 8 != 0 || frame + sizeof(frame_header) > end())
    return damaged(frame, "a frame is looked for where none can be");
  if (auto got = opened_->mapped->fetch(frame, sizeof(frame_header)); !got) return got;
  if (!is_checked(frame, sizeof(frame_header)) && !frame_header_holds(data() + frame, seed()))
    return damaged(frame, "the CRC of a frame's header does not hold");
  const auto header = read_as<frame_header>(data() + frame);
  if (header.place != lsn::at(number(), frame))
    return damaged(frame, "a frame stands in a wrong place");
  const auto frame_end = frame + header.length;
  for (auto at = frame + sizeof(frame_header); at < frame_end;) {
    const auto item = item_at(at);
    if (!item) return std::unexpected(item.error());
    if (item->kind() == item_kind::event) return {};
    at += item->length();
  }
  return {};
}

void mapped_segment::expect(std::uint64_t offset, std::size_t length) const noexcept {
  if (!is_in_memory(offset)) opened_->mapped->whole().expect(offset, length);
}

void mapped_segment::prefetch(std::uint64_t offset) const noexcept {
  if (is_in_memory(offset)) embedded::prefetch(data() + offset, prefetched_item_bytes);
}

bool mapped_segment::is_in_memory(std::uint64_t offset) const noexcept {
  return holds(offset / crc_block_bytes) || opened_->mapped->is_fetched(offset);
}

result<std::uint64_t> mapped_segment::offset_of(std::uint64_t ordinal) const {
  const auto found = offsets_of(ordinal, ordinal);
  if (!found) return std::unexpected(found.error());
  return found->front();
}

// From the nearest event before them whose place is known, on from item to item.
result<std::vector<std::uint64_t>> mapped_segment::offsets_of(std::uint64_t first,
                                                              std::uint64_t last) const {
  const auto near = opened_->index->place_near(first);
  if (!near) return std::unexpected(near.error());
  std::vector<std::uint64_t> offsets;
  auto number = round_down(first, events_per_place);
  std::uint64_t at = std::uint64_t{*near} * 8;
  std::uint64_t frame_end = 0;  // not known yet
  while (at < end()) {
    if (at == frame_end) {
      if (auto front = check_front(at); !front) return std::unexpected(front.error());
      frame_end = at + read_as<frame_header>(data() + at).length;
      at += sizeof(frame_header);
      continue;
    }
    const auto item = item_at(at);
    if (!item) return std::unexpected(item.error());
    if (item->kind() == item_kind::event) {
      if (number >= first) offsets.push_back(at);
      if (number == last) return offsets;
      ++number;
      if (frame_end == 0) {
        const auto frame = at - std::uint64_t{item->as<event_item>().frame_distance} * 8;
        if (auto front = check_front(frame); !front) return std::unexpected(front.error());
        frame_end = frame + read_as<frame_header>(data() + frame).length;
      }
    }
    at += item->length();
  }
  return damaged(at, "an event is missing");
}

// What is wrong, and where, is said by a scan of the whole segment.
std::unexpected<error> mapped_segment::damaged(std::uint64_t offset, std::string_view what) const {
  auto reader = context_->environment.open(path(), file_mode::read, write_through::none);
  if (reader) {
    const auto header = read_segment_header(**reader, path(), context_->store_id, number());
    if (!header) return std::unexpected(header.error());
    segment_scan scan(**reader, *header);
    for (auto frame = scan.next(); frame && *frame; frame = scan.next()) {
    }
    if (scan.stop() != scan_stop::sealed) {
      const auto tail = examine_tail(**reader, *header, scan.offset());
      const std::string found =
          scan.stop() == scan_stop::bad ? scan.problem() : "frames are missing";
      return corrupt_log(describe_damage(path(), scan.offset(), found, scan.next_sequence(),
                                         tail ? *tail : tail_facts{}));
    }
  }
  return corrupt_log(path() + " is damaged at offset " + std::to_string(offset) + ": " +
                     std::string(what) + "; it holds positions " +
                     std::to_string(first_sequence()) + " to " + std::to_string(last_sequence()));
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
