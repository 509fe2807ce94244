#include "staging.h"

#include <algorithm>
#include <cstring>

#include "frame.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

std::size_t dictionary_bytes(std::string_view text) noexcept {
  return sizeof(dictionary_item) + padded(text.size());
}

/// One frame on its way into the log.
class frame_builder {
 public:
  frame_builder(commit_log& log, log_index& index, append_draft& draft,
                std::span<const std::optional<stream_head>> sealed, frame_kind kind)
      : log_(log), index_(index), draft_(draft), sealed_(sealed), kind_(kind) {}

  appended build(hlc received) {
    first_type_ = index_.types.next();
    first_category_ = index_.categories.next();
    find_new_streams();
    resolve_types();
    const std::size_t bytes = frame_bytes();
    place_ = log_.reserve(bytes);  // from here on the active segment is the frame's
    at_ = place_.at + sizeof(frame_header);
    items_crc_ = place_.seed;
    add_dictionary(index_.types, dictionary_kind::type, first_type_);
    add_dictionary(index_.categories, dictionary_kind::category, first_category_);
    enter_streams();
    add_draft(received);
    log_.stage(bytes, {.kind = kind_,
                       .events = static_cast<std::uint32_t>(draft_.events().size()),
                       .items = items_,
                       .items_crc = items_crc_,
                       .clock = clock_,
                       .last_event = last_event_});
    return result_;
  }

 private:
  const stream_head* sealed_head(std::size_t i) const {
    return i < sealed_.size() && sealed_[i] ? &*sealed_[i] : nullptr;
  }

  // A stream is entered when it gets events, or is the first listed beside a command id.
  void find_new_streams() {
    written_.resize(draft_.streams().size());
    for (const auto& event : draft_.events()) written_[event.stream] = true;
    if (!written_.empty() && !draft_.command_id().is_nil()) written_[0] = true;
    is_new_.resize(written_.size());
    streams_.resize(written_.size());
    for (std::size_t i = 0; i < written_.size(); ++i) {
      if (!written_[i]) continue;
      const auto& part = draft_.streams()[i];
      streams_[i] = index_.active().find(part.key);
      is_new_[i] =
          streams_[i] == nullptr && sealed_head(i) == nullptr && index_.find(part.key) == nullptr;
      if (is_new_[i] && !part.category.empty() && index_.categories.number_of(part.category) == 0)
        index_.categories.add(part.category);
    }
    looked_in_ = &index_.active();
  }

  void enter_streams() {
    if (&index_.active() != looked_in_) std::ranges::fill(streams_, nullptr);  // it has just begun
    for (std::size_t i = 0; i < written_.size(); ++i) {
      if (!written_[i] || streams_[i] != nullptr) continue;
      const auto& part = draft_.streams()[i];
      if (is_new_[i]) {
        streams_[i] = &enter_new(part);
      } else if (index_.find(part.key) != nullptr) {
        // Newer than what the sealed segments told, if they were asked before it got there.
        streams_[i] = &index_.enter(part.key, index_.head_of(part.key));
      } else {
        streams_[i] = &index_.enter(part.key, *sealed_head(i));
      }
    }
  }

  recent_stream& enter_new(const append_draft::stream_part& part) {
    const auto category = index_.categories.number_of(part.category);
    const auto offset = place_.where.offset() + static_cast<std::uint64_t>(at_ - place_.at);
    const auto item = draft_.name_item_of(part);
    copy_bytes(at_, item);
    auto name = read_as<name_item>(at_);
    name.category = category;
    write_as(at_, name);
    finish_item(at_);
    at_ += item.size();
    return index_.enter(part.key, {.key = part.key,
                                   .name = part.name,
                                   .name_place = lsn::at(place_.where.segment(), offset),
                                   .category = category});
  }

  void resolve_types() {
    std::string_view before;
    std::uint32_t number = 0;
    types_.reserve(draft_.events().size());
    for (const auto& event : draft_.events()) {
      if (event.type != before) number = index_.types.number_of(event.type);
      if (number == 0) number = index_.types.add(event.type);
      before = event.type;
      types_.push_back(number);
    }
  }

  std::size_t frame_bytes() const {
    std::size_t bytes = sizeof(frame_header) + draft_.items().size();
    for (auto n = first_type_; n < index_.types.next(); ++n)
      bytes += dictionary_bytes(index_.types.text_of(n));
    for (auto n = first_category_; n < index_.categories.next(); ++n)
      bytes += dictionary_bytes(index_.categories.text_of(n));
    for (std::size_t i = 0; i < is_new_.size(); ++i)
      if (is_new_[i]) bytes += draft_.streams()[i].item_length;
    return bytes;
  }

  void finish_item(std::byte* item) {
    finish_head(item, place_.seed, items_crc_);
    ++items_;
  }

  void add_dictionary(const dictionary& texts, dictionary_kind kind, std::uint32_t first) {
    for (auto number = first; number < texts.next(); ++number) {
      const auto text = texts.text_of(number);
      std::memset(at_, 0, dictionary_bytes(text));
      write_as(at_, dictionary_item{
                        .item = {.length = static_cast<std::uint32_t>(dictionary_bytes(text)),
                                 .kind = static_cast<std::uint16_t>(item_kind::dictionary),
                                 .head = sizeof(dictionary_item)},
                        .number = number,
                        .dictionary = static_cast<std::uint8_t>(kind),
                        .length = static_cast<std::uint16_t>(text.size())});
      std::memcpy(at_ + sizeof(dictionary_item), text.data(), text.size());
      index_.active().add_text(kind, text);
      finish_rest(at_);
      finish_item(at_);
      at_ += dictionary_bytes(text);
    }
  }

