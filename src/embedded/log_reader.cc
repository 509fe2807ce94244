#include "log_reader.h"

#include <algorithm>

#include "annals/assert.h"
#include "annals/stream.h"
#include "bytes.h"
#include "event_metadata.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

// One read fetches neighbours that are nearer than `gap`, up to `most`; `before` usually covers the
// front of a frame with one event.
constexpr std::uint64_t gap_bytes = 4096;
constexpr std::uint64_t page_bytes = 4096;  // what is asked of a mapping at least
constexpr std::uint64_t most_bytes = 256U << 10U;
constexpr std::uint64_t before_bytes = 512;

}  // namespace

const segment& log_reader::segment_of(lsn place) {
  if (!segment_ || segment_->number() != place.segment()) {
    const auto found = std::ranges::find(segments_, place.segment(), &segment::number);
    ANNALS_ASSERT(found != segments_.end(), "an event is read in a segment that the reader holds");
    segment_ = *found;
    mapped_ = nullptr;
    // What another process writes is read past the page cache.
    if (segment_->direct) return *segment_;
    // Where it cannot be mapped, it is read.
    if (const auto opened = segment_->bytes.open(*segment_->reader, segment_->capacity()); opened) {
      mapped_ = *opened;
      if (std::ranges::find(looked_at_, mapped_) == looked_at_.end()) looked_at_.push_back(mapped_);
    }
  }
  return *segment_;
}

// What is not in memory any more does not come back, and what is durable was there before.
std::optional<log_stretch> log_reader::in_memory(lsn place) {
  if (!memory_begin_) memory_begin_ = tail_.begin().value_or(durable_);
  return place < *memory_begin_ ? std::nullopt : tail_.find(place);
}

// A range that cannot be fetched is read: the error is told there.
const std::byte* log_reader::mapped_at(lsn place, std::size_t length) {
  const auto& from = segment_of(place);
  const auto settled = from.number() == durable_.segment() ? durable_.offset() : from.capacity();
  if (mapped_ == nullptr || place.offset() + length > settled) return nullptr;
  const auto* const at = mapped_->data() + place.offset();
  const auto last_page = lsn::at(durable_.segment(), round_down(durable_.offset(), page_bytes));
  if (end_is_fetched_ && place >= last_page) return at;
  if (!mapped_->fetch(place.offset(), length, settled)) return nullptr;
  end_is_fetched_ =
      end_is_fetched_ || lsn::at(place.segment(), place.offset() + length) > last_page;
  return at;
}

void log_reader::expect(std::span<const wanted_event> all) {
  lsn expected;  // page; neighbours are asked for once
  for (const auto& one : all) {
    const auto& from = segment_of(one.place);
    const auto page = lsn::at(one.place.segment(), round_down(one.place.offset(), page_bytes));
    if (mapped_ == nullptr || page == std::exchange(expected, page) ||
        mapped_->is_fetched(one.place.offset()) || in_memory(one.place))
      continue;
    const auto room = from.capacity() - one.place.offset();
    mapped_->whole().expect(one.place.offset(), std::min<std::uint64_t>(page_bytes, room));
  }
}

// Events of a stream are far apart: each would wait for memory.
void log_reader::prefetch(std::span<const wanted_event> ahead) const noexcept {
  constexpr std::size_t distance = 8;  // events
  if (mapped_ == nullptr || ahead.size() <= distance) return;
  const auto place = ahead[distance].place;
  if (place.segment() != segment_->number()) return;
  embedded::prefetch(mapped_->data() + place.offset(), prefetched_item_bytes);
}

result<void> log_reader::check_pages() const {
  for (const auto* one : looked_at_)
    if (auto whole = one->check(); !whole) return whole;
  return {};
}

result<log_reader::found_bytes> log_reader::bytes_at(lsn place, std::size_t length,
                                                     std::span<const wanted_event> ahead) {
  constexpr std::size_t looked_at = 4;  // the newest pieces; events come in order
  const auto end = lsn::at(place.segment(), place.offset() + padded(length));
  std::size_t left = looked_at;
  for (auto at = pieces_.rbegin(); at != pieces_.rend() && left > 0; ++at, --left)
    if (at->begin <= place && end <= at->end)
      return found_bytes{at->data + (place.offset() - at->begin.offset()), at->checked};
  if (!bypass_memory_) {
    auto& bytes = segment_of(place).bytes;
    if (auto held = in_memory(place); held && end <= held->end) {
      held_bytes_ += padded(length);
      pieces_.push_back({held->begin, held->end, held->data, nullptr, std::move(held->page),
                         mapped_ != nullptr ? &bytes.events_in_memory() : nullptr});
      const auto& made = pieces_.back();
      return found_bytes{made.data + (place.offset() - made.begin.offset()), made.checked};
    }
    if (const auto* at = mapped_at(place, padded(length)))
      return found_bytes{at, &bytes.events_in_mapping()};
  }
  return read_piece(place, length, ahead);
}

