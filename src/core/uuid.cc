#include "annals/uuid.h"

#include <emmintrin.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "sha1.h"

namespace annals {
inline namespace v1 {
namespace {

constexpr std::string_view digits = "0123456789abcdef";

constexpr bool hyphen_at(std::size_t i) noexcept {
  return i == 8 || i == 13 || i == 18 || i == 23;
}

/// Where the two digits of each byte stand.
constexpr auto digit_places = [] {
  std::array<std::uint8_t, 16> places{};
  std::uint8_t at = 0;
  for (auto& place : places) {
    if (hyphen_at(at)) ++at;
    place = at;
    at = static_cast<std::uint8_t>(at + 2);
  }
  return places;
}();

std::uint64_t four(const char* at) noexcept {
  std::uint32_t characters = 0;
  std::memcpy(&characters, at, sizeof characters);
  return characters;
}

__m128i sixteen(std::uint64_t first, std::uint64_t last) noexcept {
  return _mm_set_epi64x(static_cast<std::int64_t>(last), static_cast<std::int64_t>(first));
}

/// Which bytes are at most `most`, without sign.
__m128i at_most(__m128i bytes, char most) noexcept {
  return _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(most)), bytes);
}

/// The values of 16 digits, one in each byte. `good` loses the bits of those that are none.
__m128i values_of(__m128i text, __m128i& good) noexcept {
  const __m128i number = _mm_sub_epi8(text, _mm_set1_epi8('0'));
  const __m128i letter = _mm_sub_epi8(text, _mm_set1_epi8('a'));
  const __m128i is_number = at_most(number, 9);
  const __m128i is_letter = at_most(letter, 5);
  good = _mm_and_si128(good, _mm_or_si128(is_number, is_letter));
  return _mm_or_si128(_mm_and_si128(number, is_number),
                      _mm_and_si128(_mm_add_epi8(letter, _mm_set1_epi8(10)), is_letter));
}

/// The bytes that pairs of values make, each in the lower half of its pair.
__m128i joined(__m128i values) noexcept {
  const __m128i both = _mm_or_si128(_mm_slli_epi16(values, 4), _mm_srli_epi16(values, 8));
  return _mm_and_si128(both, _mm_set1_epi16(0xff));
}

/// The identity that 36 characters spell; false when they spell none.
bool read_canonical(std::string_view characters, uuid& out) noexcept {
  const char* const text = characters.data();
  if (text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-') return false;
  __m128i good = _mm_set1_epi8(-1);
  const __m128i front = values_of(
      sixteen(four(text) | four(text + 4) << 32U, four(text + 9) | four(text + 14) << 32U), good);
  const __m128i back = values_of(
      sixteen(four(text + 19) | four(text + 24) << 32U, four(text + 28) | four(text + 32) << 32U),
      good);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out.bytes.data()),
                   _mm_packus_epi16(joined(front), joined(back)));
  return _mm_movemask_epi8(good) == 0xffff;
}

uuid with_version(uuid id, int version) noexcept {
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | (version << 4));
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);  // variant 10
  return id;
}

}  // namespace

std::optional<uuid> parse_canonical_uuid(std::string_view text) noexcept {
  uuid id;
  if (text.size() != 36 || !read_canonical(text, id)) return std::nullopt;
  return id;
}

bool is_canonical_uuid(std::string_view text) noexcept {
  return parse_canonical_uuid(text).has_value();
}

result<uuid> uuid::parse(std::string_view text) {
  if (const auto id = parse_canonical_uuid(text)) return *id;
  return fail(errc::invalid_argument,
              "'" + std::string(text.substr(0, 64)) +
                  "' is not a UUID in its canonical form (36 lower-case characters, as in "
                  "0197c2d0-7b1e-7000-8000-000000000001)");
}

void uuid::print_to(std::span<char, 36> out) const noexcept {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    out[digit_places[i]] = digits[bytes[i] >> 4U];
    out[digit_places[i] + 1U] = digits[bytes[i] & 15U];
  }
  out[8] = out[13] = out[18] = out[23] = '-';
}

std::string uuid::to_string() const {
  std::string text(36, '\0');
  print_to(std::span<char, 36>(text.data(), 36));
  return text;
}

uuid make_uuid_v4(std::span<const std::uint8_t, 16> random) noexcept {
  uuid id;
  std::ranges::copy(random, id.bytes.begin());
  return with_version(id, 4);
}

uuid make_uuid_v5(const uuid& name_space, std::string_view name) noexcept {
  const auto digest = sha1().add(std::as_bytes(std::span(name_space.bytes))).add(name).finish();
  uuid id;
  std::copy_n(digest.begin(), id.bytes.size(), id.bytes.begin());
  return with_version(id, 5);
}

uuid make_uuid_v7(std::chrono::milliseconds since_epoch,
                  std::span<const std::uint8_t, 10> random) noexcept {
  uuid id;
  const auto ms = static_cast<std::uint64_t>(since_epoch.count());
  for (std::size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
  std::ranges::copy(random, id.bytes.begin() + 6);
  return with_version(id, 7);
}

}  // namespace v1
}  // namespace annals
