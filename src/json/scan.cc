#include "scan.h"

#include <algorithm>

#include "annals/stream.h"

namespace annals {
inline namespace v1 {
namespace json {
namespace {

constexpr int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The four hexadecimal digits of "\uXXXX" at `at`; -1 when they are not there.
int unit_of(const char* at, const char* end) noexcept {
  if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return -1;
  int unit = 0;
  for (int i = 2; i < 6; ++i) {
    const int digit = hex_value(at[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

void append_character(std::string& out, std::uint32_t code) {
  const auto byte = [&](std::uint32_t bits) { out += static_cast<char>(bits); };
  if (code < 0x80) return byte(code);
  if (code < 0x800) {
    byte(0xc0U | code >> 6U);
  } else {
    if (code < 0x10000) {
      byte(0xe0U | code >> 12U);
    } else {
      byte(0xf0U | code >> 18U);
      byte(0x80U | (code >> 12U & 0x3fU));
    }
    byte(0x80U | (code >> 6U & 0x3fU));
  }
  byte(0x80U | (code & 0x3fU));
}

char single_escape(char c) noexcept {
  switch (c) {
    case '"':
    case '\\':
    case '/': return c;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return '\0';
  }
}

}  // namespace

std::size_t wide_character(const char* at, const char* end) noexcept {
  const auto first = static_cast<unsigned char>(*at);
  const std::size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (static_cast<std::size_t>(end - at) < size) return 0;
  return is_utf8({at, size}) ? size : 0;
}

std::size_t escape(const char* at, const char* end, std::string* out) {
  if (end - at < 2) return 0;
  if (at[1] != 'u') {
    const char plain = single_escape(at[1]);
    if (plain != '\0' && out != nullptr) *out += plain;
    return plain == '\0' ? 0 : 2;
  }
  const int unit = unit_of(at, end);
  const bool low = unit >= 0xdc00 && unit < 0xe000;
  if (unit < 0 || low) return 0;
  if (unit < 0xd800 || unit >= 0xe000) {
    if (out != nullptr) append_character(*out, static_cast<std::uint32_t>(unit));
    return 6;
  }
  const int second = unit_of(at + 6, end);
  if (second < 0xdc00 || second >= 0xe000) return 0;
  if (out != nullptr)
    append_character(*out, 0x10000U + (static_cast<std::uint32_t>(unit - 0xd800) << 10U) +
                               static_cast<std::uint32_t>(second - 0xdc00));
  return 12;
}

std::string unescaped(std::string_view between_quotes) {
  std::string out;
  out.reserve(between_quotes.size());
  const char* at = between_quotes.data();
  const char* const end = at + between_quotes.size();
  while (at != end) {
    const char* const stop = std::find(at, end, '\\');
    out.append(at, stop);
    at = stop;
    if (at != end) at += std::max<std::size_t>(escape(at, end, &out), 1);
  }
  return out;
}

}  // namespace json
}  // namespace v1
}  // namespace annals
