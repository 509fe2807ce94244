#pragma once

#include <emmintrin.h>

#include <bit>

namespace annals {
inline namespace v1 {
namespace json {

/// The first byte from `at` on that is no plain character of a string: a quote, a backslash, a
/// control character, or one of a character beyond ASCII; `end` when there is none.
///
/// Cost:    16 bytes at a time, one at a time in the last 15 before `end`.
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

}  // namespace json
}  // namespace v1
}  // namespace annals
