#include "xxh3.h"

#include <xxhash.h>

namespace annals {
inline namespace v1 {
namespace embedded {

std::uint64_t xxh3_64(std::uint64_t seed, std::span<const std::byte> bytes) noexcept {
  return ::XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
