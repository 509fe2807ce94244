#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "annals/event.h"

/// What goes into the calls of an event_store and what comes out. Requests are borrowed: what they
/// point to lives until the call returns, by then the engine has taken what it needs.
namespace annals {
inline namespace v1 {

/// What a writer believes of a stream.
class expect {
 public:
  enum class kind : std::uint8_t { any, none, exists, at };

  static constexpr expect any() noexcept { return {kind::any, {}}; }
  static constexpr expect none() noexcept { return {kind::none, {}}; }
  static constexpr expect exists() noexcept { return {kind::exists, {}}; }
  static constexpr expect at(version v) noexcept { return {kind::at, v}; }

  constexpr kind what() const noexcept { return kind_; }
  constexpr annals::version version() const noexcept { return version_; }
  /// True when a stream at `actual` is as expected. at(0) is the same as none.
  constexpr bool holds(annals::version actual) const noexcept {
    switch (kind_) {
      case kind::any: return true;
      case kind::none: return actual.number == 0;
      case kind::exists: return actual.number != 0;
      case kind::at: return actual == version_;
    }
    return false;
  }
  /// "any", "none", "exists", "at(3)".
  std::string to_string() const;

 private:
  constexpr expect(kind k, annals::version v) noexcept : kind_(k), version_(v) {}
  kind kind_;
  annals::version version_;
};

/// Events for one stream. With `events` empty it only checks the expectation.
struct stream_write {
  std::string_view name{};
  expect expected = expect::any();
  std::span<const new_event> events{};
};

/// Selects events with one of the types (all types when empty) and all of the tags.
struct query_item {
  std::span<const std::string_view> types{};
  std::span<const std::string_view> tags{};
};

/// Selects the events that one of its items selects; with no items, every event.
struct query {
  std::span<const query_item> items{};
};

/// "Fail if an event matching this query exists after this checkpoint" (the Dynamic Consistency
/// Boundary). After the start: "fail if any exists".
struct append_condition {
  query matching{};
  checkpoint after{};
};

/// Given once per append, not per event.
struct append_context {
  uuid command_id{};      ///< nil: none. A known one answers with the first result.
  uuid command_digest{};  ///< nil: the store digests the request. See docs/consistency.md.
  uuid correlation_id{};  ///< nil: none
  uuid causation_id{};    ///< nil: none
  hlc received{};         ///< the latest clock reading the writer has seen from elsewhere
  trace_context trace{};
  std::string_view tracestate{};
  std::span<const std::byte> user_metadata{};  ///< never interpreted
};

struct append_request {
  std::span<const stream_write> streams{};
  std::span<const append_condition> unless{};
  append_context context{};
};
static_assert(std::is_trivially_destructible_v<append_request>);

struct appended {
  position first{};  ///< of the first event; sequence 0 when the append had none
  position last{};
  annals::version stream_version{};  ///< of the first stream listed, after the append
  bool already_applied = false;
};

/// What a store remembers of a command id.
struct command_record {
  appended result{};
  uuid digest{};
  std::string stream{};  ///< the first stream listed by the append that carried it
};

enum class direction : std::uint8_t { forwards, backwards };
enum class flow : std::uint8_t { more, stop };

/// Selects events by category and query; empty parts select everything.
struct read_filter {
  std::span<const std::string_view> categories{};
  query matching{};
};

/// A stored state, borrowed.
struct snapshot_view {
  annals::version version{};
  uuid last_event{};  ///< the last event folded
  std::uint64_t shape = 0;
  std::span<const std::byte> state{};
};

/// "Start from the newest snapshot of this shape." `accept` sees it before any event; when it
/// answers false (unreadable, stale), the read starts where it would without.
struct from_snapshot {
  std::uint64_t shape = 0;
  std::move_only_function<bool(const snapshot_view&)>* accept = nullptr;
};

/// What to read. With a stream name, versions `from` to `to`, both included; without, the whole
/// store after a checkpoint, or positions `first` to `last` of every partition, both included.
struct read_request {
  std::string_view stream{};
  version from{1};
  version to = version::max();
  from_snapshot snapshot{};  ///< stream reads only

  checkpoint after{};
  std::uint64_t first = 1;
  std::uint64_t last = UINT64_MAX;

  read_filter filter{};
  annals::direction direction = direction::forwards;
  std::uint64_t limit = UINT64_MAX;  ///< events delivered
};

/// Some events of a read, in order, and how far the read has come: everything that matches up to
/// and including `scanned_to` was delivered. `events` may be empty in a sparse filtered read.
struct event_batch {
  std::span<const event_view> events{};
  checkpoint scanned_to{};
};

using sink = std::move_only_function<flow(const event_batch&)>;

/// How a read ended.
struct read_end {
  checkpoint scanned_to{};  ///< whole-store forward reads; else what the store held at the start
  std::uint64_t delivered = 0;  ///< events handed to the sink
  std::uint64_t removed = 0;    ///< events in range that retention has removed
  annals::version
      stream_version{};   ///< stream reads: the newest version, 0 for a stream never written
  version first_kept{1};  ///< stream reads: the first version that retention left
  bool gone = false;      ///< stream reads: the stream has a tombstone
  bool complete = true;   ///< false when the sink or the limit stopped it
};

template <class T>
using completion = std::move_only_function<void(result<T>)>;

/// A snapshot to be saved, borrowed. `version` must be reached by the stream.
struct snapshot_write {
  std::string_view stream{};
  std::uint64_t shape = 0;
  annals::version version{};
  uuid last_event{};
  std::span<const std::byte> state{};
};

/// A stored snapshot, owned.
struct snapshot {
  annals::version version{};
  uuid last_event{};
  std::uint64_t shape = 0;
  std::vector<std::byte> state{};
};

/// What to change of a stream's retention; parts without value stay as they are.
struct retention_change {
  std::optional<version> truncate_before{};  ///< versions below are removed; never goes back
  std::optional<bool> tombstone{};           ///< false lifts it: versions go on where they ended
  std::optional<std::chrono::microseconds> max_age{};  ///< by recorded time; zero lifts it
  std::optional<std::uint64_t> max_count{};            ///< newest events kept; zero lifts it
};

struct stream_info {
  std::string name{};
  uuid key{};
  annals::version version{};
  annals::version first_kept{1};
  position last{};  ///< of the newest event
  bool gone = false;
};

/// Which streams to list: in bytewise order of names, after a name, with a category and a prefix.
struct list_request {
  std::optional<std::string_view> category{};
  std::string_view prefix{};
  std::string_view after{};
  std::size_t limit = 1'000;  ///< names; at most limits::streams_per_page
};

/// How an acknowledged append is kept.
enum class durability : std::uint8_t {
  power_loss,  ///< on disk before it is acknowledged
  os,          ///< with the operating system; lost at power loss
  memory,      ///< gone with the process
};

/// What a store is and what it refuses.
struct store_info {
  uuid store_id{};
  std::string engine{};
  std::string address{};
  std::uint32_t partitions = 1;
  annals::durability durability = durability::memory;
  bool multi_stream_appends = true;
  bool append_conditions = true;
};

}  // namespace v1
}  // namespace annals
