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
    const bool types = entry.dictionary == static_cast<std::uint8_t>(dictionary_kind::type);
    auto& texts = types ? index_.types : index_.categories;
    if (entry.number != texts.next()) return contradict("a dictionary entry is out of order");
    texts.add(text_in(item, entry.length));
  }

  void enter_name(const item_view& item) {
    const auto entry = item.as<name_item>();
    if (index_.find(entry.stream_key) != nullptr) return contradict("a stream is named twice");
    if (entry.category >= index_.categories.next()) return contradict("a category is unknown");
    index_.add_stream(entry.stream_key, text_in(item, entry.length), entry.category);
  }

  // The result of the append is the frame's: its events, and the version that stands in the item.
  void enter_command(const command_item& item) {
    const auto& header = frame_.header();
    appended stored{.stream_version = {item.stream_version}};
    if (header.events != 0) {
      stored.first = {.sequence = header.first_sequence};
      stored.last = {.sequence = header.first_sequence + header.events - 1};
    }
    const auto* stream = item.stream_key.is_nil() ? nullptr : index_.find(item.stream_key);
    if (stream == nullptr && !item.stream_key.is_nil())
      return contradict("a command names an unknown stream");
    index_.add_command(item.command_id, {stored, item.digest, stream, header.place});
  }

  void enter_event(const item_view& item) {
    const auto event = item.as<event_item>();
    auto* stream = index_.find(event.stream_key);
    if (stream == nullptr) return contradict("an event is of an unknown stream");
    if (event.version != stream->newest().next().number)
      return contradict("version " + std::to_string(event.version) + " of stream " + stream->name +
                        " follows version " + std::to_string(stream->newest().number));
    if (event.type == 0 || event.type >= index_.types.next())
      return contradict("an event type is unknown");
    if (event.category != stream->category) return contradict("an event has another category");
    if (event.previous_sequence != stream->last_sequence())
      return contradict("an event does not follow the one before it in its stream");
    const auto distance = static_cast<std::uint64_t>(item.data() - frame_.data());
    if (std::uint64_t{event.frame_distance} * 8 != distance)
      return contradict("an event does not know its frame");
    const auto offset = frame_.header().place.offset() + distance;
    index_.add_event(*stream, {.place = lsn::at(frame_.header().place.segment(), offset),
                               .id = event.event_id,
                               .recorded = {event.recorded},
                               .type = event.type,
                               .stream = stream->number});
    for_each_tag(item, [&](std::string_view tag) { index_.add_tag(tag, index_.events()); });
  }

  void enter_retention(const retention_item& item) {
    auto* stream = index_.find(item.stream_key);
    if (stream == nullptr) return contradict("retention of an unknown stream");
    if (item.max_age < 0) return contradict("a maximum age is negative");
    stream->kept = {.truncate_before = {item.truncate_before},
                    .gone = item.gone != 0,
                    .max_age = std::chrono::microseconds(item.max_age),
                    .max_count = item.max_count};
    stream->staged = stream->kept;
  }

  void contradict(std::string what) { problem_ = std::move(what); }

  log_index& index_;
  const frame_view& frame_;
  std::optional<std::string> problem_{};
};

}  // namespace

std::optional<std::string> replay(log_index& index, const frame_view& frame) {
  return frame_replay(index, frame).run();
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
