#pragma once

#include <cstdint>
#include <string_view>

#include "annals/event.h"

/// The thin facade to telemetry: spans, counters and logs. Without a backend it compiles to
/// nothing, so core pays nothing for it; a backend replaces the bodies, not the calls.
///
/// Source:  docs/architecture.md, "The seams".
namespace annals {
inline namespace v1 {
namespace obs {

/// An operation in progress, ended by its destructor. False when nobody records it: build
/// attributes only inside `if (span)`.
class span {
 public:
  constexpr span(std::string_view /*name*/, const trace_context& /*parent*/) noexcept {}
  span(const span&) = delete;
  span& operator=(const span&) = delete;
  constexpr explicit operator bool() const noexcept { return false; }
  constexpr void set(std::string_view /*key*/, std::string_view /*value*/) noexcept {}
  constexpr void set(std::string_view /*key*/, std::uint64_t /*value*/) noexcept {}
  /// Marks the operation as failed with the name of an error code.
  constexpr void fail(std::string_view /*error_type*/) noexcept {}
  /// The context that children and stored events carry; the parent's when nothing is recorded.
  constexpr trace_context context() const noexcept { return {}; }
};

/// A monotonic count, e.g. of appended events.
class counter {
 public:
  constexpr explicit counter(std::string_view /*name*/) noexcept {}
  constexpr void add(std::uint64_t /*amount*/) const noexcept {}
};

/// Logs one line at level info.
constexpr void info(std::string_view /*message*/) noexcept {}

}  // namespace obs
}  // namespace v1
}  // namespace annals
