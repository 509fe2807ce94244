#include <algorithm>
#include <cerrno>
#include <cstring>

#include "annals/stream.h"
#include "annals/terminal.h"

namespace annals {
inline namespace v1 {
namespace terminal {
namespace {

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// The bytes of the character at the start of the text; 0 when it is not well-formed.
std::size_t character_size(std::string_view text) {
  for (std::size_t size = 1; size <= std::min<std::size_t>(4, text.size()); ++size)
    if (is_utf8(text.substr(0, size))) return size;
  return 0;
}

bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  const bool c1 =
      character.size() == 2 && first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0;
  return first < 0x20 || first == 0x7f || c1;
}

}  // namespace

std::string with_thousands(std::string_view number) {
  std::string_view rest = number;
  std::string out;
  if (rest.starts_with('-')) {
    out = "-";
    rest.remove_prefix(1);
  }
  const auto whole = rest.substr(0, rest.find('.'));
  if (whole.empty() || !std::ranges::all_of(whole, is_digit)) return std::string(number);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (i != 0 && (whole.size() - i) % 3 == 0) out += ',';
    out += whole[i];
  }
  return out.append(rest.substr(whole.size()));
}

std::string with_thousands(std::uint64_t number) {
  return with_thousands(std::to_string(number));
}

std::string without_password(std::string_view address) {
  constexpr std::string_view hidden = "***";
  constexpr std::string_view keyword = "password=";
  std::string out(address);
  if (const auto scheme = out.find("://"); scheme != std::string::npos) {
    const auto user = scheme + 3;
    const auto at = out.rfind('@', out.find('?', user));
    const auto colon = out.find(':', user);
    if (at != std::string::npos && at > user && colon < at)
      out.replace(colon + 1, at - colon - 1, hidden);
  }
  const bool uri = out.find("://") != std::string::npos;
  for (auto found = out.find(keyword); found != std::string::npos;) {
    const auto value = found + keyword.size();
    const bool in_quotes = !uri && value < out.size() && out[value] == '\'';
    auto end = value + (in_quotes ? 1U : 0U);
    const char stop = in_quotes ? '\'' : uri ? '&' : ' ';
    while (end < out.size() && out[end] != stop) end += !uri && out[end] == '\\' ? 2U : 1U;
    if (in_quotes) ++end;
    out.replace(value, std::min(end, out.size()) - value, hidden);
    found = out.find(keyword, value + hidden.size());
  }
  return out;
}

std::string printable(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  while (!text.empty()) {
    const auto size = character_size(text);
    if (size == 0) {
      out += '?';
      text.remove_prefix(1);
      continue;
    }
    const auto character = text.substr(0, size);
    if (is_control(character)) {
      for (const char c : character) {
        out += "\\x";
        out += digits[static_cast<unsigned char>(c) >> 4];
        out += digits[static_cast<unsigned char>(c) & 15];
      }
    } else {
      out += character;
    }
    text.remove_prefix(size);
  }
  return out;
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

int report(std::string_view program, const error& problem) {
  const std::string text = std::string(program) + ": " + printable(problem.message()) + '\n';
  std::fflush(stdout);  // what was printed before the error stands before it
  std::fputs(text.c_str(), stderr);
  return exit_code_of(problem.code());
}

result<void> flush_output() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return {};
  return fail(errc::file_error,
              std::string("writing to standard output failed: ") +
                  (errno != 0 ? std::strerror(errno) : "an earlier write failed"));
}

}  // namespace terminal
}  // namespace v1
}  // namespace annals
