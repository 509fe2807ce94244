#include "annals/json/encode.h"

#include <cmath>

#include "annals/stream.h"

namespace annals {
inline namespace v1 {
namespace json {
namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD

void append_escape(std::string& out, char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default:
      out += "\\u00";
      out += digits[static_cast<unsigned char>(c) >> 4];
      out += digits[static_cast<unsigned char>(c) & 15];
  }
}

/// The text with every byte that is part of no character replaced.
std::string repaired(std::string_view text) {
  std::string good;
  while (!text.empty()) {
    std::size_t size = 1;
    while (size <= 4 && size <= text.size() && !is_utf8(text.substr(0, size))) ++size;
    if (size > 4 || size > text.size()) {
      good += replacement;
      size = 1;
    } else {
      good += text.substr(0, size);
    }
    text.remove_prefix(size);
  }
  return good;
}

}  // namespace

void append_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t clean = 0;  // start of what needs no escape
  bool ascii = true;
  const auto begin = out.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    ascii = ascii && c < 0x80;
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out += text.substr(clean, i - clean);
    append_escape(out, text[i]);
    clean = i + 1;
  }
  out += text.substr(clean);
  if (!ascii && !is_utf8(text)) {
    const std::string good = repaired(std::string_view(out).substr(begin));
    out.resize(begin);
    out += good;
  }
  out += '"';
}

void append_double(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "\"NaN\"";
  } else if (std::isinf(value)) {
    out += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  } else {
    char digits[32];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  }
}

}  // namespace json
}  // namespace v1
}  // namespace annals
