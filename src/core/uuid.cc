#include "annals/uuid.h"

#include <algorithm>

#include "sha1.h"

namespace annals {
inline namespace v1 {
namespace {

constexpr std::string_view digits = "0123456789abcdef";

constexpr bool hyphen_at(std::size_t i) noexcept {
  return i == 8 || i == 13 || i == 18 || i == 23;
}

constexpr int value_of(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

uuid with_version(uuid id, int version) noexcept {
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | (version << 4));
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);  // variant 10
  return id;
}

}  // namespace

bool is_canonical_uuid(std::string_view text) noexcept {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (hyphen_at(i) ? text[i] != '-' : value_of(text[i]) < 0) return false;
  return true;
}

result<uuid> uuid::parse(std::string_view text) {
  if (!is_canonical_uuid(text))
    return fail(errc::invalid_argument,
                "'" + std::string(text.substr(0, 64)) +
                    "' is not a UUID in its canonical form (36 lower-case characters, as in "
                    "0197c2d0-7b1e-7000-8000-000000000001)");
  uuid id;
  std::size_t at = 0;
  for (auto& byte : id.bytes) {
    if (hyphen_at(at)) ++at;
    byte = static_cast<std::uint8_t>(value_of(text[at]) * 16 + value_of(text[at + 1]));
    at += 2;
  }
  return id;
}

void uuid::print_to(std::span<char, 36> out) const noexcept {
  std::size_t at = 0;
  for (const auto byte : bytes) {
    if (hyphen_at(at)) out[at++] = '-';
    out[at++] = digits[byte >> 4];
    out[at++] = digits[byte & 15];
  }
}

std::string uuid::to_string() const {
  std::string text(36, '\0');
  print_to(std::span<char, 36>(text.data(), 36));
  return text;
}

uuid make_uuid_v4(std::span<const std::uint8_t, 16> random) noexcept {
  uuid id;
  std::ranges::copy(random, id.bytes.begin());
  return with_version(id, 4);
}

uuid make_uuid_v5(const uuid& name_space, std::string_view name) noexcept {
  const auto digest = sha1().add(std::as_bytes(std::span(name_space.bytes))).add(name).finish();
  uuid id;
  std::copy_n(digest.begin(), id.bytes.size(), id.bytes.begin());
  return with_version(id, 5);
}

uuid make_uuid_v7(std::chrono::milliseconds since_epoch,
                  std::span<const std::uint8_t, 10> random) noexcept {
  uuid id;
  const auto ms = static_cast<std::uint64_t>(since_epoch.count());
  for (std::size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
  std::ranges::copy(random, id.bytes.begin() + 6);
  return with_version(id, 7);
}

}  // namespace v1
}  // namespace annals
