#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "annals/engine.h"
#include "recent_segment.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// What the newest event of a stream tells of it.
struct stream_head {
  uuid key{};
  std::string name{};
  lsn name_place{};
  std::uint32_t category = 0;
  version newest{};
  lsn last{};  ///< its newest event
  std::uint64_t last_sequence = 0;
  uuid last_id{};
  retention kept{};
  bool known = true;  ///< false: name, last_sequence, last_id and kept were not looked up
};

/// The sealed segments that have index files, and those: nothing of it is in memory but what was
/// mapped. Immutable; another one takes its place when a segment has been indexed.
///
/// Errors:  every call that looks something up may answer store_corrupt and database_error.
/// Threads: any.
class sealed_log {
 public:
  std::uint64_t segments() const noexcept { return 0; }
  std::uint64_t last_sequence() const noexcept { return 0; }
  bool empty() const noexcept { return segments() == 0; }
  bool has_retention() const noexcept { return false; }

  result<std::optional<stream_head>> find_stream(const uuid&) const {
    return std::optional<stream_head>{};
  }
  result<std::optional<command_entry>> find_command(const uuid&) const {
    return std::optional<command_entry>{};
  }
  result<std::optional<retention>> find_retention(const uuid&) const {
    return std::optional<retention>{};
  }
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
