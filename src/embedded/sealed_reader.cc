#include "sealed_reader.h"

#include <algorithm>
#include <ranges>

#include "annals/limits.h"
#include "annals/stream.h"
#include "bytes.h"
#include "event_metadata.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

// So far ahead memory is asked for, in events, and the disk.
constexpr std::size_t ahead_in_memory = 8;
constexpr std::size_t expected_item_bytes = 4096;

const std::byte* item_of(const event_view& view) noexcept {
  return view.payload().data() - sizeof(event_item);
}

}  // namespace

result<void> sealed_reader::read(const wish& wanted, const taker& take) {
  take_ = &take;
  filter_ = selects_all(*wanted.filter) ? nullptr : wanted.filter;
  views_.reserve(events_per_turn);
  items_.reserve(events_per_turn);
  auto done = wanted.stream != nullptr ? read_stream(wanted) : read_store(wanted);
  if (done && !stopped_ && looked_at_ != 0) done = hand_over();
  return done;
}

result<void> sealed_reader::hand_over() {
  turn now{.events = views_, .items = items_, .looked_at = looked_at_};
  if (last_item_ != nullptr) {
    const auto event = read_as<event_item>(last_item_);
    now.scanned_to = event.sequence;
    now.scanned_to_id = event.event_id;
  }
  // Before, so that nothing is handed over that was lost; after, as it may be lost meanwhile.
  if (auto whole = log_->check_pages(); !whole) return whole;
  const auto answer = (*take_)(now);
  views_.clear();
  items_.clear();
  looked_at_ = 0;
  if (!answer) return std::unexpected(answer.error());
  if (auto whole = log_->check_pages(); !whole) return whole;
  stopped_ = *answer == flow::stop;
  return {};
}

bool sealed_reader::selects(const std::byte* item, const event_item& event) {
  tags_.clear();
  for_each_tag(item_view(item), [&](std::string_view tag) { tags_.push_back(tag); });
  return matches(*filter_, log_->category_of(event.category), log_->type_of(event.type), tags_);
}

// What views tell of later cannot fail then: name and frame are checked now.
result<void> sealed_reader::check_lent(const mapped_segment& in, std::uint64_t offset,
                                       const event_item& event) {
  const auto frame = offset - std::uint64_t{event.frame_distance} * 8;
  if (frame > offset) return in.damaged(offset, "an event does not know its frame");
  if (!in.is_checked(frame, offset - frame))
    if (auto front = in.check_front(frame); !front) return front;
  const auto named_in = event.name.segment();
  if (named_in == in.number() &&
      in.is_checked(event.name.offset(), sizeof(name_item) + limits::stream_name_bytes))
    return {};
  return log_->check_name(event.name, event.stream_key);
}

void sealed_reader::lend(const std::byte* item, const event_item& event) {
  views_.push_back(event_view({.type = log_->type_of(event.type),
                               .payload = {item + sizeof(event_item), event.payload_length},
                               .version = {event.version},
                               .position = {.sequence = event.sequence},
                               .schema = event.schema,
                               .codec = static_cast<codec>(event.codec),
                               .source = this}));
  items_.push_back(item);
}

result<void> sealed_reader::look_at(const mapped_segment& in, std::uint64_t offset) {
  const auto item = in.item_at(offset);
  if (!item) return std::unexpected(item.error());
  if (item->kind() != item_kind::event)
    return in.damaged(offset, "no event stands where an index has one");
  const auto event = item->as<event_item>();
  if (auto checked = check_lent(in, offset, event); !checked) return checked;
  last_item_ = item->data();
  ++looked_at_;
  if (filter_ == nullptr || selects(item->data(), event)) lend(item->data(), event);
  return views_.size() == events_per_turn || looked_at_ >= limits::events_between_scan_reports
             ? hand_over()
             : result<void>{};
}

// A stream.

result<void> sealed_reader::read_stream(const wish& wanted) {
  auto pieces = log_->pieces_of(*wanted.stream, wanted.last_sealed, {wanted.first});
  if (!pieces) return std::unexpected(pieces.error());
  if (wanted.backwards) std::ranges::reverse(*pieces);
  for (const auto& piece : *pieces) {
    if (piece.first_version() > wanted.last || piece.last_version() < wanted.first) continue;
    if (auto read = read_piece(piece, wanted); !read || stopped_) return read;
  }
  return {};
}

