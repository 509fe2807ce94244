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

/// Asks for memory that will be looked at soon. It need not be there.
inline void prefetch(const std::byte* at, std::size_t length) noexcept {
  constexpr std::size_t line = 64;
  for (std::size_t i = 0; i < length; i += line) __builtin_prefetch(at + i);
}
/// What is asked for of an item whose length is not known: most have no more.
inline constexpr std::size_t prefetched_item_bytes = 512;
/// How far ahead a walk asks, in bytes: what memory gives in the time of one miss. The processor
/// reads ahead by itself, but not over the end of a page.
inline constexpr std::size_t walk_ahead = 2048;

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