  // Command and context first, then the events; see append_draft::items.
  void add_draft(hlc received) {
    const auto items = draft_.items();
    copy_bytes(at_, items);
    std::byte* command = draft_.command_id().is_nil() ? nullptr : at_;
    const std::byte* events =
        at_ + (draft_.events().empty() ? items.size() : draft_.events().front().offset);
    std::byte* const front = at_;
    if (!draft_.events().empty()) result_.first = {.sequence = log_.staged_sequence() + 1};
    count_versions();
    if (command != nullptr) {
      auto item = read_as<command_item>(command);
      item.stream_version = result_.stream_version.number;
      write_as(command, item);
    }
    for (at_ = front; at_ < events; at_ += read_as<item_header>(at_).length) finish_item(at_);
    add_events(front, received);
    result_.last = {.sequence = draft_.events().empty() ? 0 : index_.last_sequence()};
    if (command != nullptr)
      index_.active().add_command(draft_.command_id(),
                                  {.result = result_,
                                   .digest = draft_.digest(),
                                   .stream = streams_.empty() ? uuid{} : streams_[0]->key,
                                   .place = place_.where});
  }

  // The version of the first stream after the append; it stands in front of the events.
  void count_versions() {
    if (streams_.empty()) return;
    std::uint64_t added = 0;
    for (const auto& event : draft_.events()) added += event.stream == 0 ? 1 : 0;
    result_.stream_version = {version_before() + added};
  }

  std::uint64_t version_before() const {
    if (streams_[0] != nullptr) return streams_[0]->newest().number;
    if (const auto* found = index_.find(draft_.streams()[0].key)) return found->newest().number;
    const auto* older = sealed_head(0);
    return older == nullptr ? 0 : older->newest.number;
  }

  void add_events(std::byte* items, hlc received) {
    hlc reading = next_hlc({log_.clock()}, received, draft_.now());
    const std::uint64_t first = log_.staged_sequence() + 1;
    auto& active = index_.active();
    for (std::size_t i = 0; i < draft_.events().size(); ++i) {
      const auto& part = draft_.events()[i];
      std::byte* at = items + part.offset;
      auto& stream = *streams_[part.stream];
      auto event = read_as<event_item>(at);
      const auto offset = place_.where.offset() + static_cast<std::uint64_t>(at - place_.at);
      event.version = stream.newest().next().number;
      event.previous = stream.events.empty() ? stream.previous : active.newest_of(stream).place;
      if (kind_ != frame_kind::import) event.recorded = reading.plus(i).bits;
      event.type = types_[i];
      event.category = stream.category;
      event.frame_distance = static_cast<std::uint32_t>((at - place_.at) / 8);
      event.sequence = first + i;
      event.name = stream.name_place;
      write_as(at, event);
      finish_item(at);
      last_event_ = event.event_id;
      clock_ = event.recorded;
      active.add_event(stream, {.place = lsn::at(place_.where.segment(), offset),
                                .id = event.event_id,
                                .recorded = {event.recorded},
                                .type = event.type,
                                .stream = stream.number});
      for_each_tag(item_view(at), [&](std::string_view tag) { active.add_tag(tag); });
    }
  }

  commit_log& log_;
  log_index& index_;
  append_draft& draft_;
  std::span<const std::optional<stream_head>> sealed_;
  frame_kind kind_;
  commit_log::place place_{};
  std::byte* at_ = nullptr;
  std::uint32_t items_crc_ = 0;
  std::uint32_t items_ = 0;
  std::uint32_t first_type_ = 0;
  std::uint32_t first_category_ = 0;
  few<bool> written_{};
  few<bool> is_new_{};
  few<recent_stream*> streams_{};  // in the active segment
  const recent_segment* looked_in_ = nullptr;
  few<std::uint32_t> types_{};
  std::uint64_t clock_ = 0;
  uuid last_event_{};
  appended result_{};
};

// A frame of one item without a rest, or of none.
template <class Item>
lsn stage_single(commit_log& log, frame_kind kind, const std::optional<Item>& item,
                 bool held_back) {
  const std::size_t bytes = sizeof(frame_header) + (item ? sizeof(Item) : 0);
  const auto place = log.reserve(bytes, held_back);
  std::uint32_t items_crc = place.seed;
  if (item) {
    std::byte* at = place.at + sizeof(frame_header);
    write_as(at, *item);
    finish_head(at, place.seed, items_crc);
  }
  log.stage(bytes, {.kind = kind, .items = item ? 1U : 0U, .items_crc = items_crc});
  return place.where;
}

}  // namespace

appended stage_append(commit_log& log, log_index& index, append_draft& draft,
                      std::span<const std::optional<stream_head>> sealed, frame_kind kind,
                      hlc received) {
  return frame_builder(log, index, draft, sealed, kind).build(received);
}

void stage_retention(commit_log& log, log_index& index, const stream_head& of,
                     const retention& kept, bool held_back) {
  const retention_item item{.item = {.length = sizeof(retention_item),
                                     .kind = static_cast<std::uint16_t>(item_kind::retention),
                                     .head = sizeof(retention_item)},
                            .stream_key = of.key,
                            .truncate_before = kept.truncate_before.number,
                            .max_age = kept.max_age.count(),
                            .max_count = kept.max_count,
                            .version = of.newest.number,
                            .previous = of.last,
                            .name = of.name_place,
                            .category = of.category,
                            .gone = kept.gone ? std::uint8_t{1} : std::uint8_t{0}};
  const auto place = stage_single<retention_item>(log, frame_kind::retention, item, held_back);
  index.enter(of.key, of);
  index.active().add_retention(of.key, place, kept);
}

void stage_opened(commit_log& log, const std::optional<repair_item>& repaired, bool held_back) {
  stage_single<repair_item>(log, frame_kind::opened, repaired, held_back);
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
