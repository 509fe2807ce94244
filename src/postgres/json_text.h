#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace annals {
inline namespace v1 {
namespace postgres {

/// True when `text` is one JSON document as RFC 8259 has it, in UTF-8, and no deeper than
/// limits::json_depth: what a column of type json takes.
bool is_json(std::string_view text) noexcept;

/// What in a well-formed document a column of type jsonb refuses: the escape \u0000, or half of a
/// surrogate pair; empty where there is neither.
std::string_view refused_by_jsonb(std::string_view document) noexcept;

/// Appends a text in quotes; it must be UTF-8.
void append_string(std::string& out, std::string_view text);
void append_base64(std::string& out, std::span<const std::byte> bytes);
/// False when `text` is no base64.
bool read_base64(std::string_view text, std::string& out);

/// Walks a JSON document that is known to be well-formed, as the server gives it back.
class json_walk {
 public:
  explicit json_walk(std::string_view document) noexcept : rest_(document) {}

  /// Passes over blanks and this character; false when another one stands there.
  bool take(char wanted) noexcept;
  /// Reads a string, without its escapes.
  std::string string();
  /// Passes over a value and answers it as it stands.
  std::string_view value() noexcept;
  /// Everything that is left.
  std::string_view rest() const noexcept { return rest_; }

 private:
  void skip_blanks() noexcept;
  std::size_t string_end(std::size_t at) const noexcept;

  std::string_view rest_;
};

}  // namespace postgres
}  // namespace v1
}  // namespace annals
