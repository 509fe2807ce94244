#include "crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>

namespace annals {
inline namespace v1 {
namespace embedded {

std::uint32_t crc32c(std::uint32_t before, std::span<const std::byte> bytes) noexcept {
  constexpr std::size_t most = 1U << 30U;  // the library counts in int
  std::uint32_t crc = ~before;
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(bytes.size(), most));
    // The library reads only; its interface forgot the const.
    auto* data = const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(part.data()));
    crc = ::crc32_iscsi(data, static_cast<int>(part.size()), crc);
    bytes = bytes.subspan(part.size());
  }
  return ~crc;
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
