#include "xxh3.h"

#include <xxhash.h>

#include <bit>

namespace annals {
inline namespace v1 {
namespace embedded {

std::uint64_t xxh3_64(std::uint64_t seed, std::span<const std::byte> bytes) noexcept {
  return ::XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

std::array<std::byte, 16> xxh3_128(std::span<const std::byte> bytes) noexcept {
  ::XXH128_canonical_t canonical;
  ::XXH128_canonicalFromHash(&canonical, ::XXH3_128bits(bytes.data(), bytes.size()));
  return std::bit_cast<std::array<std::byte, 16>>(canonical.digest);
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
