#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "annals/engine.h"
#include "few.h"
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
  std::uint32_t number = 0;     ///< its place in the segment's index
  std::uint64_t before = 0;     ///< its version before this segment
  lsn previous{};               ///< of its event before this segment; 0: none
  few<std::uint32_t> events{};  ///< numbers in the segment, from 0; staged ones included

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
/// Threads: under the mutex of the log. Once the segment is sealed nothing is added, and what does
///          not change (what for_each_… gives out, but what a stream's `known` speaks of) may be
///          read without it.
class recent_segment {
 public:
  using numbers = std::vector<std::uint32_t>;  // of events, from 0, ascending

  explicit recent_segment(std::shared_ptr<segment> of) : file_(std::move(of)) {}

  const std::shared_ptr<segment>& file() const noexcept { return file_; }
  /// Puts another view of the same segment in the place of the one before.
  void set_file(std::shared_ptr<segment> of) { file_ = std::move(of); }
  std::uint64_t number() const noexcept { return file_->number(); }
  std::uint64_t first_sequence() const noexcept { return file_->header.first_sequence; }
  std::uint64_t last_sequence() const noexcept { return first_sequence() + events_.size() - 1; }
  const block_list<event_entry>& events() const noexcept { return events_; }

  recent_stream* find(const uuid& key);
  const recent_stream* find(const uuid& key) const;
  recent_stream& add_stream(const uuid& key);
  const block_list<recent_stream>& streams() const noexcept { return streams_; }
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
  void add_command(const uuid& id, const command_entry& entry);

  /// A new state of a stream's retention, and where its frame stands.
  void add_retention(const uuid& key, lsn place, const retention& state);
  /// The newest one whose frame stands before `bound`.
  const retention* find_retention(const uuid& key, lsn bound) const;
  bool has_retention() const noexcept { return !retained_.empty(); }

  /// A type or category that is first used in this segment; in the order of their numbers.
  void add_text(dictionary_kind kind, std::string_view text);
  const std::vector<std::string>& new_types() const noexcept { return new_types_; }
  const std::vector<std::string>& new_categories() const noexcept { return new_categories_; }

  template <class Take>  // a type's number, and the events of it
  void for_each_type(Take&& take) const {
    for (const auto& [type, events] : of_type_) take(type, events);
  }
  template <class Take>  // a tag, and the events that have it
  void for_each_tag(Take&& take) const {
    for (const auto& [tag, events] : of_tag_) take(std::string_view(tag), events);
  }
  template <class Take>  // a command's id, and the place of its frame
  void for_each_command(Take&& take) const {
    for (const auto& one : commands_) take(one.id, one.entry.place);
  }
  template <class Take>  // a stream's key, and the place of a frame that changes its retention
  void for_each_retention(Take&& take) const {
    for (const auto& [key, changes] : retained_)
      for (const auto& one : changes) take(key, one.place);
  }

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
  struct command {
    uuid id{};
    command_entry entry{};
  };
  template <class Value>
  using by_uuid = boost::unordered_flat_map<uuid, Value, std::hash<uuid>>;

  std::shared_ptr<segment> file_;
  block_list<recent_stream> streams_{};
  by_uuid<std::uint32_t> by_key_{};  // numbers of streams
  block_list<event_entry> events_{};
  boost::unordered_flat_map<std::uint32_t, numbers> of_type_{};
  boost::unordered_flat_map<std::string, numbers, text_hash, std::equal_to<>> of_tag_{};
  block_list<command> commands_{};
  by_uuid<std::uint32_t> by_command_{};  // numbers of commands
  by_uuid<std::vector<retained>> retained_{};
  std::vector<std::string> new_types_{};
  std::vector<std::string> new_categories_{};
};

/// Oldest first.
using recent_list = few<std::shared_ptr<recent_segment>>;

}  // namespace embedded
}  // namespace v1
}  // namespace annals
