#pragma once

#include <compare>
#include <cstdint>

namespace annals {
inline namespace v1 {

/// The place of an event in its stream: 1, 2, 3 …; 0 is the empty stream.
///
/// Units:   events.
/// Source:  docs/architecture.md, "Words".
struct version {
  std::uint64_t number = 0;

  static constexpr version max() noexcept { return {UINT64_MAX}; }
  constexpr version next() const noexcept { return {number + 1}; }
  friend constexpr auto operator<=>(version, version) noexcept = default;
};

}  // namespace v1
}  // namespace annals
