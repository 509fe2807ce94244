#include "json_text.h"

#include <array>
#include <charconv>
#include <cstdint>

#include "annals/limits.h"
#include "annals/stream.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

bool is_hex(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// A recogniser of RFC 8259: by recursion, no deeper than the limit.
class recogniser {
 public:
  explicit recogniser(std::string_view text) noexcept : at_(text.data()), end_(at_ + text.size()) {}

  bool document() noexcept {
    skip_blanks();
    if (!value(0)) return false;
    skip_blanks();
    return at_ == end_;
  }

 private:
  void skip_blanks() noexcept {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  bool take(char wanted) noexcept {
    if (at_ == end_ || *at_ != wanted) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view wanted) noexcept {
    if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(wanted))
      return false;
    at_ += wanted.size();
    return true;
  }
  bool digits() noexcept {
    const auto* const begin = at_;
    while (at_ != end_ && is_digit(*at_)) ++at_;
    return at_ != begin;
  }
  bool number() noexcept {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (at_ == end_ || (*at_ != 'e' && *at_ != 'E')) return true;
    ++at_;
    if (!take('+')) take('-');
    return digits();
  }
  bool escape() noexcept {
    if (at_ == end_) return false;
    const char kind = *at_++;
    if (kind != 'u') return std::string_view("\"\\/bfnrt").find(kind) != std::string_view::npos;
    for (int i = 0; i < 4; ++i) {
      if (at_ == end_ || !is_hex(*at_)) return false;
      ++at_;
    }
    return true;
  }
  bool string() noexcept {
    if (!take('"')) return false;
    while (at_ != end_) {
      const char c = *at_++;
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c == '\\' && !escape()) return false;
    }
    return false;
  }
  bool members(std::size_t depth) noexcept {
    skip_blanks();
    if (take('}')) return true;
    for (;;) {
      skip_blanks();
      if (!string()) return false;
      skip_blanks();
      if (!take(':')) return false;
      skip_blanks();
      if (!value(depth)) return false;
      skip_blanks();
      if (take('}')) return true;
      if (!take(',')) return false;
    }
  }
  bool elements(std::size_t depth) noexcept {
    skip_blanks();
    if (take(']')) return true;
    for (;;) {
      skip_blanks();
      if (!value(depth)) return false;
      skip_blanks();
      if (take(']')) return true;
      if (!take(',')) return false;
    }
  }
  bool value(std::size_t depth) noexcept {
    if (at_ == end_ || depth > limits::json_depth) return false;
    switch (*at_) {
      case '{': ++at_; return members(depth + 1);
      case '[': ++at_; return elements(depth + 1);
      case '"': return string();
      case 't': return word("true");
      case 'f': return word("false");
      case 'n': return word("null");
      default: return number();
    }
  }

  const char* at_;
  const char* end_;
};

std::uint32_t hex_at(std::string_view text, std::size_t at) noexcept {
  std::uint32_t code = 0;
  std::from_chars(text.data() + at, text.data() + at + 4, code, 16);
  return code;
}

bool is_high(std::uint32_t code) noexcept {
  return code >= 0xd800 && code < 0xdc00;
}

bool is_low(std::uint32_t code) noexcept {
  return code >= 0xdc00 && code < 0xe000;
}

constexpr std::string_view base64_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr auto base64_values = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < base64_digits.size(); ++i)
    values[static_cast<unsigned char>(base64_digits[i])] = static_cast<std::int8_t>(i);
  return values;
}();

void append_utf8(std::string& out, std::uint32_t code) {
  const auto byte = [&](std::uint32_t value) { out += static_cast<char>(value); };
  if (code < 0x80) return byte(code);
  if (code < 0x800) {
    byte(0xc0 | code >> 6U);
  } else {
    if (code < 0x10000) {
      byte(0xe0 | code >> 12U);
    } else {
      byte(0xf0 | code >> 18U);
      byte(0x80 | (code >> 12U & 0x3f));
    }
    byte(0x80 | (code >> 6U & 0x3f));
  }
  byte(0x80 | (code & 0x3f));
}

