#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "annals/history.h"
#include "annals/result.h"

namespace annals {
inline namespace v1 {
namespace json {

enum class line_kind : std::uint8_t { header, event, append, retention, end };

/// What an append's first line says of it.
struct told_append {
  std::uint64_t events = 0;
  append_context context{};
  std::string_view stream{};
};

/// One line of an export. Text is borrowed from the line, or from `decoded` where it had escapes.
struct export_line {
  line_kind kind = line_kind::event;
  imported_event event{};  ///< its tags stand in `tags`
  std::vector<std::string_view> tags{};
  bool tells_append = false;
  told_append append{};
  retained_stream retained{};
  uuid store_id{};           ///< of a header
  std::uint64_t events = 0;  ///< of the end
  std::uint64_t lines = 0;   ///< of the end
};

/// Where text goes that does not stand in a line as it is meant.
using decoded_texts = std::deque<std::string>;

/// Reads an event's line as export_writer writes it. False for all others; read_line decides then,
/// and this never accepts what that one refuses.
bool read_canonical_event(std::string_view line, export_line& out, decoded_texts& decoded);

/// What a line is for: an export, or events to be appended, which have less.
enum class line_form : std::uint8_t { exported, to_append };

/// Reads any line.
///
/// Errors:  malformed_input, with what is wrong, where in the line; limit_exceeded for its depth.
result<void> read_line(std::string_view line, export_line& out, decoded_texts& decoded,
                       line_form form = line_form::exported);

}  // namespace json
}  // namespace v1
}  // namespace annals
