#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "frame.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// A number of each place, so that sums of them tell sets of places apart, but for a chance of
/// 2^-64.
///
/// Source:  the finalizer of SplitMix64.
constexpr std::uint64_t place_mark(std::uint64_t place) noexcept {
  place = (place ^ place >> 30U) * 0xbf58476d1ce4e5b9U;
  place = (place ^ place >> 27U) * 0x94d049bb133111ebU;
  return place ^ place >> 31U;
}

/// How far a stream has come at some place of the log.
struct stream_end {
  std::uint64_t version = 0;  ///< 0: named, without events
  lsn last{};                 ///< its newest event
  lsn name{};                 ///< its name item
  std::uint32_t category = 0;

  friend bool operator==(const stream_end&, const stream_end&) = default;
};

/// What contradicts something that stands before it.
struct contradiction {
  lsn place{};  ///< of its frame
  std::string what{};
};

/// Goes through the frames of one segment, and holds each against those before it in the same
/// segment. What they say of the segments before is taken down: log_join holds it against those.
///
/// Units:   some 150 bytes per stream of the segment, 50 per command; nothing per event.
/// Threads: one.
class segment_replay {
 public:
  explicit segment_replay(std::uint64_t number) : number_(number) {}

  /// Takes in a checked frame. Answers what contradicts, in words; of no use after that.
  std::optional<std::string> enter(const frame_view& frame);

  /// How the segment begins to speak of a stream.
  enum class origin : std::uint8_t {
    named,     ///< by its name: it has no events before
    begins,    ///< by its first event, whose name stands before
    goes_on,   ///< by an event that is not its first
    retained,  ///< by a change of retention
  };
  struct stream {
    stream_end before{};  ///< what stands before the segment, as that says
    stream_end now{};
    lsn first{};  ///< frame that begins to speak of it
    origin from{};
    std::uint64_t marks = 0;  ///< sum of place_mark over its events here

    bool has_events() const noexcept { return now.version != before.version; }
  };
  using stream_map = std::unordered_map<uuid, stream>;
  const stream_map& streams() const noexcept { return streams_; }
  const std::unordered_map<uuid, lsn>& commands() const noexcept { return commands_; }
  /// Streams without events that a command names; the names stand before. With the frames.
  const std::vector<std::pair<uuid, lsn>>& mentioned() const noexcept { return mentioned_; }
  /// Streams whose retention changes, with the newest frame that does it.
  const std::unordered_map<uuid, lsn>& retained() const noexcept { return retained_; }

  /// What the segment adds to a dictionary, and what it uses of those before it.
  struct texts {
    std::uint32_t first = 0;  ///< number of the first one added; 0: none is
    lsn first_place{};
    std::vector<std::string> added{};
    std::uint32_t used = 0;  ///< the greatest number that stands before
    lsn used_place{};        ///< the first frame that uses it
  };
  const texts& types() const noexcept { return types_; }
  const texts& categories() const noexcept { return categories_; }
  const uuid& last_event() const noexcept { return last_event_; }

  /// Forgets all streams and commands but these streams.
  void keep(stream_map streams) {
    streams_ = std::move(streams);
    commands_ = {};
    retained_ = {};
  }

 private:
  friend class frame_entry;

  std::uint64_t number_;
  stream_map streams_{};
  std::unordered_map<uuid, lsn> commands_{};
  std::unordered_map<uuid, lsn> retained_{};
  std::vector<std::pair<uuid, lsn>> mentioned_{};
  texts types_{};
  texts categories_{};
  uuid last_event_{};
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
