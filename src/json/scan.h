#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "annals/json/plain.h"

namespace annals {
inline namespace v1 {
namespace json {

/// True for text that stands between quotes as it is.
inline bool is_plain(std::string_view text) noexcept {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  return skip_plain(begin, end) == end;
}

/// The bytes of the well-formed UTF-8 character at `at`, which is not ASCII; 0 when there is none.
std::size_t wide_character(const char* at, const char* end) noexcept;

/// The bytes of the escape at `at` (a backslash), both halves of a surrogate pair included; 0 when
/// it is none. Where `out` is given, the character is appended to it in UTF-8.
std::size_t escape(const char* at, const char* end, std::string* out);

/// The text of a string between its quotes, unescaped. It must be well-formed.
std::string unescaped(std::string_view between_quotes);

inline const char* skip_digits(const char* at, const char* end) noexcept {
  while (at != end && *at >= '0' && *at <= '9') ++at;
  return at;
}

/// The bytes of the number at `at`, by JSON's grammar; 0 when there is none.
inline std::size_t number(const char* at, const char* end) noexcept {
  const char* const begin = at;
  if (at != end && *at == '-') ++at;
  const char* const whole = at;
  at = skip_digits(at, end);
  if (at == whole || (*whole == '0' && at - whole > 1)) return 0;
  if (at != end && *at == '.') {
    const char* const fraction = at + 1;
    at = skip_digits(fraction, end);
    if (at == fraction) return 0;
  }
  if (at != end && (*at == 'e' || *at == 'E')) {
    ++at;
    if (at != end && (*at == '+' || *at == '-')) ++at;
    const char* const exponent = at;
    at = skip_digits(exponent, end);
    if (at == exponent) return 0;
  }
  return static_cast<std::size_t>(at - begin);
}

}  // namespace json
}  // namespace v1
}  // namespace annals