result<log_reader::found_bytes> log_reader::read_piece(lsn place, std::size_t length,
                                                       std::span<const wanted_event> ahead) {
  const auto& from = segment_of(place);
  std::uint64_t begin = place.offset();
  std::uint64_t end = place.offset() + std::max<std::uint64_t>(padded(length), gap_bytes);
  for (const auto& next : ahead) {
    if (next.place.segment() != place.segment()) break;
    const auto low = std::min(begin, next.place.offset());
    const auto high = std::max(end, next.place.offset() + gap_bytes);
    const bool near =
        next.place.offset() + gap_bytes >= begin && next.place.offset() <= end + gap_bytes;
    if (!near || high - low > most_bytes) break;
    begin = low;
    end = high;
  }
  file& source = bypass_memory_ && from.direct ? *from.direct : *from.reader;
  begin =
      round_down(begin - std::min(begin - first_frame_offset, before_bytes), source.alignment());
  end = std::min<std::uint64_t>(round_up(end, source.alignment()), from.capacity());
  if (place.offset() + padded(length) > end)
    return damaged(place, "an item reaches over the end of the segment");
  const auto size = static_cast<std::size_t>(end - begin);
  piece made{.begin = lsn::at(place.segment(), begin), .end = lsn::at(place.segment(), end)};
  std::span<std::byte> memory;
  if (source.alignment() == 1) {
    made.owned = std::make_unique_for_overwrite<std::byte[]>(size + readable_after_payload);
    memory = {made.owned.get(), size};
    std::fill_n(made.owned.get() + size, readable_after_payload, std::byte{0});
  } else {
    const auto aligned = std::make_shared<aligned_bytes>(size);
    memory = aligned->bytes();
    made.page = aligned;
  }
  made.data = memory.data();
  const auto got = source.read_at(begin, memory);
  if (!got) return std::unexpected(got.error());
  if (*got < size) return damaged(place, "the file is cut off");
  held_bytes_ += size;
  pieces_.push_back(std::move(made));
  return found_bytes{pieces_.back().data + (place.offset() - begin)};
}

std::unexpected<error> log_reader::damaged(lsn place, std::string_view what) {
  return fail(errc::store_corrupt, segment_of(place).path + " is damaged at offset " +
                                       std::to_string(place.offset()) + ": " + std::string(what));
}

// An item, all of it in one piece, and checked.
result<log_reader::found_bytes> log_reader::item_at(lsn place,
                                                    std::span<const wanted_event> ahead) {
  const auto& from = segment_of(place);
  const std::uint32_t seed = from.seed();
  auto bytes = bytes_at(place, sizeof(item_header), ahead);
  if (!bytes) return bytes;
  const auto length = read_as<item_header>(bytes->at).length;
  if (place.offset() + length > from.capacity() || length < sizeof(item_header))
    return damaged(place, "the length of an item does not fit");
  bytes = bytes_at(place, length, ahead);
  if (!bytes) return bytes;
  if (!item_in_bounds(bytes->at, length))
    return damaged(place, "the length of an item does not fit");
  const item_view item(bytes->at);
  if (!item.holds(seed)) return damaged(place, "the CRC of an item does not hold");
  if (!item.fits()) return damaged(place, "the fields of an item do not fit");
  return bytes;
}

// The header of a frame and the items before its events.
result<const std::byte*> log_reader::front_of(lsn frame) {
  if (frame == front_place_ && front_ != nullptr) return front_;
  const std::uint32_t seed = segment_of(frame).seed();
  std::size_t length = sizeof(frame_header);
  for (;;) {
    const auto bytes = bytes_at(frame, length + sizeof(item_header), {});
    if (!bytes) return std::unexpected(bytes.error());
    const auto* const at = bytes->at;
    if (!frame_header_holds(at, seed) || read_as<frame_header>(at).place != frame)
      return damaged(frame, "the CRC of a frame's header does not hold");
    const auto next = read_as<item_header>(at + length);
    if (next.kind == static_cast<std::uint16_t>(item_kind::event)) {
      front_place_ = frame;
      return front_ = at;
    }
    const auto item = item_at(lsn::at(frame.segment(), frame.offset() + length), {});
    if (!item) return std::unexpected(item.error());
    length += next.length;
  }
}

