#include "annals/json/event_lines.h"

#include "annals/limits.h"
#include "export_line.h"

namespace annals {
inline namespace v1 {
namespace json {

result<void> event_lines::read(std::string_view text) {
  std::size_t number = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (read_.size() == limits::events_per_append)
      return fail(errc::limit_exceeded, "line " + std::to_string(number) +
                                            ": more events than limits::events_per_append (" +
                                            std::to_string(limits::events_per_append) + ")");
    export_line parsed;
    if (auto read = read_line(line, parsed, decoded_, line_form::to_append); !read)
      return fail(read.error().code(),
                  "line " + std::to_string(number) + ": " + read.error().message());
    read_.push_back({parsed.event.event, std::move(parsed.tags)});
  }
  return {};
}

std::vector<new_event> event_lines::events(std::span<const std::string_view> more_tags) {
  std::vector<new_event> events;
  for (auto& one : read_) {
    one.tags.insert(one.tags.end(), more_tags.begin(), more_tags.end());
    events.push_back(one.event);
    events.back().tags = one.tags;
  }
  return events;
}

}  // namespace json
}  // namespace v1
}  // namespace annals
