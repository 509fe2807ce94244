#include "crc32c.h"

#include <isa-l/crc.h>
#include <nmmintrin.h>

#include <algorithm>
#include <cstring>

namespace annals {
inline namespace v1 {
namespace embedded {

namespace {

// Up to here one instruction after the other takes less time than the library does to begin.
constexpr std::size_t few_bytes = 160;

[[gnu::target("sse4.2")]] std::uint32_t crc32c_of_few(std::uint32_t crc,
                                                      std::span<const std::byte> bytes) noexcept {
  const std::byte* at = bytes.data();
  const std::byte* const end = at + bytes.size();
  std::uint64_t wide = crc;
  for (; end - at >= 8; at += 8) {
    std::uint64_t next = 0;
    std::memcpy(&next, at, sizeof next);
    wide = _mm_crc32_u64(wide, next);
  }
  crc = static_cast<std::uint32_t>(wide);
  for (; at != end; ++at) crc = _mm_crc32_u8(crc, static_cast<unsigned char>(*at));
  return crc;
}

}  // namespace

std::uint32_t crc32c(std::uint32_t before, std::span<const std::byte> bytes) noexcept {
  constexpr std::size_t most = 1U << 30U;  // the library counts in int
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  std::uint32_t crc = ~before;
  if (bytes.size() <= few_bytes && has_instruction) return ~crc32c_of_few(crc, bytes);
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
