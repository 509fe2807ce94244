#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "manifest.h"
#include "recovery.h"
#include "verify.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// A stretch of a segment.
struct stretch {
  std::uint64_t segment = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;  ///< offset behind it
};

/// What a log is, read from its beginning to its first damage, and what is readable behind that.
struct surveyed_log {
  std::vector<std::uint64_t> numbers{};  ///< of the segments that are there, ascending
  std::uint64_t sealed = 0;             ///< segments from 1 on, whole and sealed, before any damage
  segment_end end{};                    ///< of the last of those
  std::uint64_t clock = 0;              ///< latest reading in them
  std::uint64_t capacity = 0;           ///< of the last of those; 0: there is none
  std::vector<stretch> behind_seals{};  ///< bytes that are not zero there
  lsn last{};                           ///< behind the last frame before any damage
  std::uint64_t last_sequence = 0;      ///< of the events before that
  std::optional<log_loss> loss{};       ///< when it is damaged
  stretch cut{};                        ///< then, from the first damage to the last byte in it
  std::string manifest_problem{};       ///< what contradicts the log; empty: nothing
};

/// Reads a whole log. `known` is its manifest, when that is to be had.
///
/// Errors:  store_too_new, database_error. Damage is not an error of the call.
/// Units:   memory: a window of 1 MiB, or the largest frame; 100 bytes per stream and 40 per
///          command of the log, and some 200 per stream and command of one segment; 200 per stream
///          that has events behind damage. Nothing per event.
result<surveyed_log> survey_log(const store_directory& directory, const manifest* known,
                                const progress_function& progress, env& environment);

/// Words for damage: where, what, and which positions are affected.
std::string describe(const log_loss& loss);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
