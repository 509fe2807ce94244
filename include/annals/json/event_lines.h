#pragma once

#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "annals/event.h"

namespace annals {
inline namespace v1 {
namespace json {

/// Events to be appended, as lines of JSON: {"type":…,"data":…} and, where wanted, "schema",
/// "event_id", "timestamp", "tags", "genesis"; "data_base64" in place of "data" for bytes. A
/// document in "data" is kept as it stands.
///
/// Threads: one.
/// Source:  docs/cli.md, "annals append".
class event_lines {
 public:
  /// Reads all lines; blank ones are passed over. `text` must live as long as the events are used.
  ///
  /// Errors:  malformed_input with the line and what is wrong with it; limit_exceeded for a depth
  ///          over limits::json_depth or more than limits::events_per_append lines.
  result<void> read(std::string_view text);

  /// What was read, borrowed from here; each event gets these tags beside its own.
  std::vector<new_event> events(std::span<const std::string_view> more_tags = {});

 private:
  struct entry {
    new_event event{};
    std::vector<std::string_view> tags{};
  };
  std::vector<entry> read_{};
  std::deque<std::string> decoded_{};
};

}  // namespace json
}  // namespace v1
}  // namespace annals
