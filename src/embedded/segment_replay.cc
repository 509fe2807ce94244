#include "segment_replay.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// One frame on its way into a replay.
class frame_entry {
 public:
  frame_entry(segment_replay& into, const frame_view& frame)
      : into_(into), frame_(frame), place_(frame.header().place) {}

  std::optional<std::string> run() {
    frame_.for_each_item([this](const item_view& item) {
      if (!problem_) enter(item);
    });
    return problem_;
  }

 private:
  using stream = segment_replay::stream;
  using origin = segment_replay::origin;

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

  // The first one of a segment follows those before it, whose number is not known here.
  void enter_text(const item_view& item) {
    const auto entry = item.as<dictionary_item>();
    const bool type = entry.dictionary == static_cast<std::uint8_t>(dictionary_kind::type);
    auto& texts = type ? into_.types_ : into_.categories_;
    const bool in_order = texts.first == 0 ? entry.number > texts.used
                                           : entry.number == texts.first + texts.added.size();
    if (entry.number == 0 || !in_order) return contradict("a dictionary entry is out of order");
    if (texts.first == 0) {
      texts.first = entry.number;
      texts.first_place = place_;
    }
    texts.added.emplace_back(text_in(item, entry.length));
  }

  bool knows(segment_replay::texts& texts, std::uint32_t number) const {
    if (texts.first != 0 && number >= texts.first) return number < texts.first + texts.added.size();
    if (number > texts.used) {
      texts.used = number;
      texts.used_place = place_;
    }
    return true;
  }

  lsn place_of(const item_view& item) const {
    const auto distance = static_cast<std::uint64_t>(item.data() - frame_.data());
    return lsn::at(place_.segment(), place_.offset() + distance);
  }

  stream* find(const uuid& key) {
    const auto found = into_.streams_.find(key);
    return found == into_.streams_.end() ? nullptr : &found->second;
  }

  stream& add(const uuid& key, const stream_end& before, origin from) {
    return into_.streams_
        .insert_or_assign(key,
                          stream{.before = before, .now = before, .first = place_, .from = from})
        .first->second;
  }

  void enter_name(const item_view& item) {
    const auto entry = item.as<name_item>();
    auto* known = find(entry.stream_key);
    if (known != nullptr && known->now.version != 0) return contradict("a stream is named twice");
    if (!knows(into_.categories_, entry.category)) return contradict("a category is unknown");
    if (known == nullptr) known = &add(entry.stream_key, {}, origin::named);
    known->now = {.name = place_of(item), .category = entry.category};
  }

  void enter_command(const command_item& item) {
    if (!item.stream_key.is_nil() && item.stream_version == 0 && find(item.stream_key) == nullptr) {
      if (into_.number_ == 1) return contradict("a command names an unknown stream");
      into_.mentioned_.emplace_back(item.stream_key, place_);
    }
    if (!into_.commands_.emplace(item.command_id, place_).second)
      contradict("command " + item.command_id.to_string() + " stands there twice");
  }

  void enter_event(const item_view& item) {
    const auto event = item.as<event_item>();
    auto* known = find(event.stream_key);
    if (known == nullptr) known = begin(event);
    if (known == nullptr) return contradict("an event is of an unknown stream");
    auto& now = known->now;
    if (event.version != now.version + 1)
      return contradict("version " + std::to_string(event.version) + " of stream " +
                        event.stream_key.to_string() + " follows version " +
                        std::to_string(now.version));
    if (event.type == 0 || !knows(into_.types_, event.type))
      return contradict("an event type is unknown");
    if (event.category != now.category) return contradict("an event has another category");
    if (event.previous != now.last || event.name != now.name)
      return contradict("an event does not follow the one before it in its stream");
    if (event.sequence != frame_.header().first_sequence + entered_++)
      return contradict("an event has another position");
    const auto distance = static_cast<std::uint64_t>(item.data() - frame_.data());
    if (std::uint64_t{event.frame_distance} * 8 != distance)
      return contradict("an event does not know its frame");
    now.version = event.version;
    now.last = place_of(item);
    known->marks += place_mark(now.last.offset() / 8);
    into_.last_event_ = event.event_id;
  }

  // Of a stream that this segment has not spoken of yet, the event itself tells.
  stream* begin(const event_item& event) {
    if (event.version == 0 || event.name.bits == 0) return nullptr;
    const bool first = event.version == 1;
    if (first ? event.previous.bits != 0 || !stands_before(event.name)
              : event.previous.bits == 0 || !stands_before(event.previous))
      return nullptr;
    return &add(event.stream_key,
                {.version = event.version - 1,
                 .last = event.previous,
                 .name = event.name,
                 .category = event.category},
                first ? origin::begins : origin::goes_on);
  }

  bool stands_before(lsn place) const { return place.segment() < into_.number_; }

  void enter_retention(const retention_item& item) {
    if (item.max_age < 0) return contradict("a maximum age is negative");
    const auto* known = find(item.stream_key);
    if (known == nullptr) {
      if (item.version == 0 || !stands_before(item.previous))
        return contradict("retention of an unknown stream");
      known = &add(item.stream_key,
                   {.version = item.version,
                    .last = item.previous,
                    .name = item.name,
                    .category = item.category},
                   origin::retained);
    }
    if (known->now.version != item.version)
      return contradict("retention of another version of a stream");
    into_.retained_.insert_or_assign(item.stream_key, place_);
  }

  void contradict(std::string what) { problem_ = std::move(what); }

  segment_replay& into_;
  const frame_view& frame_;
  lsn place_;
  std::uint64_t entered_ = 0;  // events
  std::optional<std::string> problem_{};
};

std::optional<std::string> segment_replay::enter(const frame_view& frame) {
  return frame_entry(*this, frame).run();
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
