#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace annals {
inline namespace v1 {
namespace embedded {

/// CRCs of the blocks of a segment, from its bytes in their order.
class block_crcs {
 public:
  void add(std::span<const std::byte> bytes);
  /// Those of all bytes added.
  std::vector<std::uint32_t> finish();

 private:
  std::vector<std::uint32_t> whole_{};
  std::uint32_t crc_ = 0;
  std::uint64_t filled_ = 0;  // bytes of the block that is not whole
};

/// What the bytes of a segment, from 0 to behind its seal, add up to.
struct segment_sums {
  std::array<std::byte, 16> digest{};
  std::vector<std::uint32_t> block_crcs{};

  friend bool operator==(const segment_sums&, const segment_sums&) = default;
};

/// Sums up a segment, from its bytes in their order.
///
/// Source:  docs/format.md, "MANIFEST" and "Index files": XXH3, 128 bits, canonical; CRC-32C.
/// Threads: one.
class segment_summing {
 public:
  segment_summing();

  void add(std::span<const std::byte> bytes);
  /// The sums of all bytes added; call once.
  segment_sums finish();

 private:
  struct free_state {
    void operator()(void* state) const noexcept;
  };
  std::unique_ptr<void, free_state> state_;
  block_crcs crcs_{};
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
