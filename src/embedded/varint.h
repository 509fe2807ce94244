#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bytes.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Appends a number as unsigned LEB128.
inline void append_varint(std::vector<std::byte>& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) to.push_back(static_cast<std::byte>(value | 0x80));
  to.push_back(static_cast<std::byte>(value));
}

/// Appends the lowest `width` bytes of a number.
inline void append_bytes_of(std::vector<std::byte>& to, std::uint64_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i, value >>= 8U) to.push_back(static_cast<std::byte>(value));
}

/// Takes numbers out of bytes, one after the other, of which any may be wrong: what is not there is
/// 0, and says so once and for all.
class byte_reader {
 public:
  explicit byte_reader(std::span<const std::byte> bytes) noexcept
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool is_good() const noexcept { return good_; }
  std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }

  std::uint64_t varint() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at_ != end_; shift += 7) {
      const auto byte = std::to_integer<std::uint64_t>(*at_++);
      if (shift == 63 && byte > 1) break;  // more than 64 bits
      value |= (byte & 0x7fU) << shift;
      if (byte < 0x80) return value;
    }
    return fail();
  }
  std::uint64_t bytes_of(std::size_t width) noexcept {
    std::uint64_t value = 0;
    const auto bytes = take(width);
    for (std::size_t i = 0; i < bytes.size(); ++i)
      value |= std::to_integer<std::uint64_t>(bytes[i]) << 8 * i;
    return value;
  }
  std::span<const std::byte> take(std::uint64_t length) noexcept {
    if (length > left()) {
      fail();
      return {};
    }
    const std::span taken(at_, static_cast<std::size_t>(length));
    at_ += taken.size();
    return taken;
  }

 private:
  std::uint64_t fail() noexcept {
    good_ = false;
    at_ = end_;
    return 0;
  }

  const std::byte* at_;
  const std::byte* end_;
  bool good_ = true;
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
