#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "annals/result.h"

namespace annals {
inline namespace v1 {

/// Parses a decimal number in plain notation ("-12.5", no exponent, no blanks) into units of
/// 10^-places, exactly.
///
/// Errors:  invalid_argument for another form, more decimals than `places` (trailing zeros too), or
///          a value outside 64 bits.
result<std::int64_t> parse_decimal(std::string_view text, int places);
/// Prints units of 10^-places in the shortest exact form: "12.5", "-0.001", "7".
std::string print_decimal(std::int64_t units, int places);

/// An exact decimal number: a 64-bit count of 10^-Places. In JSON a number in canonical text, never
/// passed through a double.
///
/// Units:   10^-Places; ± 9.2e18 of them. Arithmetic outside that range is a bug: check first with
///          `checked_add` and `checked_multiply` where input decides the size.
template <int Places>
  requires(Places >= 0 && Places <= 18)
struct decimal {
  std::int64_t units = 0;

  static constexpr int places = Places;
  static result<decimal> parse(std::string_view text) {
    auto units = parse_decimal(text, Places);
    if (!units) return std::unexpected(units.error());
    return decimal{*units};
  }
  std::string to_string() const { return print_decimal(units, Places); }

  friend constexpr auto operator<=>(decimal, decimal) noexcept = default;
  friend constexpr decimal operator+(decimal a, decimal b) noexcept { return {a.units + b.units}; }
  friend constexpr decimal operator-(decimal a, decimal b) noexcept { return {a.units - b.units}; }
  friend constexpr decimal operator-(decimal a) noexcept { return {-a.units}; }
  friend constexpr decimal operator*(decimal a, std::int64_t n) noexcept { return {a.units * n}; }
  constexpr decimal& operator+=(decimal other) noexcept { return *this = *this + other; }
  constexpr decimal& operator-=(decimal other) noexcept { return *this = *this - other; }

  /// False, with `sum` unchanged, when the sum leaves the range.
  friend constexpr bool checked_add(decimal a, decimal b, decimal& sum) noexcept {
    std::int64_t exact = 0;
    if (__builtin_add_overflow(a.units, b.units, &exact)) return false;
    sum.units = exact;
    return true;
  }
  /// False, with `product` unchanged, when the product leaves the range.
  friend constexpr bool checked_multiply(decimal a, std::int64_t n, decimal& product) noexcept {
    std::int64_t exact = 0;
    if (__builtin_mul_overflow(a.units, n, &exact)) return false;
    product.units = exact;
    return true;
  }
};

}  // namespace v1
}  // namespace annals