/// Reads one escape that begins at `at`, behind the backslash; answers where it ends.
std::size_t read_escape(std::string_view text, std::size_t at, std::string& out) {
  constexpr std::string_view names = "bfnrt";
  constexpr std::string_view values = "\b\f\n\r\t";
  if (text[at] != 'u') {
    const auto named = names.find(text[at]);
    out += named == std::string_view::npos ? text[at] : values[named];
    return at + 1;
  }
  auto code = hex_at(text, at + 1);
  at += 5;
  if (is_high(code) && text.size() >= at + 6 && text[at] == '\\' && text[at + 1] == 'u' &&
      is_low(hex_at(text, at + 2))) {
    code = 0x10000 + ((code & 0x3ff) << 10U) + (hex_at(text, at + 2) & 0x3ff);
    at += 6;
  }
  append_utf8(out, code);
  return at;
}

}  // namespace

bool is_json(std::string_view text) noexcept {
  return recogniser(text).document() && is_utf8(text);
}

std::string_view refused_by_jsonb(std::string_view document) noexcept {
  for (auto at = document.find('\\'); at != std::string_view::npos && at + 1 < document.size();
       at = document.find('\\', at)) {
    if (document[at + 1] != 'u') {
      at += 2;
      continue;
    }
    const auto code = hex_at(document, at + 2);
    const auto all = document.substr(at, 6);
    at += 6;
    if (code == 0 || is_low(code)) return all;
    if (!is_high(code)) continue;
    if (document.substr(at, 2) != "\\u" || !is_low(hex_at(document, at + 2))) return all;
    at += 6;
  }
  return {};
}

void append_string(std::string& out, std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out.append("\\u00").append(1, hex[byte >> 4U]).append(1, hex[byte & 15U]);
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_base64(std::string& out, std::span<const std::byte> bytes) {
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto left = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8U | (k < left ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      out += k <= left ? base64_digits[group >> (18U - 6U * k) & 63U] : '=';
  }
}

bool read_base64(std::string_view text, std::string& out) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const auto value = base64_values[static_cast<unsigned char>(c)];
    if (value < 0) return false;
    bits = bits << 6U | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xffU);
  }
  return true;
}

void json_walk::skip_blanks() noexcept {
  const auto first = rest_.find_first_not_of(" \n\r\t");
  rest_.remove_prefix(first == std::string_view::npos ? rest_.size() : first);
}

bool json_walk::take(char wanted) noexcept {
  skip_blanks();
  if (!rest_.starts_with(wanted)) return false;
  rest_.remove_prefix(1);
  return true;
}

// Where the string that begins at `at` with its quote ends, the closing quote included.
std::size_t json_walk::string_end(std::size_t at) const noexcept {
  for (++at; at < rest_.size() && rest_[at] != '"'; ++at)
    if (rest_[at] == '\\') ++at;
  return std::min(at + 1, rest_.size());
}

std::string json_walk::string() {
  std::string out;
  const auto text = value();
  if (text.size() < 2) return out;
  const auto inner = text.substr(1, text.size() - 2);
  for (std::size_t at = 0; at < inner.size();) {
    if (inner[at] == '\\' && at + 1 < inner.size()) {
      at = read_escape(inner, at + 1, out);
    } else {
      out += inner[at++];
    }
  }
  return out;
}

std::string_view json_walk::value() noexcept {
  skip_blanks();
  std::size_t at = 0;
  std::size_t depth = 0;
  while (at < rest_.size()) {
    const char c = rest_[at];
    if (c == '"') {
      at = string_end(at);
      if (depth == 0) break;
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (depth == 0 && (c == ',' || c == '}' || c == ']')) break;
    ++at;
    if ((c == '}' || c == ']') && --depth == 0) break;
  }
  const auto found = rest_.substr(0, at);
  rest_.remove_prefix(at);
  return found;
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
