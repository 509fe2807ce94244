#include "replay.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

class frame_replay {
 public:
  frame_replay(log_index& index, const frame_view& frame) : index_(index), frame_(frame) {}

  std::optional<std::string> run() {
    frame_.for_each_item([this](const item_view& item) {
      if (!problem_) enter(item);
    });
    return problem_;
  }

 private:
  void enter(const item_view& item) {
    switch (item.kind()) {
      case item_kind::event: return enter_event(item);
      case item_kind::command: return enter_command(item.as<command_item>());
      case item_kind::stream_name: return enter_name(item);
      case item_kind::dictionary: return enter_text(item);
      case item_kind::retention: return enter_retention(item.as<retention_item>());
      case item_kind::context:
      case item_kind::seal:
      case item_kind::repair: return;
    }
  }

  void enter_text(const item_view& item) {
    const auto entry = item.as<dictionary_item>();
    const auto kind = static_cast<dictionary_kind>(entry.dictionary);
    auto& texts = kind == dictionary_kind::type ? index_.types : index_.categories;
    if (entry.number != texts.next()) return contradict("a dictionary entry is out of order");
    const auto text = text_in(item, entry.length);
    texts.add(text);
    index_.active().add_text(kind, text);
  }

  lsn place_of(const item_view& item) const {
    const auto distance = static_cast<std::uint64_t>(item.data() - frame_.data());
    return lsn::at(frame_.header().place.segment(), frame_.header().place.offset() + distance);
  }

  void enter_name(const item_view& item) {
    const auto entry = item.as<name_item>();
    if (const auto* known = index_.find(entry.stream_key); known && known->newest().number != 0)
      return contradict("a stream is named twice");
    if (entry.category >= index_.categories.next()) return contradict("a category is unknown");
    auto& stream = index_.enter(entry.stream_key, {});
    stream.name = text_in(item, entry.length);
    stream.name_place = place_of(item);
    stream.category = entry.category;
  }

  // The result of the append is the frame's: its events, and the version that stands in the item.
  void enter_command(const command_item& item) {
    const auto& header = frame_.header();
    appended stored{.stream_version = {item.stream_version}};
    if (header.events != 0) {
      stored.first = {.sequence = header.first_sequence};
      stored.last = {.sequence = header.first_sequence + header.events - 1};
    }
    if (!item.stream_key.is_nil() && item.stream_version == 0 && !began_before() &&
        index_.find(item.stream_key) == nullptr)
      return contradict("a command names an unknown stream");
    if (index_.find_command(item.command_id) != nullptr)
      return contradict("command " + item.command_id.to_string() + " stands there twice");
    index_.active().add_command(item.command_id, {.result = stored,
                                                  .digest = item.digest,
                                                  .stream = item.stream_key,
                                                  .place = header.place});
  }

  void enter_event(const item_view& item) {
    const auto event = item.as<event_item>();
    auto& stream = stream_of(event);
    if (problem_) return;
    auto& active = index_.active();
    const auto previous = stream.events.empty() ? stream.previous : active.newest_of(stream).place;
    if (event.version != stream.newest().next().number)
      return contradict("version " + std::to_string(event.version) + " of stream " +
                        stream.key.to_string() + " follows version " +
                        std::to_string(stream.newest().number));
    if (event.type == 0 || event.type >= index_.types.next())
      return contradict("an event type is unknown");
    if (event.category != stream.category) return contradict("an event has another category");
    if (event.previous != previous || event.name != stream.name_place)
      return contradict("an event does not follow the one before it in its stream");
    if (event.sequence != frame_.header().first_sequence + entered_++)
      return contradict("an event has another position");
    const auto distance = static_cast<std::uint64_t>(item.data() - frame_.data());
    if (std::uint64_t{event.frame_distance} * 8 != distance)
      return contradict("an event does not know its frame");
    active.add_event(stream, {.place = place_of(item),
                              .id = event.event_id,
                              .recorded = {event.recorded},
                              .type = event.type,
                              .stream = stream.number});
    for_each_tag(item, [&](std::string_view tag) { active.add_tag(tag); });
  }

  // Of a stream that began before what was read, the event itself tells.
  recent_stream& stream_of(const event_item& event) {
    if (auto* stream = index_.active().find(event.stream_key)) return *stream;
    if (index_.find(event.stream_key) != nullptr)
      return index_.enter(event.stream_key, index_.head_of(event.stream_key));
    if (event.version == 0 || event.name.bits == 0 || !goes_on_from(event))
      contradict("an event is of an unknown stream");
    auto& stream = index_.enter(event.stream_key, {.name_place = event.name,
                                                   .category = event.category,
                                                   .newest = {event.version - 1},
                                                   .last = event.previous,
                                                   .known = false});
    return stream;
  }

  // The first event of a stream may stand behind a name that an append without events has left.
  bool goes_on_from(const event_item& event) const {
    if (event.version == 1) return event.previous.bits == 0 && reaches_back(event.name);
    return event.previous.bits != 0 && reaches_back(event.previous);
  }

  bool began_before() const { return index_.recent().front()->number() > 1; }
  // True for places before the segments that were read.
  bool reaches_back(lsn place) const { return place.segment() < index_.recent().front()->number(); }

  void enter_retention(const retention_item& item) {
    if (item.max_age < 0) return contradict("a maximum age is negative");
    const retention state{.truncate_before = {item.truncate_before},
                          .gone = item.gone != 0,
                          .max_age = std::chrono::microseconds(item.max_age),
                          .max_count = item.max_count};
    const bool known = index_.find(item.stream_key) != nullptr;
    if (!known && (item.version == 0 || !reaches_back(item.previous)))
      return contradict("retention of an unknown stream");
    auto& stream = index_.enter(item.stream_key, known ? index_.head_of(item.stream_key)
                                                       : stream_head{.name_place = item.name,
                                                                     .category = item.category,
                                                                     .newest = {item.version},
                                                                     .last = item.previous,
                                                                     .known = false});
    if (stream.newest().number != item.version)
      return contradict("retention of another version of a stream");
    index_.active().add_retention(item.stream_key, frame_.header().place, state);
  }

  void contradict(std::string what) { problem_ = std::move(what); }

  log_index& index_;
  const frame_view& frame_;
  std::uint64_t entered_ = 0;  // events
  std::optional<std::string> problem_{};
};

}  // namespace

std::optional<std::string> replay(log_index& index, const frame_view& frame) {
  return frame_replay(index, frame).run();
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
