#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace annals {
inline namespace v1 {
namespace embedded {

static_assert(std::endian::native == std::endian::little, "the format is little endian");

/// Copies a structure of the format out of bytes.
template <class T>
  requires std::is_trivially_copyable_v<T>
T read_as(const std::byte* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

/// Copies a structure of the format into bytes.
template <class T>
  requires std::is_trivially_copyable_v<T>
void write_as(std::byte* to, const T& value) noexcept {
  std::memcpy(to, &value, sizeof value);
}

/// As memcpy, which must not be given the address of nothing.
inline void copy_bytes(std::byte* to, std::span<const std::byte> bytes) noexcept {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
}

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) noexcept {
  return (value + unit - 1) / unit * unit;
}
constexpr std::uint64_t round_down(std::uint64_t value, std::uint64_t unit) noexcept {
  return value / unit * unit;
}
constexpr std::size_t padded(std::size_t bytes) noexcept {
  return (bytes + 7) & ~std::size_t{7};
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
