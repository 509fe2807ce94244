#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "annals/store.h"

/// The five calls of a plain event store, by aggregate id: all that a program needs which brings
/// its own encoding and its own loop. Streams are named `category-id`, or by the bare id when no
/// category is given.
///
/// Threads: as event_store; all of them block.
namespace annals {
inline namespace v1 {

/// Appends events to an aggregate that is at `expected` (0: not there yet); answers its new
/// version.
///
/// Errors:  version_conflict, with expected and actual version; as event_store::append.
result<version> append_events(event_store& store, const uuid& aggregate_id, version expected,
                              std::span<const new_event> events, std::string_view category = {});

/// All events of an aggregate, oldest first.
///
/// Errors:  aggregate_not_found when it has none; history_truncated when retention removed some.
result<std::vector<event_record>> load_events(event_store& store, const uuid& aggregate_id,
                                              std::string_view category = {});

/// The events with versions `from` to `to`, both included; fewer where the stream ends before.
///
/// Errors:  aggregate_not_found when it has no events at all; history_truncated when retention
///          removed some of the range; invalid_argument when `from` is 0 or after `to`.
result<std::vector<event_record>> load_events_range(event_store& store, const uuid& aggregate_id,
                                                    version from, version to,
                                                    std::string_view category = {});

/// Keeps a state of an aggregate at a version it has reached, under shape 0.
///
/// Errors:  aggregate_not_found, invalid_argument, limit_exceeded.
result<void> save_snapshot(event_store& store, const uuid& aggregate_id, version at_version,
                           std::span<const std::byte> state, std::string_view category = {});

/// The newest snapshot under shape 0 with its version, or none.
result<std::optional<std::pair<version, std::vector<std::byte>>>> load_snapshot(
    event_store& store, const uuid& aggregate_id, std::string_view category = {});

}  // namespace v1
}  // namespace annals
