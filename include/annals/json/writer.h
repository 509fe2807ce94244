#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace annals {
inline namespace v1 {
namespace json {

/// Writes a JSON document step by step, for the output of programs: separators are put in, strings
/// escaped, 64-bit integers exact.
///
/// Threads: one. What is written must be well-formed in its nesting: a bug otherwise, asserted.
class writer {
 public:
  writer& begin_object();
  writer& end_object();
  writer& begin_array();
  writer& end_array();
  writer& key(std::string_view name);

  writer& value(std::string_view text);
  writer& value(const char* text) { return value(std::string_view(text)); }
  writer& value(std::uint64_t number);
  writer& value(std::int64_t number);
  writer& value(bool truth);
  writer& null();
  /// JSON text as it is: a decimal number, or a document.
  writer& raw(std::string_view json);

  /// A member: key and value.
  template <class T>
  writer& member(std::string_view name, const T& content) {
    return key(name).value(content);
  }

  /// The document, once everything that was begun has ended.
  const std::string& text() const;
  void clear();

 private:
  void separate();

  std::string out_{};
  std::vector<char> open_{};  // closing brackets, innermost last
  bool first_ = true;         // nothing yet in the innermost
  bool after_key_ = false;
};

}  // namespace json
}  // namespace v1
}  // namespace annals
