#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "annals/uuid.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// What can be looked up in index files; docs/format.md, "Index files".
enum class term_kind : std::uint8_t {
  stream = 1,
  type = 2,
  category = 3,
  tag = 4,
  command = 5,    // runs only
  retention = 6,  // runs only
};
inline constexpr std::size_t term_kinds = 7;  // with 0, which is unused

constexpr bool is_term_kind(std::uint64_t number) noexcept {
  return number >= 1 && number < term_kinds;
}

/// The hash of a term, seeded with the store's hash seed. Two terms may have one hash: what it
/// finds is compared with the log before it is believed.
std::uint64_t term_hash(std::uint64_t seed, term_kind kind,
                        std::span<const std::byte> bytes) noexcept;

/// The bytes of a stream key or command id as a term.
inline std::span<const std::byte> term_bytes(const uuid& id) noexcept {
  return std::as_bytes(std::span(id.bytes));
}
/// The bytes of a number in a dictionary as a term.
inline std::span<const std::byte> term_bytes(const std::uint32_t& number) noexcept {
  return std::as_bytes(std::span(&number, 1));
}
/// The bytes of a tag as a term.
inline std::span<const std::byte> term_bytes(std::string_view tag) noexcept {
  return std::as_bytes(std::span(tag));
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
