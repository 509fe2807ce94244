#include "annals/uuid.h"

#include <algorithm>
#include <array>

#include "sha1.h"

namespace annals {
inline namespace v1 {
namespace {

constexpr std::string_view digits = "0123456789abcdef";

constexpr bool hyphen_at(std::size_t i) noexcept {
  return i == 8 || i == 13 || i == 18 || i == 23;
}

constexpr std::uint8_t no_digit = 16;
constexpr auto digit_values = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(no_digit);
  for (std::size_t i = 0; i < digits.size(); ++i)
    values[static_cast<unsigned char>(digits[i])] = static_cast<std::uint8_t>(i);
  return values;
}();

/// Where the two digits of each byte stand.
constexpr auto digit_places = [] {
  std::array<std::uint8_t, 16> places{};
  std::uint8_t at = 0;
  for (auto& place : places) {
    if (hyphen_at(at)) ++at;
    place = at;
    at = static_cast<std::uint8_t>(at + 2);
  }
  return places;
}();

/// The identity that a text of 36 characters spells; false when it spells none.
bool read_canonical(std::string_view text, uuid& out) noexcept {
  unsigned wrong = 0;
  for (std::size_t i = 0; i < out.bytes.size(); ++i) {
    const unsigned high = digit_values[static_cast<unsigned char>(text[digit_places[i]])];
    const unsigned low = digit_values[static_cast<unsigned char>(text[digit_places[i] + 1U])];
    wrong |= high | low;
    out.bytes[i] = static_cast<std::uint8_t>(high << 4U | (low & 15U));
  }
  const bool hyphens = text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-';
  return hyphens && (wrong & no_digit) == 0;
}

uuid with_version(uuid id, int version) noexcept {
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | (version << 4));
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);  // variant 10
  return id;
}

}  // namespace

bool is_canonical_uuid(std::string_view text) noexcept {
  uuid ignored;
  return text.size() == 36 && read_canonical(text, ignored);
}

result<uuid> uuid::parse(std::string_view text) {
  uuid id;
  if (text.size() == 36 && read_canonical(text, id)) return id;
  return fail(errc::invalid_argument,
              "'" + std::string(text.substr(0, 64)) +
                  "' is not a UUID in its canonical form (36 lower-case characters, as in "
                  "0197c2d0-7b1e-7000-8000-000000000001)");
}

void uuid::print_to(std::span<char, 36> out) const noexcept {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    out[digit_places[i]] = digits[bytes[i] >> 4U];
    out[digit_places[i] + 1U] = digits[bytes[i] & 15U];
  }
  out[8] = out[13] = out[18] = out[23] = '-';
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
