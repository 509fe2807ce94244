#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace annals {
inline namespace v1 {

using sha1_state = std::array<std::uint32_t, 5>;

/// One step of the hash, over 64 bytes, in plain C++.
void add_sha1_block(sha1_state& state, const std::byte* block) noexcept;
/// The same by the processor's own instructions for it.
void add_sha1_block_fast(sha1_state& state, const std::byte* block) noexcept;
/// Whether this processor has them.
bool has_sha1_instructions() noexcept;

/// SHA-1, for name-based identities (UUIDv5) and request digests; not for secrets.
///
/// Source:  FIPS 180-4, section 6.1.
class sha1 {
 public:
  sha1& add(std::span<const std::byte> bytes) noexcept;
  sha1& add(std::string_view text) noexcept { return add(std::as_bytes(std::span(text))); }
  /// The digest of all that was added; call once.
  std::array<std::uint8_t, 20> finish() noexcept;

 private:
  void add_block(const std::byte* block) noexcept;

  sha1_state state_{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  std::array<std::byte, 64> pending_{};
  std::size_t pending_size_ = 0;
  std::uint64_t total_ = 0;  // bytes
};

}  // namespace v1
}  // namespace annals
