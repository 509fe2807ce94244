#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace annals {
inline namespace v1 {
namespace embedded {

/// CRC32C (RFC 3720) of bytes, continued from the CRC of what stands before them; 0 for nothing.
std::uint32_t crc32c(std::uint32_t before, std::span<const std::byte> bytes) noexcept;

}  // namespace embedded
}  // namespace v1
}  // namespace annals
