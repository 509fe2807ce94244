#include "annals/stream.h"

#include <cstring>
#include <optional>

#include "annals/limits.h"

namespace annals {
inline namespace v1 {
namespace {

/// The length of the well-formed UTF-8 sequence at the start of `text`; 0 when there is none.
std::size_t sequence_length(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const auto continues = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xc0) == 0x80; };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;  // a continuation, or an overlong form
  if (first < 0xe0) return continues(1) ? 2 : 0;
  if (first < 0xf0) {
    if (!continues(1) || !continues(2)) return 0;
    if (first == 0xe0 && byte(1) < 0xa0) return 0;  // overlong
    if (first == 0xed && byte(1) > 0x9f) return 0;  // surrogate
    return 3;
  }
  if (first > 0xf4 || !continues(1) || !continues(2) || !continues(3)) return 0;
  if (first == 0xf0 && byte(1) < 0x90) return 0;  // overlong
  if (first == 0xf4 && byte(1) > 0x8f) return 0;  // above U+10FFFF
  return 4;
}

/// True when the first eight bytes are ASCII.
bool is_ascii8(std::string_view text) noexcept {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, text.data(), sizeof bytes);
  return (bytes & 0x8080808080808080U) == 0;
}

/// True for printable ASCII, as most names are; eight bytes at a time.
bool is_printable_ascii(std::string_view text) noexcept {
  constexpr std::uint64_t each = 0x0101010101010101U;
  std::uint64_t other = 0;
  const auto look = [&](std::uint64_t bytes) {
    // A byte's high bit is set by one that has it, one below 0x20, and 0x7f; a borrow or carry into
    // the next byte comes only from one that is found anyway.
    other |= bytes | (bytes - 0x20 * each) | (bytes + each);
  };
  std::uint64_t bytes = 0;
  for (; text.size() >= sizeof bytes; text.remove_prefix(sizeof bytes)) {
    std::memcpy(&bytes, text.data(), sizeof bytes);
    look(bytes);
  }
  bytes = 0x20 * each;
  std::memcpy(&bytes, text.data(), text.size());
  look(bytes);
  return (other & 0x80 * each) == 0;
}

/// C0, DEL, and C1 (U+0080 to U+009F, two bytes in UTF-8).
bool is_control_at(std::string_view text, std::size_t i) noexcept {
  const auto byte = static_cast<std::uint8_t>(text[i]);
  if (byte < 0x20 || byte == 0x7f) return true;
  return byte == 0xc2 && i + 1 < text.size() && static_cast<std::uint8_t>(text[i + 1]) < 0xa0;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    if (text.size() >= 8 && is_ascii8(text)) {
      text.remove_prefix(8);
      continue;
    }
    const auto length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

result<void> check_stream_name(std::string_view name) {
  if (name.empty()) return fail(errc::invalid_argument, "a stream name must not be empty");
  if (name.size() > limits::stream_name_bytes)
    return fail(errc::limit_exceeded, "a stream name of " + std::to_string(name.size()) +
                                          " bytes is over limits::stream_name_bytes (" +
                                          std::to_string(limits::stream_name_bytes) + ")");
  if (name.front() == '$')
    return fail(errc::invalid_argument, "stream names starting with '$' are reserved");
  if (is_printable_ascii(name)) return {};
  if (!is_utf8(name)) return fail(errc::invalid_argument, "a stream name must be UTF-8");
  for (std::size_t i = 0; i < name.size(); ++i)
    if (is_control_at(name, i))
      return fail(errc::invalid_argument,
                  "a stream name must not hold control characters, found "
                  "one at byte " +
                      std::to_string(i));
  return {};
}

std::string_view category_of(std::string_view name) noexcept {
  if (is_canonical_uuid(name)) return {};
  const auto hyphen = name.find('-');
  return hyphen == std::string_view::npos ? std::string_view{} : name.substr(0, hyphen);
}

uuid stream_key_of(std::string_view name) noexcept {
  if (const auto written = parse_canonical_uuid(name)) return *written;
  return make_uuid_v5(stream_key_namespace, name);
}

namespace {

std::optional<uuid> uuid_in(std::string_view name) noexcept {
  if (const auto whole = parse_canonical_uuid(name)) return whole;
  const auto hyphen = name.find('-');
  if (hyphen == std::string_view::npos) return std::nullopt;
  return parse_canonical_uuid(name.substr(hyphen + 1));
}

}  // namespace

uuid aggregate_id_of(std::string_view name) noexcept {
  const auto written = uuid_in(name);
  return written ? *written : stream_key_of(name);
}

uuid aggregate_id_of(std::string_view name, const uuid& stream_key) noexcept {
  return uuid_in(name).value_or(stream_key);
}

std::string stream_name_of(std::string_view category, const uuid& aggregate_id) {
  if (category.empty()) return aggregate_id.to_string();
  std::string name(category);
  return name.append("-").append(aggregate_id.to_string());
}

}  // namespace v1
}  // namespace annals
