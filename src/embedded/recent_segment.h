#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "annals/engine.h"
#include "segment.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// What one segment tells of a stream. Entries never move and are never removed; the key never
/// changes and may be read without the mutex.
struct recent_stream {
  uuid key{};
  lsn name_place{};  ///< of its name item
  std::uint32_t category = 0;
  std::uint32_t number = 0;             ///< its place in the segment's index
  std::uint64_t before = 0;             ///< its version before this segment
  lsn previous{};                       ///< of its event before this segment; 0: none
  std::vector<std::uint32_t> events{};  ///< numbers in the segment, from 0; staged ones included

  // Of a stream that is older than what was scanned on opening this is looked up when it is needed.
  bool known = false;
  std::string name{};
  std::uint64_t previous_sequence = 0;  ///< of `previous`
  uuid previous_id{};                   ///< of `previous`
  retention older{};                    ///< its state before this segment

  version newest() const noexcept { return {before + events.size()}; }
};

struct event_entry {
  lsn place{};  // of the item
  uuid id{};
  hlc recorded{};
  std::uint32_t type = 0;
  std::uint32_t stream = 0;
};

/// What a frame with a command id stored.
struct command_entry {
  appended result{};
  uuid digest{};
  uuid stream{};  // key of the first stream listed; nil: none was
  lsn place{};    // of the frame
};

/// The index, in memory, of a segment that has no index file yet: the one that is written, and
/// those just before it. Staged events are in it: readers stop at the durable sequence.
///
/// Units:   some 60 bytes per event, 300 per stream of the segment, 120 per command.
/// Threads: under the mutex of the log.
class recent_segment {
 public:
  explicit recent_segment(std::shared_ptr<segment> of) : file_(std::move(of)) {}

  const std::shared_ptr<segment>& file() const noexcept { return file_; }
  /// Puts another view of the same segment in the place of the one before.
  void set_file(std::shared_ptr<segment> of) { file_ = std::move(of); }
  std::uint64_t number() const noexcept { return file_->number(); }
  std::uint64_t first_sequence() const noexcept { return file_->header.first_sequence; }
  std::uint64_t last_sequence() const noexcept { return first_sequence() + events_.size() - 1; }

  recent_stream* find(const uuid& key);
  const recent_stream* find(const uuid& key) const;
  recent_stream& add_stream(const uuid& key);
  const std::deque<recent_stream>& streams() const noexcept { return streams_; }
  const recent_stream& stream_of(const event_entry& event) const { return streams_[event.stream]; }

  /// Adds the next event of the segment, and then its tags.
  void add_event(recent_stream& to, const event_entry& event);
  void add_tag(std::string_view tag);
  bool holds(std::uint64_t sequence) const noexcept {
    return sequence >= first_sequence() && sequence <= last_sequence();
  }
  /// The newest event of a stream here; it must have one.
  const event_entry& newest_of(const recent_stream& stream) const {
    return events_[stream.events.back()];
  }
  std::uint64_t newest_sequence_of(const recent_stream& stream) const noexcept {
    return first_sequence() + stream.events.back();
  }
  const event_entry& event(std::uint64_t sequence) const {
    return events_[static_cast<std::size_t>(sequence - first_sequence())];
  }
  std::uint64_t sequence_of(const recent_stream& stream, version of) const {
    return first_sequence() +
           stream.events[static_cast<std::size_t>(of.number - stream.before - 1)];
  }
  /// The newest version of a stream at or before a sequence, as far as this segment tells.
  version newest_at(const recent_stream& stream, std::uint64_t sequence) const noexcept;

  const command_entry* find_command(const uuid& id) const;
  void add_command(const uuid& id, const command_entry& command) { commands_.emplace(id, command); }

  /// A new state of a stream's retention, and where its frame stands.
  void add_retention(const uuid& key, lsn place, const retention& state);
  /// The newest one whose frame stands before `bound`.
  const retention* find_retention(const uuid& key, lsn bound) const;
  bool has_retention() const noexcept { return !retained_.empty(); }

  /// The first event after `after` that an item selects and that is to be seen, or 0. `types` are
  /// the numbers of the item's; empty: all.
  std::uint64_t first_match(std::span<const std::uint32_t> types,
                            std::span<const std::string_view> tags, std::uint64_t after,
                            const std::function<bool(std::uint64_t)>& sees) const;

 private:
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  struct retained {
    lsn place{};
    retention state{};
  };
  using numbers = std::vector<std::uint32_t>;  // of events, ascending

  std::shared_ptr<segment> file_;
  std::deque<recent_stream> streams_{};
  std::unordered_map<uuid, std::uint32_t> by_key_{};
  std::deque<event_entry> events_{};
  std::unordered_map<std::uint32_t, numbers> of_type_{};
  std::unordered_map<std::string, numbers, text_hash, std::equal_to<>> of_tag_{};
  std::unordered_map<uuid, command_entry> commands_{};
  std::unordered_map<uuid, std::vector<retained>> retained_{};
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
