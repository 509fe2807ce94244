#include "sha1.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace annals {
inline namespace v1 {
namespace {

std::uint32_t load_big_endian(const std::byte* p) noexcept {
  std::uint32_t value = 0;
  std::memcpy(&value, p, 4);
  return __builtin_bswap32(value);
}

}  // namespace

void sha1::add_block(const std::byte* block) noexcept {
  std::array<std::uint32_t, 80> w;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled below
  for (std::size_t t = 0; t < 16; ++t) w[t] = load_big_endian(block + 4 * t);
  for (std::size_t t = 16; t < 80; ++t)
    w[t] = std::rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);

  auto [a, b, c, d, e] = state_;
  const auto round = [&](std::uint32_t f, std::uint32_t k, std::uint32_t word) {
    const std::uint32_t next = std::rotl(a, 5) + f + e + k + word;
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  };
  for (std::size_t t = 0; t < 20; ++t) round((b & c) | (~b & d), 0x5a827999, w[t]);
  for (std::size_t t = 20; t < 40; ++t) round(b ^ c ^ d, 0x6ed9eba1, w[t]);
  for (std::size_t t = 40; t < 60; ++t) round((b & c) | (b & d) | (c & d), 0x8f1bbcdc, w[t]);
  for (std::size_t t = 60; t < 80; ++t) round(b ^ c ^ d, 0xca62c1d6, w[t]);
  state_ = {state_[0] + a, state_[1] + b, state_[2] + c, state_[3] + d, state_[4] + e};
}

sha1& sha1::add(std::span<const std::byte> bytes) noexcept {
  total_ += bytes.size();
  while (!bytes.empty()) {
    if (pending_size_ == 0 && bytes.size() >= pending_.size()) {
      add_block(bytes.data());
      bytes = bytes.subspan(pending_.size());
      continue;
    }
    const std::size_t taken = std::min(bytes.size(), pending_.size() - pending_size_);
    std::memcpy(pending_.data() + pending_size_, bytes.data(), taken);
    pending_size_ += taken;
    bytes = bytes.subspan(taken);
    if (pending_size_ == pending_.size()) {
      add_block(pending_.data());
      pending_size_ = 0;
    }
  }
  return *this;
}

std::array<std::uint8_t, 20> sha1::finish() noexcept {
  const std::uint64_t bits = __builtin_bswap64(total_ * 8);
  constexpr std::array<std::byte, 64> padding{std::byte{0x80}};
  // One to 64 bytes, so that eight are left in the last block for the length.
  const std::size_t padding_size = (pending_size_ < 56 ? 56 : 120) - pending_size_;
  add(std::span(padding).first(padding_size));
  add(std::as_bytes(std::span(&bits, 1)));

  std::array<std::uint8_t, 20> digest{};
  for (std::size_t i = 0; i < 5; ++i) {
    const std::uint32_t word = __builtin_bswap32(state_[i]);
    std::memcpy(digest.data() + 4 * i, &word, 4);
  }
  return digest;
}

}  // namespace v1
}  // namespace annals
