#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "annals/engine.h"
#include "format.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// A dictionary of the store: texts numbered from 1 in the order of their first use.
class dictionary {
 public:
  /// 0 when it is not there.
  std::uint32_t number_of(std::string_view text) const;
  std::uint32_t add(std::string_view text);
  std::uint32_t next() const noexcept { return static_cast<std::uint32_t>(texts_.size()) + 1; }
  /// Lives as long as the dictionary. Number 0 is the empty text.
  std::string_view text_of(std::uint32_t number) const;

 private:
  std::deque<std::string> texts_{};
  std::unordered_map<std::string_view, std::uint32_t> numbers_{};
};

/// What the index knows of a stream. Entries never move and are never removed; name, key,
/// aggregate id and category never change and may be read without the mutex.
struct stream_entry {
  std::string name{};
  uuid key{};
  uuid aggregate_id{};
  std::uint32_t category = 0;
  std::uint32_t number = 0;                ///< its place in the index
  std::vector<std::uint64_t> sequences{};  ///< of version 1, 2, …; staged ones included
  retention kept{};                        ///< what reads obey
  retention staged{};                      ///< what appends obey

  version newest() const noexcept { return {sequences.size()}; }
  /// How many of its events are at or before a sequence.
  version newest_at(std::uint64_t sequence) const noexcept;
  std::uint64_t last_sequence() const noexcept { return sequences.empty() ? 0 : sequences.back(); }
};

struct event_entry {
  lsn place{};  // of the item
  uuid id{};
  hlc recorded{};
  std::uint32_t type = 0;
  std::uint32_t stream = 0;
};

struct command_entry {
  appended result{};
  uuid digest{};
  const stream_entry* stream = nullptr;  // null: none was listed
  lsn place{};                           // of the frame
};

/// Everything that is known without reading the log. In memory, some 40 bytes per event and 300 per
/// stream; rebuilt from the log on opening. Staged events are in it: readers stop at the durable
/// sequence.
///
/// Threads: under the mutex of the log.
class log_index {
 public:
  dictionary types{};
  dictionary categories{};

  stream_entry* find(const uuid& key);
  stream_entry& add_stream(const uuid& key, std::string_view name, std::uint32_t category);
  stream_entry& stream(std::uint32_t number) { return streams_[number]; }
  std::size_t streams() const noexcept { return streams_.size(); }

  /// Adds the next event; `tags` as for_each_tag gives them.
  void add_event(stream_entry& to, const event_entry& event);
  void add_tag(std::string_view tag, std::uint64_t sequence) {
    tags_[std::string(tag)].push_back(sequence);
  }
  const event_entry& event(std::uint64_t sequence) const { return events_[sequence - 1]; }
  std::uint64_t events() const noexcept { return events_.size(); }
  const stream_entry& stream_of(const event_entry& event) const { return streams_[event.stream]; }

  const command_entry* find_command(const uuid& id) const;
  void add_command(const uuid& id, const command_entry& command) { commands_.emplace(id, command); }

  /// True when retention hides an event; `newest` is what counts as the stream's newest version.
  bool hides(std::uint64_t sequence, version newest, time_point now) const;
  /// The first version of a stream that retention does not hide, of versions 1 to `newest`.
  version first_kept(const stream_entry& stream, version newest, time_point now) const;

  /// The first event after `after` that the query selects and a reader would see, or 0.
  std::uint64_t first_match(const query& selects, std::uint64_t after, time_point now) const;

 private:
  using visible = std::function<bool(std::uint64_t)>;
  std::uint64_t first_visible(std::uint64_t after, const visible& sees) const;
  std::uint64_t first_match(const query_item& item, std::uint64_t after, const visible& sees) const;
  std::uint64_t first_of_types(const std::vector<std::uint32_t>& types, std::uint64_t after,
                               const visible& sees) const;

  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };

  std::deque<stream_entry> streams_{};
  std::unordered_map<uuid, std::uint32_t> by_key_{};
  std::deque<event_entry> events_{};             // by sequence, from 1
  std::vector<std::uint64_t> newest_of_type_{};  // by type number
  std::unordered_map<std::string, std::vector<std::uint64_t>, text_hash, std::equal_to<>> tags_{};
  std::unordered_map<uuid, command_entry> commands_{};
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
