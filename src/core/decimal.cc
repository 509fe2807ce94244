#include "annals/decimal.h"

#include <array>
#include <cstddef>

namespace annals {
inline namespace v1 {
namespace {

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

std::unexpected<error> not_decimal(std::string_view text, std::string_view why) {
  return fail(errc::invalid_argument, "'" + std::string(text.substr(0, 64)) +
                                          "' is not an exact decimal number: " + std::string(why));
}

/// Appends a digit to a negative number; false when it leaves 64 bits. Negative numbers reach one
/// further than positive ones, so the sign is put on last.
bool append_digit(std::int64_t& negative, char digit) noexcept {
  return !__builtin_mul_overflow(negative, 10, &negative) &&
         !__builtin_sub_overflow(negative, digit - '0', &negative);
}

}  // namespace

result<std::int64_t> parse_decimal(std::string_view text, int places) {
  std::string_view rest = text;
  const bool minus = rest.starts_with('-');
  if (minus) rest.remove_prefix(1);
  const auto point = rest.find('.');
  const auto whole = rest.substr(0, point);
  const auto fraction =
      point == std::string_view::npos ? std::string_view{} : rest.substr(point + 1);
  if (whole.empty() || (point != std::string_view::npos && fraction.empty()))
    return not_decimal(text, "expected digits, and digits after a point");
  if (fraction.size() > static_cast<std::size_t>(places))
    return not_decimal(text, "more than " + std::to_string(places) + " decimals");

  std::int64_t negative = 0;
  bool in_range = true;
  for (const auto part : {whole, fraction})
    for (const char c : part) {
      if (!is_digit(c)) return not_decimal(text, "only digits, one point and a leading '-'");
      in_range = in_range && append_digit(negative, c);
    }
  for (auto i = fraction.size(); i < static_cast<std::size_t>(places); ++i)
    in_range = in_range && append_digit(negative, '0');
  if (!in_range || (!minus && negative == INT64_MIN)) return not_decimal(text, "outside 64 bits");
  return minus ? negative : -negative;
}

std::string print_decimal(std::int64_t units, int places) {
  std::array<char, 24> reversed{};  // 19 digits, point, sign
  std::size_t size = 0;
  auto rest = units < 0 ? 0 - static_cast<std::uint64_t>(units) : static_cast<std::uint64_t>(units);
  for (int place = 0; place < places || rest != 0 || place == places; ++place) {
    const char digit = static_cast<char>('0' + rest % 10);
    rest /= 10;
    if (place == places && size != 0) reversed[size++] = '.';
    if (place < places && size == 0 && digit == '0') continue;  // trailing zero of the fraction
    reversed[size++] = digit;
  }
  if (units < 0) reversed[size++] = '-';
  return {reversed.rend() - static_cast<std::ptrdiff_t>(size), reversed.rend()};
}

}  // namespace v1
}  // namespace annals
