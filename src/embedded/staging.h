#pragma once

#include "annals/requests.h"
#include "commit_log.h"
#include "draft.h"
#include "log_index.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Puts a checked append into the log and the index: names, dictionary entries, command, context
/// and events, in one frame. With the log's mutex held and room assured. An import keeps its
/// readings. `sealed` are what the sealed segments tell of the draft's streams that no recent one
/// has; empty: nothing of any.
appended stage_append(commit_log& log, log_index& index, append_draft& draft,
                      std::span<const std::optional<stream_head>> sealed, frame_kind kind,
                      hlc received);

/// Puts the new retention of a stream into the log and the index; where asked for, into what the
/// segment holds back.
void stage_retention(commit_log& log, log_index& index, const stream_head& of,
                     const retention& kept, bool held_back);
inline constexpr std::size_t retention_frame_bytes = sizeof(frame_header) + sizeof(retention_item);

/// Likewise the first frame of this process; `repaired` describes what recovery dropped.
void stage_opened(commit_log& log, const std::optional<repair_item>& repaired, bool held_back);
inline constexpr std::size_t opened_frame_bytes = sizeof(frame_header) + sizeof(repair_item);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
