#pragma once

#include <compare>
#include <cstdint>

#include "annals/time.h"

namespace annals {
inline namespace v1 {

/// A hybrid logical clock reading: when the store recorded an event. A Lamport clock that also
/// tells time: it grows strictly with the sequence and is merged from what a writer received.
///
/// Units:   high 48 bits UTC milliseconds, low 16 bits counter; an overflowing counter carries into
///          the milliseconds.
/// Source:  Kulkarni et al., "Logical Physical Clocks", 2014; docs/architecture.md, "Words".
struct hlc {
  std::uint64_t bits = 0;

  static constexpr hlc at(time_point time) noexcept {
    const auto ms = time.time_since_epoch().count() / 1000;
    return {ms <= 0 ? 0 : static_cast<std::uint64_t>(ms) << 16};
  }
  constexpr std::uint64_t milliseconds() const noexcept { return bits >> 16; }
  constexpr std::uint16_t counter() const noexcept { return static_cast<std::uint16_t>(bits); }
  constexpr time_point time() const noexcept {
    return time_point(std::chrono::milliseconds(static_cast<std::int64_t>(milliseconds())));
  }
  constexpr hlc plus(std::uint64_t events) const noexcept { return {bits + events}; }
  friend constexpr auto operator<=>(hlc, hlc) noexcept = default;
};

/// The first reading that is later than `last` and `received`, and not before `now`.
constexpr hlc next_hlc(hlc last, hlc received, time_point now) noexcept {
  const hlc seen = last < received ? received : last;
  const hlc physical = hlc::at(now);
  return physical > seen ? physical : seen.plus(1);
}

}  // namespace v1
}  // namespace annals