// What was checked where it stands is not checked again, nor is the front of its frame.
result<item_view> log_reader::load_checked(std::span<const wanted_event> ahead) {
  const auto& wanted = ahead.front();
  const auto place = wanted.place;
  const auto head = bytes_at(place, sizeof(event_item), ahead.subspan(1));
  if (!head) return std::unexpected(head.error());
  bool known = head->checked != nullptr && head->checked->has(place.offset());
  auto bytes = known ? bytes_at(place, read_as<item_header>(head->at).length, {})
                     : item_at(place, ahead.subspan(1));
  if (known && bytes && bytes->checked != head->checked) {  // it had to be read from the file
    known = false;
    bytes = item_at(place, ahead.subspan(1));
  }
  if (!bytes) return std::unexpected(bytes.error());
  const item_view item(bytes->at);
  const bool is_it = item.kind() == item_kind::event &&
                     item.as<event_item>().stream_key == wanted.stream &&
                     item.as<event_item>().sequence == wanted.sequence &&
                     item.as<event_item>().event_id == wanted.id;
  if (!is_it) return damaged(place, "another event stands here");
  const auto distance = std::uint64_t{item.as<event_item>().frame_distance} * 8;
  const auto frame = lsn::at(place.segment(), place.offset() - distance);
  const auto* const beside = bytes->at - distance;
  if (known) {
    front_place_ = frame;
    front_ = beside;
    return item;
  }
  const auto front = front_of(frame);
  if (!front) return std::unexpected(front.error());
  if (bytes->checked != nullptr && *front == beside) bytes->checked->add(place.offset());
  return item;
}

// Damage is read again, from the file, and past the page cache where that is open: memory can be
// damaged too.
result<item_view> log_reader::load(std::span<const wanted_event> ahead) {
  prefetch(ahead);
  auto loaded = load_checked(ahead);
  if (loaded || loaded.error().code() != errc::store_corrupt) return loaded;
  bypass_memory_ = true;
  // What was lent stays; only the search starts anew.
  auto kept = std::exchange(pieces_, {});
  front_ = nullptr;
  loaded = load_checked(ahead.first(1));
  bypass_memory_ = false;
  for (auto& one : kept) pieces_.push_back(std::move(one));
  if (loaded) return loaded;
  const auto position = std::to_string(ahead.front().sequence);
  return fail(loaded.error().code(), loaded.error().message() + "; position " + position +
                                         " of stream " + std::string(ahead.front().name) +
                                         " cannot be read, restore the store from a backup");
}

event_view log_reader::view(const item_view& item, const wanted_event& wanted) {
  const auto event = item.as<event_item>();
  const std::byte* payload = item.data() + sizeof(event_item);
  lent_.push_back({payload, front_, wanted.name});
  return event_view({.type = wanted.type,
                     .payload = {payload, event.payload_length},
                     .version = {event.version},
                     .position = {.sequence = wanted.sequence},
                     .schema = event.schema,
                     .codec = static_cast<codec>(event.codec),
                     .source = this});
}

void log_reader::release() {
  pieces_.clear();
  lent_.clear();
  held_bytes_ = 0;
  front_ = nullptr;
  hint_ = 0;
}

// Views are mostly asked in their order: the search begins behind the last one found.
const log_reader::lent_event& log_reader::lent(const event_view& view) const {
  const std::size_t start = hint_.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < lent_.size(); ++i) {
    const std::size_t at = (start + i) % lent_.size();
    if (lent_[at].payload != view.payload().data()) continue;
    hint_.store(at, std::memory_order_relaxed);
    return lent_[at];
  }
  ANNALS_ASSERT(false, "an event_view was used after the sink it was lent to had returned");
  return lent_.front();
}

event_header log_reader::header(const event_view& view) const {
  const auto event = read_as<event_item>(view.payload().data() - sizeof(event_item));
  return {.event_id = event.event_id,
          .stream_key = event.stream_key,
          .aggregate_id = aggregate_id_of(lent(view).name, event.stream_key),
          .timestamp = time_point(std::chrono::microseconds(event.timestamp)),
          .recorded = {event.recorded},
          .genesis = (event.flags & event_is_genesis) != 0};
}

std::string_view log_reader::stream_name(const event_view& view) const {
  return lent(view).name;
}

event_metadata log_reader::metadata(const event_view& view) const {
  const auto& beside = lent(view);
  return metadata_of(view, header(view), beside.name,
                     item_view(view.payload().data() - sizeof(event_item)), beside.frame);
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
