#pragma once

namespace annals {
inline namespace v1 {

/// Prints what was expected and where, then aborts. Called by ANNALS_ASSERT only.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line,
                                   const char* why) noexcept;

}  // namespace v1
}  // namespace annals

/// Stops the process when a programmer broke the contract. Always on; never used for input from
/// users, network or disk, which get an `error`.
#define ANNALS_ASSERT(expression, why) \
  ((expression) ? void() : ::annals::assertion_failed(#expression, __FILE__, __LINE__, why))
