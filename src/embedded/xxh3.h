#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace annals {
inline namespace v1 {
namespace embedded {

/// XXH3 of bytes, 64 bits.
std::uint64_t xxh3_64(std::uint64_t seed, std::span<const std::byte> bytes) noexcept;
/// The same, 128 bits in their canonical form, seed 0.
std::array<std::byte, 16> xxh3_128(std::span<const std::byte> bytes) noexcept;

}  // namespace embedded
}  // namespace v1
}  // namespace annals
