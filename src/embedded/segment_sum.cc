#include "segment_sum.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "crc32c.h"
#include "segment_index_layout.h"

namespace annals {
inline namespace v1 {
namespace embedded {

void block_crcs::add(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min<std::size_t>(bytes.size(), crc_block_bytes - filled_));
    crc_ = crc32c(crc_, part);
    filled_ += part.size();
    bytes = bytes.subspan(part.size());
    if (filled_ < crc_block_bytes) return;
    whole_.push_back(crc_);
    crc_ = 0;
    filled_ = 0;
  }
}

std::vector<std::uint32_t> block_crcs::finish() {
  if (filled_ > 0) whole_.push_back(crc_);
  crc_ = 0;
  filled_ = 0;
  return std::exchange(whole_, {});
}

void segment_summing::free_state::operator()(void* state) const noexcept {
  XXH3_freeState(static_cast<XXH3_state_t*>(state));
}

segment_summing::segment_summing() : state_(XXH3_createState()) {
  if (state_ == nullptr) throw std::bad_alloc();
  XXH3_128bits_reset(static_cast<XXH3_state_t*>(state_.get()));
}

void segment_summing::add(std::span<const std::byte> bytes) {
  XXH3_128bits_update(static_cast<XXH3_state_t*>(state_.get()), bytes.data(), bytes.size());
  crcs_.add(bytes);
}

segment_sums segment_summing::finish() {
  XXH128_canonical_t digest;
  XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(static_cast<XXH3_state_t*>(state_.get())));
  segment_sums sums{.block_crcs = crcs_.finish()};
  std::memcpy(sums.digest.data(), digest.digest, sums.digest.size());
  return sums;
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
