#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "annals/result.h"

namespace annals {
inline namespace v1 {

/// A moment in UTC, to the microsecond. Timestamps of events, and time points in payloads.
using time_point = std::chrono::sys_time<std::chrono::microseconds>;

/// The largest time point: "no end".
inline constexpr time_point end_of_time = time_point::max();

/// Prints RFC 3339 in UTC with six decimals: "2010-12-01T08:26:00.000000Z".
///
/// Units:   years 0001 to 9999; a time outside is clamped to that range.
std::string to_rfc3339(time_point time);

/// Parses RFC 3339: a date and a time separated by `T` (or a blank), up to six decimals, and `Z` or
/// a numeric offset. Leap seconds and more decimals are refused.
///
/// Units:   years 0001 to 9999, in UTC.
/// Errors:  invalid_argument, naming what was found.
result<time_point> parse_rfc3339(std::string_view text);

}  // namespace v1
}  // namespace annals
