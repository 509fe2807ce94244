#include "log_scan.h"

#include <algorithm>

#include "bytes.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::size_t window_bytes = 1U << 20U;

}  // namespace

result<std::span<const std::byte>> file_window::at(std::uint64_t offset, std::size_t length) {
  length = static_cast<std::size_t>(
      std::min<std::uint64_t>(length, offset < size_ ? size_ - offset : 0));
  if (offset < start_ || offset + length > start_ + filled_) {
    const std::uint64_t start = round_down(offset, block_bytes);
    const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(
        std::max<std::uint64_t>(round_up(offset + length - start, block_bytes), window_bytes),
        round_up(size_ - start, block_bytes)));
    if (!buffer_ || buffer_->size() < wanted) buffer_.emplace(std::max(wanted, window_bytes));
    filled_ = 0;
    const auto got = file_.read_at(start, buffer_->bytes().first(wanted));
    if (!got) return std::unexpected(got.error());
    start_ = start;
    filled_ = *got;
    if (offset + length > start_ + filled_)
      length = offset < start_ + filled_ ? static_cast<std::size_t>(start_ + filled_ - offset) : 0;
  }
  return std::span<const std::byte>(buffer_->data() + (offset - start_), length);
}

std::optional<std::string> segment_scan::header_problem(const frame_header& found,
                                                        const std::byte* at) const {
  if (!frame_header_holds(at, seed_)) return "the CRC of a frame's header does not hold";
  if (found.place != lsn::at(header_.number, offset_)) return "a frame stands in a wrong place";
  if (!proves_no_more_than_it_can(found)) return "a frame calls itself durable, or what follows it";
  if (offset_ + found.length > header_.capacity) return "a frame is longer than the segment";
  if (offset_ + found.length > limit_) return "a frame reaches over the end";
  if (found.first_sequence != next_sequence_)
    return "a frame begins at position " + std::to_string(found.first_sequence) + ", not " +
           std::to_string(next_sequence_);
  if (found.previous_crc != last_crc_) return "a frame does not follow the one before it";
  return std::nullopt;
}

// The window ends with a block, as files read past the page cache want it.
void segment_scan::go_on_to(std::uint64_t limit) {
  limit_ = limit;
  window_.renew(round_up(limit, block_bytes));
  if (stop_ != scan_stop::sealed) stopped_ = false;
}

result<std::optional<frame_view>> segment_scan::next() {
  if (stopped_) return std::optional<frame_view>{};
  const auto stop_with = [&](scan_stop why, std::string problem = {}) {
    stopped_ = true;
    stop_ = why;
    problem_ = std::move(problem);
    return std::optional<frame_view>{};
  };
  if (offset_ + sizeof(frame_header) > limit_) return stop_with(scan_stop::end);
  auto head = window_.at(offset_, sizeof(frame_header));
  if (!head) return std::unexpected(head.error());
  if (head->size() < sizeof(frame_header)) return stop_with(scan_stop::end);
  const auto header = read_as<frame_header>(head->data());
  if (std::ranges::all_of(*head, [](std::byte b) { return b == std::byte{0}; }))
    return stop_with(scan_stop::end);
  if (auto problem = header_problem(header, head->data()))
    return stop_with(scan_stop::bad, std::move(*problem));
  const auto bytes = window_.at(offset_, header.length);
  if (!bytes) return std::unexpected(bytes.error());
  if (bytes->size() < header.length) return stop_with(scan_stop::bad, "a frame is cut off");
  const frame_view frame(bytes->data());
  if (auto problem = frame.problem(seed_)) return stop_with(scan_stop::bad, std::move(*problem));
  bool too_new = header.kind >= must_be_understood;
  frame.for_each_item([&](const item_view& item) {
    too_new = too_new || item.header().kind >= must_be_understood;
  });
  if (too_new)
    return fail(errc::store_too_new, "segment " + std::to_string(header_.number) + ", offset " +
                                         std::to_string(offset_) +
                                         ": written by a newer program; use that");
  last_place_ = header.place;
  last_crc_ = header.crc;
  last_length_ = header.length;
  next_sequence_ += header.events;
  clock_ = std::max(clock_, header.clock);
  durable_ = std::max(durable_, header.durable);
  offset_ += header.length;
  ++frames_;
  if (frame.kind() == frame_kind::seal) {
    stopped_ = true;
    stop_ = scan_stop::sealed;
  }
  return std::optional(frame);
}

result<bool> segment_scan::resynchronise() {
  for (std::uint64_t at = offset_ + 8; at + sizeof(frame_header) <= header_.capacity; at += 8) {
    const auto bytes = window_.at(at, sizeof(frame_header));
    if (!bytes) return std::unexpected(bytes.error());
    if (bytes->size() < sizeof(frame_header)) return false;
    if (read_as<frame_header>(bytes->data()).place != lsn::at(header_.number, at)) continue;
    if (!frame_header_holds(bytes->data(), seed_)) continue;
    const auto found = read_as<frame_header>(bytes->data());
    offset_ = at;
    next_sequence_ = found.first_sequence;
    last_crc_ = found.previous_crc;
    stopped_ = false;
    return true;
  }
  return false;
}

result<tail_facts> examine_tail(file& from, const segment_header& header, std::uint64_t offset) {
  file_window window(from, header.capacity);
  const std::uint32_t seed = seed_of(header.salt);
  const std::uint64_t start = offset;
  tail_facts facts{.nonzero_end = offset};
  while (offset < header.capacity) {
    // Each step looks at window_bytes, and reads a header beyond so that none is cut in two.
    const auto bytes = window.at(offset, window_bytes - 2 * block_bytes);
    if (!bytes) return std::unexpected(bytes.error());
    if (bytes->empty()) break;
    const bool last = offset + bytes->size() >= header.capacity;
    const std::size_t step =
        last ? bytes->size() : bytes->size() - round_up(sizeof(frame_header), 8);
    for (std::size_t i = 0; i + 8 <= step; i += 8) {
      const std::byte* at = bytes->data() + i;
      if (read_as<std::uint64_t>(at) == 0) continue;
      facts.nonzero_end = offset + i + 8;
      if (bytes->size() - i < sizeof(frame_header)) continue;
      const auto found = read_as<frame_header>(at);
      if (found.place != lsn::at(header.number, offset + i) || !frame_header_holds(at, seed) ||
          !proves_no_more_than_it_can(found))
        continue;
      facts.greatest_durable = std::max(facts.greatest_durable, found.durable);
      if (facts.next_offset == 0 && offset + i != start) {
        facts.next_sequence = found.first_sequence;
        facts.next_offset = offset + i;
      }
    }
    if (last) break;
    offset += step;
  }
  return facts;
}

result<bool> holds_no_frame(env& environment, const std::string& path, const uuid& store_id,
                            std::uint64_t number) {
  auto opened = environment.open(path, file_mode::read, write_through::none);
  if (!opened) return std::unexpected(opened.error());
  const auto header = read_segment_header(**opened, path, store_id, number);
  if (!header && header.error().code() == errc::store_corrupt) return false;
  if (!header) return std::unexpected(header.error());
  const auto content = examine_tail(**opened, *header, first_frame_offset);
  if (!content) return std::unexpected(content.error());
  return content->nonzero_end == first_frame_offset;
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
