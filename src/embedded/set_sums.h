#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <type_traits>

#include "xxh3.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Sums over the members of a set, in any order: equal sums are of the same members, each as often,
/// but for a chance of 2^-128.
struct set_sums {
  std::array<std::uint64_t, 2> parts{};

  /// A member is a structure whose bytes tell it.
  template <class Member>
  void add(const Member& one) {
    static_assert(std::has_unique_object_representations_v<Member>);
    for (std::size_t i = 0; i < parts.size(); ++i)
      parts[i] += xxh3_64(i, std::as_bytes(std::span(&one, 1)));
  }
  set_sums& operator+=(const set_sums& other) noexcept {
    for (std::size_t i = 0; i < parts.size(); ++i) parts[i] += other.parts[i];
    return *this;
  }
  friend bool operator==(const set_sums&, const set_sums&) = default;
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
