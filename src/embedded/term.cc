#include "term.h"

#include <array>

#include "annals/assert.h"
#include "annals/limits.h"
#include "bytes.h"
#include "xxh3.h"

namespace annals {
inline namespace v1 {
namespace embedded {

std::uint64_t term_hash(std::uint64_t seed, term_kind kind,
                        std::span<const std::byte> bytes) noexcept {
  ANNALS_ASSERT(bytes.size() <= limits::tag_bytes, "no term is longer than a tag");
  std::array<std::byte, 1 + limits::tag_bytes> whole;
  whole[0] = static_cast<std::byte>(kind);
  copy_bytes(whole.data() + 1, bytes);
  return xxh3_64(seed, std::span(whole).first(1 + bytes.size()));
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