result<void> sealed_reader::read_piece(const stream_piece& piece, const wish& wanted) {
  std::vector<std::uint32_t> places;
  if (auto listed = piece.in->index().places(piece.events, places); !listed) return listed;
  const auto from = std::max(wanted.first, piece.first_version()) - piece.first_version();
  const auto to = std::min(wanted.last, piece.last_version()) - piece.first_version();
  return pick(*piece.in,
              std::span(places).subspan(static_cast<std::size_t>(from),
                                        static_cast<std::size_t>(to - from + 1)),
              wanted);
}

result<void> sealed_reader::pick(const mapped_segment& in, std::span<const std::uint32_t> places,
                                 const wish& wanted) {
  const auto place = [&](std::size_t i) {
    return std::uint64_t{places[wanted.backwards ? places.size() - 1 - i : i]} * 8;
  };
  for (std::size_t i = 0; i < places.size(); ++i) in.expect(place(i), expected_item_bytes);
  for (std::size_t i = 0; i < places.size() && !stopped_; ++i) {
    if (i + ahead_in_memory < places.size())
      in.expect(place(i + ahead_in_memory), expected_item_bytes);
    if (wanted.stream != nullptr) {
      const auto item = in.item_at(place(i));
      if (!item) return std::unexpected(item.error());
      if (item->kind() != item_kind::event || item->as<event_item>().stream_key != *wanted.stream)
        return in.damaged(place(i), "another event stands where the index has one of stream " +
                                        wanted.stream->to_string());
    } else {
      const auto item = in.item_at(place(i));
      if (!item) return std::unexpected(item.error());
      const auto sequence = item->as<event_item>().sequence;
      if (sequence < wanted.first || sequence > wanted.last) continue;
    }
    if (auto looked = look_at(in, place(i)); !looked) return looked;
  }
  return {};
}

// The store.

result<void> sealed_reader::read_store(const wish& wanted) {
  const auto first = log_->holder_of(wanted.first);
  const auto last = log_->holder_of(wanted.last);
  for (auto i = first; i <= last && !stopped_; ++i) {
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
  if (filter_ != nullptr) {
    const auto selected = log_->candidates(in, *filter_);
    if (!selected) return std::unexpected(selected.error());
    if (*selected) {
      if (auto picked = pick(in, **selected, wanted); !picked || stopped_) return picked;
      // Looked at is all of it: the index has told.
      const auto end = in.offset_of((wanted.backwards ? first : last) - in.first_sequence());
      if (!end) return std::unexpected(end.error());
      last_item_ = in.data() + *end;
      looked_at_ += last - first + 1;
      return looked_at_ >= limits::events_between_scan_reports ? hand_over() : result<void>{};
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
  while (frame < in.end() && !stopped_) {
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
  while (at < end && !stopped_) {
    const auto item = read_as<item_header>(at);
    if (item.length < sizeof(item_header) || item.length > static_cast<std::size_t>(end - at))
      return in.damaged(frame, "the length of an item does not fit");
    if (item.kind == static_cast<std::uint16_t>(item_kind::event)) {
      const auto event = read_as<event_item>(at);
      if (event.sequence > last) return {};
      if (event.sequence >= first) {
        if (auto checked = check_lent(in, static_cast<std::uint64_t>(at - in.data()), event);
            !checked)
          return checked;
        last_item_ = at;
        ++looked_at_;
        if (filter_ == nullptr || selects(at, event)) lend(at, event);
        if (views_.size() == events_per_turn || looked_at_ >= limits::events_between_scan_reports)
          if (auto handed = hand_over(); !handed) return handed;
      }
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
    for (const auto offset : *offsets | std::views::reverse)
      if (auto looked = look_at(in, offset); !looked || stopped_) return looked;
    if (begin == first) return {};
    end = begin;
  }
}

// What views tell.

event_header sealed_reader::header(const event_view& view) const {
  const auto event = read_as<event_item>(item_of(view));
  return {.event_id = event.event_id,
          .stream_key = event.stream_key,
          .aggregate_id = aggregate_id_of(log_->checked_name_at(event.name), event.stream_key),
          .timestamp = time_point(std::chrono::microseconds(event.timestamp)),
          .recorded = {event.recorded},
          .genesis = (event.flags & event_is_genesis) != 0};
}

std::string_view sealed_reader::stream_name(const event_view& view) const {
  return log_->checked_name_at(read_as<event_item>(item_of(view)).name);
}

event_metadata sealed_reader::metadata(const event_view& view) const {
  const std::byte* const item = item_of(view);
  const auto event = read_as<event_item>(item);
  return metadata_of(view, header(view), log_->checked_name_at(event.name), item_view(item),
                     item - std::size_t{event.frame_distance} * 8);
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
