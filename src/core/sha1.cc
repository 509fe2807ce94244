#include "sha1.h"

#include <cpuid.h>
#include <immintrin.h>

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

void add_sha1_block(sha1_state& state, const std::byte* block) noexcept {
  std::array<std::uint32_t, 80> w;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled below
  for (std::size_t t = 0; t < 16; ++t) w[t] = load_big_endian(block + 4 * t);
  for (std::size_t t = 16; t < 80; ++t)
    w[t] = std::rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);

  auto [a, b, c, d, e] = state;
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
  state = {state[0] + a, state[1] + b, state[2] + c, state[3] + d, state[4] + e};
}

// Four rounds are one instruction; what was `a` before them is `e` behind them.
[[gnu::target("sha,sse4.1")]] void add_sha1_block_fast(sha1_state& state,
                                                       const std::byte* block) noexcept {
  const __m128i big_endian = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
  constexpr int reversed = 0x1b;
  constexpr std::size_t steps = 20;
  __m128i w[steps];
  for (std::size_t i = 0; i < 4; ++i)
    w[i] = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(block + 16 * i)),
                            big_endian);
  for (std::size_t i = 4; i < steps; ++i)
    w[i] = _mm_sha1msg2_epu32(_mm_xor_si128(_mm_sha1msg1_epu32(w[i - 4], w[i - 3]), w[i - 2]),
                              w[i - 1]);

  const auto first =
      _mm_shuffle_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(state.data())), reversed);
  const auto first_e = _mm_set_epi32(static_cast<int>(state[4]), 0, 0, 0);
  auto before = first;
  auto abcd = _mm_sha1rnds4_epu32(first, _mm_add_epi32(first_e, w[0]), 0);
  const auto advance = [&](__m128i after) noexcept {
    before = abcd;
    abcd = after;
  };
  for (std::size_t i = 1; i < 5; ++i)
    advance(_mm_sha1rnds4_epu32(abcd, _mm_sha1nexte_epu32(before, w[i]), 0));
  for (std::size_t i = 5; i < 10; ++i)
    advance(_mm_sha1rnds4_epu32(abcd, _mm_sha1nexte_epu32(before, w[i]), 1));
  for (std::size_t i = 10; i < 15; ++i)
    advance(_mm_sha1rnds4_epu32(abcd, _mm_sha1nexte_epu32(before, w[i]), 2));
  for (std::size_t i = 15; i < steps; ++i)
    advance(_mm_sha1rnds4_epu32(abcd, _mm_sha1nexte_epu32(before, w[i]), 3));
  const auto e = _mm_sha1nexte_epu32(before, first_e);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state.data()),
                   _mm_shuffle_epi32(_mm_add_epi32(abcd, first), reversed));
  state[4] = static_cast<std::uint32_t>(_mm_extract_epi32(e, 3));
}

bool has_sha1_instructions() noexcept {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  constexpr unsigned sha = 1U << 29U;  // of leaf 7, in b; compilers do not know its name yet
  if (__builtin_cpu_supports("sse4.1") == 0) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & sha) != 0;
}

void sha1::add_block(const std::byte* block) noexcept {
  static const auto add = has_sha1_instructions() ? add_sha1_block_fast : add_sha1_block;
  add(state_, block);
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
  constexpr std::size_t length_at = 56;  // of the last block
  std::fill(pending_.begin() + static_cast<std::ptrdiff_t>(pending_size_), pending_.end(),
            std::byte{0});
  pending_[pending_size_] = std::byte{0x80};
  if (pending_size_ >= length_at) {
    add_block(pending_.data());
    pending_.fill(std::byte{0});
  }
  std::memcpy(pending_.data() + length_at, &bits, sizeof bits);
  add_block(pending_.data());

  std::array<std::uint8_t, 20> digest{};
  for (std::size_t i = 0; i < 5; ++i) {
    const std::uint32_t word = __builtin_bswap32(state_[i]);
    std::memcpy(digest.data() + 4 * i, &word, 4);
  }
  return digest;
}

}  // namespace v1
}  // namespace annals
