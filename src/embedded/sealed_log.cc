#include "sealed_log.h"

#include <algorithm>
#include <ranges>

#include "annals/limits.h"
#include "recovery.h"

namespace annals {
inline namespace v1 {
namespace embedded {

namespace {

constexpr std::ptrdiff_t asked_together = 32;  // events; of more, reading asks by itself

}  // namespace

sealed_log::sealed_log(std::shared_ptr<const sealed_context> context, segment_list segments,
                       run_list runs, std::vector<std::string> types,
                       std::vector<std::string> categories)
    : context_(std::move(context)),
      segments_(std::move(segments)),
      runs_(std::move(runs)),
      hash_seed_(context_->hash_seed),
      types_(std::move(types)),
      categories_(std::move(categories)),
      retained_(std::ranges::any_of(
          runs_, [](const auto& run) { return run->count(term_kind::retention) != 0; })) {}

uuid sealed_log::last_event() const noexcept {
  for (const auto& one : segments_ | std::views::reverse)
    if (one->facts().events != 0) return one->facts().last_event;
  return {};
}

std::uint32_t sealed_log::number(const std::vector<std::string>& of,
                                 std::string_view text) noexcept {
  const auto found = std::ranges::find(of, text);
  return found == of.end() ? 0 : static_cast<std::uint32_t>(found - of.begin() + 1);
}

template <class Each>
result<bool> sealed_log::find_slot(term_kind kind, std::span<const std::byte> bytes,
                                   Each&& each) const {
  const auto hash = term_hash(hash_seed_, kind, bytes);
  std::vector<run_slot> slots;
  for (const auto& run : runs_ | std::views::reverse) {
    slots.clear();
    if (run->count(kind) == 0) continue;
    if (auto looked = run->find(hash, kind, slots); !looked) return std::unexpected(looked.error());
    for (const auto& slot : slots) {
      result<bool> enough = each(slot);
      if (!enough) return enough;
      if (!*enough) continue;
      if (auto whole = check_pages(); !whole) return std::unexpected(whole.error());
      return true;
    }
  }
  if (auto whole = check_pages(); !whole) return std::unexpected(whole.error());
  return false;
}

result<void> sealed_log::check_pages() const {
  if (!context_ || context_->environment.lost_pages() == 0) return {};
  for (const auto& one : segments_)
    if (auto whole = one->check_pages(); !whole) return whole;
  for (const auto& one : runs_)
    if (auto whole = one->check_pages(); !whole) return whole;
  return {};
}

result<const mapped_segment*> sealed_log::segment_of(lsn place) const {
  const auto number = place.segment();
  if (number == 0 || number > segments_.size())
    return corrupt_log("an index points to segment " + std::to_string(number) +
                       ", which is not there");
  const auto* found = segments_[static_cast<std::size_t>(number - 1)].get();
  if (auto opened = found->open(place.offset()); !opened) return std::unexpected(opened.error());
  return found;
}

result<item_view> sealed_log::item_at(lsn place) const {
  const auto in = segment_of(place);
  if (!in) return std::unexpected(in.error());
  return (*in)->item_at(place.offset());
}

result<event_item> sealed_log::event_item_at(lsn place) const {
  const auto item = item_at(place);
  if (!item) return std::unexpected(item.error());
  if (item->kind() != item_kind::event)
    return (*segment_of(place))->damaged(place.offset(), "no event stands where an index has one");
  return item->as<event_item>();
}

// What stands in blocks that hold their CRCs was written so, and need not be looked at.
result<void> sealed_log::check_name(lsn place, const uuid& key) const {
  const auto in = segment_of(place);
  if (!in) return std::unexpected(in.error());
  if ((*in)->is_checked(place.offset(), sizeof(name_item) + limits::stream_name_bytes)) return {};
  const auto item = (*in)->item_at(place.offset());
  if (!item) return std::unexpected(item.error());
  if (item->kind() != item_kind::stream_name || item->as<name_item>().stream_key != key)
    return (*in)->damaged(place.offset(),
                          "no name stands where an event has the one of its stream");
  return {};
}

std::string_view sealed_log::checked_name_at(lsn place) const noexcept {
  const auto& in = *segments_[static_cast<std::size_t>(place.segment() - 1)];
  return name_in(item_view(in.data() + place.offset()));
}

result<std::string_view> sealed_log::name_at(lsn place, const uuid& key) const {
  if (auto checked = check_name(place, key); !checked) return std::unexpected(checked.error());
  return checked_name_at(place);
}

result<stream_head> sealed_log::head_from(const event_item& event, lsn place) const {
  stream_head head{.key = event.stream_key,
                   .name_place = event.name,
                   .category = event.category,
                   .newest = {event.version},
                   .last = place,
                   .last_sequence = event.sequence,
                   .last_id = event.event_id};
  const auto name = name_at(event.name, event.stream_key);
  if (!name) return std::unexpected(name.error());
  head.name = *name;
  const auto kept = find_retention(event.stream_key);
  if (!kept) return std::unexpected(kept.error());
  head.kept = kept->value_or(retention{});
  return head;
}

void sealed_log::prefetch(term_kind kind, const uuid& id) const noexcept {
  const auto hash = term_hash(hash_seed_, kind, term_bytes(id));
  for (const auto& run : runs_) run->prefetch(hash);
}

bool sealed_log::expect_stream(const uuid& key) const noexcept {
  const auto hash = term_hash(hash_seed_, term_kind::stream, term_bytes(key));
  bool asked = false;
  for (const auto& run : runs_) asked |= run->expect(hash);
  return asked;
}

result<std::optional<stream_head>> sealed_log::find_stream(const uuid& key,
                                                           followed_by next) const {
  std::optional<stream_head> head;
  const auto found =
      find_slot(term_kind::stream, term_bytes(key), [&](const run_slot& slot) -> result<bool> {
        const auto event = event_item_at(slot.newest);
        if (!event) return std::unexpected(event.error());
        if (event->stream_key != key) return false;
        if (next == followed_by::its_events) (*segment_of(slot.newest))->index().expect(slot.hash);
        auto made = head_from(*event, slot.newest);
        if (!made) return std::unexpected(made.error());
        head = *made;
        return true;
      });
  if (!found) return std::unexpected(found.error());
  return head;
}

result<std::optional<retention>> sealed_log::find_retention(const uuid& key) const {
  std::optional<retention> kept;
  if (!retained_) return kept;
  const auto look = [&](const run_slot& slot) -> result<bool> {
    const auto item =
        item_at(lsn::at(slot.newest.segment(), slot.newest.offset() + sizeof(frame_header)));
    if (!item) return std::unexpected(item.error());
    if (item->kind() != item_kind::retention) return false;
    const auto stored = item->as<retention_item>();
    if (stored.stream_key != key) return false;
    kept = retention{.truncate_before = {stored.truncate_before},
                     .gone = stored.gone != 0,
                     .max_age = std::chrono::microseconds(stored.max_age),
                     .max_count = stored.max_count};
    return true;
  };
  const auto found = find_slot(term_kind::retention, term_bytes(key), look);
  if (!found) return std::unexpected(found.error());
  return kept;
}

result<std::optional<command_entry>> sealed_log::find_command(const uuid& id) const {
  std::optional<command_entry> command;
  const auto look = [&](const run_slot& slot) -> result<bool> {
    const auto in = segment_of(slot.newest);
    if (!in) return std::unexpected(in.error());
    const auto frame = slot.newest.offset();
    if (auto front = (*in)->check_front(frame); !front) return std::unexpected(front.error());
    const auto header = read_as<frame_header>((*in)->data() + frame);
    for (auto at = frame + sizeof(frame_header); at < frame + header.length;) {
      const auto item = (*in)->item_at(at);
      if (!item) return std::unexpected(item.error());
      if (item->kind() == item_kind::event) return false;
      at += item->length();
      if (item->kind() != item_kind::command) continue;
      const auto stored = item->as<command_item>();
      if (stored.command_id != id) return false;
      command = command_entry{.result = {.stream_version = {stored.stream_version}},
                              .digest = stored.digest,
                              .stream = stored.stream_key,
                              .place = slot.newest};
      if (header.events == 0) return true;
      command->result.first = {.sequence = header.first_sequence};
      command->result.last = {.sequence = header.first_sequence + header.events - 1};
      return true;
    }
    return false;
  };
  const auto found = find_slot(term_kind::command, term_bytes(id), look);
  if (!found) return std::unexpected(found.error());
  return command;
}

// A stream without events has its name in the frame of the command that named it.
result<std::string> sealed_log::name_of(const command_entry& command) const {
  const auto head = find_stream(command.stream);
  if (!head) return std::unexpected(head.error());
  if (*head) return std::string((*head)->name);
  const auto in = segment_of(command.place);
  if (!in) return std::unexpected(in.error());
  const auto frame = command.place.offset();
  if (auto front = (*in)->check_front(frame); !front) return std::unexpected(front.error());
  const auto end = frame + read_as<frame_header>((*in)->data() + frame).length;
  for (auto at = frame + sizeof(frame_header); at < end;) {
    const auto item = (*in)->item_at(at);
    if (!item) return std::unexpected(item.error());
    if (item->kind() == item_kind::stream_name &&
        item->as<name_item>().stream_key == command.stream)
      return std::string(text_in(*item, item->as<name_item>().length));
    at += item->length();
  }
  return std::string{};
}

std::uint64_t sealed_log::holder_of(std::uint64_t sequence) const noexcept {
  const auto behind = std::ranges::upper_bound(
      segments_, sequence, {}, [](const auto& one) { return one->first_sequence(); });
  return static_cast<std::uint64_t>(behind - segments_.begin());
}

result<event_entry> sealed_log::event_at(std::uint64_t sequence) const {
  const auto number = holder_of(sequence);
  const auto in = segment_of(lsn::at(number, 0));
  if (!in) return std::unexpected(in.error());
  const auto offset = (*in)->offset_of(sequence - (*in)->first_sequence());
  if (!offset) return std::unexpected(offset.error());
  const auto event = event_item_at(lsn::at(number, *offset));
  if (!event) return std::unexpected(event.error());
  if (event->sequence != sequence)
    return (*in)->damaged(
        *offset, "another event stands where the index has position " + std::to_string(sequence));
  return event_entry{.place = lsn::at(number, *offset),
                     .id = event->event_id,
                     .recorded = {event->recorded},
                     .type = event->type};
}

result<std::vector<stream_piece>> sealed_log::pieces_of(const uuid& key, lsn last,
                                                        version from) const {
  const auto hash = term_hash(hash_seed_, term_kind::stream, term_bytes(key));
  std::vector<stream_piece> pieces;
  std::vector<postings> found;
  for (auto number = last.segment(); number != 0;) {
    const auto in = segment_of(lsn::at(number, 0));
    if (!in) return std::unexpected(in.error());
    found.clear();
    if (auto looked = (*in)->index().find(term_kind::stream, hash, found); !looked)
      return std::unexpected(looked.error());
    std::uint64_t before = 0;
    bool there = false;
    for (const auto& one : found) {
      const auto event = event_item_at(lsn::at(number, std::uint64_t{one.last} * 8));
      if (!event) return std::unexpected(event.error());
      if (event->stream_key != key) continue;
      there = true;
      pieces.push_back({*in, one});
      if (one.first_version > from.number) before = one.link;
      break;
    }
    if (!there) return corrupt_log((*in)->path() + ": its index lacks stream " + key.to_string());
    if (before >= number)
      return corrupt_log((*in)->path() + ": its index links stream " + key.to_string() +
                         " to a later segment");
    number = before;
  }
  std::ranges::reverse(pieces);
  return pieces;
}

result<event_entry> sealed_log::event_at(const uuid& key, lsn last, version number,
                                         followed_by next) const {
  const auto pieces = pieces_of(key, last, number);
  if (!pieces) return std::unexpected(pieces.error());
  for (const auto& piece : *pieces) {
    if (number.number < piece.first_version() || number.number > piece.last_version()) continue;
    std::vector<std::uint32_t> places;
    const auto newest = piece.last_version() - number.number + 1;
    if (auto listed = piece.in->index().newest_places(piece.events, newest, places); !listed)
      return std::unexpected(listed.error());
    if (next == followed_by::its_events)
      for (const auto one : places | std::views::take(asked_together))
        piece.in->expect(std::uint64_t{one} * 8);
    const lsn place = lsn::at(piece.in->number(), std::uint64_t{places.front()} * 8);
    const auto event = event_item_at(place);
    if (!event) return std::unexpected(event.error());
    return event_entry{
        .place = place, .id = event->event_id, .recorded = {event->recorded}, .type = event->type};
  }
  return corrupt_log("version " + std::to_string(number.number) + " of stream " + key.to_string() +
                     " is in no segment");
}

result<lsn> sealed_log::newest_of(term_kind kind, std::span<const std::byte> bytes) const {
  lsn newest{};
  const auto found = find_slot(kind, bytes, [&](const run_slot& slot) -> result<bool> {
    auto same = is_of(slot, bytes);
    if (!same || !*same) return same;
    newest = slot.newest;
    return true;
  });
  if (!found) return std::unexpected(found.error());
  return newest;
}

result<std::uint64_t> sealed_log::newest_segment_of(term_kind kind,
                                                    std::span<const std::byte> bytes) const {
  if (runs_.empty()) return newest_by_indexes(kind, bytes);
  const auto newest = newest_of(kind, bytes);
  if (!newest) return std::unexpected(newest.error());
  return newest->segment();
}

result<std::uint64_t> sealed_log::newest_by_indexes(term_kind kind,
                                                    std::span<const std::byte> bytes) const {
  const auto hash = term_hash(hash_seed_, kind, bytes);
  std::vector<postings> found;
  for (auto number = segments(); number > 0; --number) {
    const auto in = segment_of(lsn::at(number, 0));
    if (!in) return std::unexpected(in.error());
    found.clear();
    if (auto looked = (*in)->index().find(kind, hash, found); !looked)
      return std::unexpected(looked.error());
    for (const auto& one : found) {
      const auto is =
          is_of({.kind = kind, .newest = lsn::at(number, std::uint64_t{one.last} * 8)}, bytes);
      if (!is) return std::unexpected(is.error());
      if (*is) return number;
    }
  }
  return 0;
}

result<std::vector<std::byte>> sealed_log::id_at(const run_slot& slot) const {
  const auto copy = [](std::span<const std::byte> bytes) {
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  };
  const bool of_frame = slot.kind == term_kind::command || slot.kind == term_kind::retention;
  const auto in = segment_of(slot.newest);
  if (!in) return std::unexpected(in.error());
  for (auto at = slot.newest.offset() + (of_frame ? sizeof(frame_header) : 0);;) {
    const auto item = (*in)->item_at(at);
    if (!item) return std::unexpected(item.error());
    if (of_frame && item->kind() == item_kind::command)
      return copy(term_bytes(item->as<command_item>().command_id));
    if (of_frame && item->kind() == item_kind::retention)
      return copy(term_bytes(item->as<retention_item>().stream_key));
    if (item->kind() == item_kind::event) {
      if (of_frame) return std::vector<std::byte>{};
      const auto event = item->as<event_item>();
      if (slot.kind == term_kind::stream) return copy(term_bytes(event.stream_key));
      if (slot.kind == term_kind::type) return copy(term_bytes(event.type));
      return copy(term_bytes(event.category));
    }
    if (!of_frame) return (*in)->damaged(at, "no event stands where an index has one");
    at += item->length();
  }
}

result<bool> sealed_log::is_of(const run_slot& slot, std::span<const std::byte> bytes) const {
  if (slot.kind != term_kind::tag) {
    const auto id = id_at(slot);
    if (!id) return std::unexpected(id.error());
    return std::ranges::equal(*id, bytes);
  }
  const auto item = item_at(slot.newest);
  if (!item) return std::unexpected(item.error());
  if (item->kind() != item_kind::event) return false;
  bool has = false;
  for_each_tag(*item, [&](std::string_view tag) {
    has = has || std::ranges::equal(term_bytes(tag), bytes);
  });
  return has;
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
