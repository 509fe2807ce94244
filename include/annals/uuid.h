#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "annals/result.h"

namespace annals {
inline namespace v1 {

/// A universally unique identifier: 16 bytes in network order. The nil value means "none".
///
/// Source:  RFC 9562.
struct uuid {
  std::array<std::uint8_t, 16> bytes{};

  constexpr bool is_nil() const noexcept { return *this == uuid{}; }
  constexpr int version() const noexcept { return bytes[6] >> 4; }

  /// Parses the canonical form: 36 lower-case characters, hyphens in place, nothing around them.
  ///
  /// Errors:  invalid_argument, naming what was found. Upper case is refused, so that one identity
  ///          has one spelling.
  static result<uuid> parse(std::string_view text);

  /// Writes the canonical form, 36 characters, to `out`.
  void print_to(std::span<char, 36> out) const noexcept;
  std::string to_string() const;

  friend constexpr auto operator<=>(const uuid&, const uuid&) noexcept = default;
  friend constexpr bool operator==(const uuid& a, const uuid& b) noexcept {
    using halves = std::array<std::uint64_t, 2>;  // compared without a call, in every hash table
    const auto x = std::bit_cast<halves>(a.bytes);
    const auto y = std::bit_cast<halves>(b.bytes);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
  }
};

/// Parses the canonical form as `uuid::parse` does; nothing, and no words, for any other text.
///
/// Cost:    16 characters at a time, no branch but on the whole.
std::optional<uuid> parse_canonical_uuid(std::string_view text) noexcept;
/// True when `text` is a UUID in its canonical, lower-case form.
bool is_canonical_uuid(std::string_view text) noexcept;

/// Makes a random (version 4) UUID from 16 random bytes.
uuid make_uuid_v4(std::span<const std::uint8_t, 16> random) noexcept;

/// Derives a (version 5) UUID from a namespace and a name: the same pair always gives the same one.
///
/// Cost:    one SHA-1 block for names up to 39 bytes.
uuid make_uuid_v5(const uuid& name_space, std::string_view name) noexcept;

/// Makes a time-ordered (version 7) UUID from UTC milliseconds and 10 random bytes.
uuid make_uuid_v7(std::chrono::milliseconds since_epoch,
                  std::span<const std::uint8_t, 10> random) noexcept;

}  // namespace v1
}  // namespace annals

template <>
struct std::hash<annals::uuid> {
  std::size_t operator()(const annals::uuid& id) const noexcept {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    std::memcpy(&high, id.bytes.data(), 8);
    std::memcpy(&low, id.bytes.data() + 8, 8);
    return static_cast<std::size_t>((high ^ (low >> 29)) * 0x9e3779b97f4a7c15U ^ low);
  }
};
