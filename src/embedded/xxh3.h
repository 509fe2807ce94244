#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace annals {
inline namespace v1 {
namespace embedded {

/// XXH3 of bytes, 64 bits.
std::uint64_t xxh3_64(std::uint64_t seed, std::span<const std::byte> bytes) noexcept;

}  // namespace embedded
}  // namespace v1
}  // namespace annals
