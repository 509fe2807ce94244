#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace annals {
inline namespace v1 {
namespace json {

/// A number in canonical form, as it stands in a document: no leading zeros, no exponent.
struct canonical_number {
  std::string_view text{};
  bool minus = false;
  std::uint64_t units = 0;   ///< all digits, without sign and point; means something up to 19
  std::size_t digits = 0;    ///< of the whole number and of the fraction
  std::size_t fraction = 0;  ///< digits behind the point

  static constexpr std::size_t digits_that_fit = 18;  ///< any so many are in range of 64 bits
};

/// Takes digits up to the next other character and puts their value behind `units`.
inline std::size_t take_digits(const char*& at, const char* end, std::uint64_t& units) noexcept {
  const char* const begin = at;
  for (; at != end && *at >= '0' && *at <= '9'; ++at)
    units = units * 10 + static_cast<std::uint64_t>(*at - '0');
  return static_cast<std::size_t>(at - begin);
}

/// Takes the number at `at`. False where there is none in canonical form.
inline bool take_number(const char*& at, const char* end, canonical_number& out) noexcept {
  const char* const begin = at;
  out.minus = at != end && *at == '-';
  if (out.minus) ++at;
  const char* const whole = at;
  out.digits = take_digits(at, end, out.units);
  if (out.digits == 0 || (out.digits > 1 && *whole == '0')) return false;
  if (at != end && *at == '.') {
    ++at;
    out.fraction = take_digits(at, end, out.units);
    if (out.fraction == 0) return false;
    out.digits += out.fraction;
  }
  out.text = {begin, static_cast<std::size_t>(at - begin)};
  return true;
}

/// The integer that a number is. False where it is none, or none of that type.
template <class Integer>
bool to_integer(const canonical_number& from, Integer& out) noexcept {
  if (from.fraction != 0 || (from.minus && from.units == 0)) return false;
  if (from.digits > canonical_number::digits_that_fit) {
    const auto& text = from.text;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
    return read.ec == std::errc{} && read.ptr == text.data() + text.size();
  }
  const auto size = static_cast<std::int64_t>(from.units);
  const std::int64_t value = from.minus ? -size : size;
  out = static_cast<Integer>(value);
  return std::in_range<Integer>(value);
}

/// The decimal that a number is, exactly. False where it has more places, or does not fit.
template <class Decimal>
bool to_decimal(const canonical_number& from, Decimal& out) {
  constexpr std::size_t places = Decimal::places;
  constexpr auto powers_of_ten = [] {
    std::array<std::int64_t, places + 1> powers{1};
    for (std::size_t i = 1; i <= places; ++i) powers[i] = powers[i - 1] * 10;
    return powers;
  }();
  if (from.fraction > places) return false;
  const std::size_t missing = places - from.fraction;
  if (from.digits + missing > canonical_number::digits_that_fit) {
    const auto parsed = Decimal::parse(from.text);
    if (parsed) out = *parsed;
    return parsed.has_value();
  }
  const auto units = static_cast<std::int64_t>(from.units) * powers_of_ten[missing];
  out.units = from.minus ? -units : units;
  return true;
}

}  // namespace json
}  // namespace v1
}  // namespace annals
