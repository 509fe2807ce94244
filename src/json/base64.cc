#include "annals/json/base64.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace annals {
inline namespace v1 {
namespace json {
namespace {

constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint32_t no_digit = 64;

constexpr auto values = [] {
  std::array<std::uint8_t, 256> all{};
  all.fill(no_digit);
  for (std::size_t i = 0; i < digits.size(); ++i)
    all[static_cast<unsigned char>(digits[i])] = static_cast<std::uint8_t>(i);
  return all;
}();

std::uint32_t value_of(char c) noexcept {
  return values[static_cast<unsigned char>(c)];
}

}  // namespace

void append_base64(std::string& out, std::span<const std::byte> bytes) {
  const std::size_t begin = out.size();
  out.resize(begin + (bytes.size() + 2) / 3 * 4, '=');
  char* at = out.data() + begin;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto left = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = (group << 8U) | (k < left ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k <= left; ++k) at[k] = digits[(group >> (18U - 6U * k)) & 63U];
    at += 4;
  }
}

bool parse_base64(std::string_view text, std::string& out) {
  if (text.size() % 4 != 0) return false;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  const std::size_t begin = out.size();
  std::uint32_t unused = 0;  // bits that stand for nothing; must be zero
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const std::size_t here = i + 4 == text.size() ? 4 - padding : 4;
    std::uint32_t group = 0;
    std::uint32_t wrong = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const std::uint32_t value = k < here ? value_of(text[i + k]) : 0;
      wrong |= value & no_digit;
      group = group << 6U | value;
    }
    if (here < 4) unused |= group & (here == 2 ? 0xffffU : 0xffU);
    if (wrong != 0 || unused != 0) {
      out.resize(begin);
      return false;
    }
    for (std::size_t k = 0; k + 1 < here; ++k) out += static_cast<char>(group >> (16U - 8U * k));
  }
  return true;
}

}  // namespace json
}  // namespace v1
}  // namespace annals
