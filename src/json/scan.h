#pragma once

#include <emmintrin.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace annals {
inline namespace v1 {
namespace json {

/// The first byte from `at` on that is no plain character of a string: a quote, a backslash, a
/// control character, or one of a character beyond ASCII; `end` when there is none.
inline const char* skip_plain(const char* at, const char* end) noexcept {
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    // As signed bytes, those beyond ASCII are below the blank too.
    const __m128i stops = _mm_or_si128(_mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)),
                                       _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                                    _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(stops));
    if (mask != 0) return at + std::countr_zero(mask);
  }
  for (; at != end; ++at) {
    const auto c = static_cast<unsigned char>(*at);
    if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') return at;
  }
  return end;
}

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
