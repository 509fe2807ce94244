#include "annals/time.h"

#include <algorithm>
#include <array>

namespace annals {
inline namespace v1 {
namespace {

using std::chrono::days;
using std::chrono::microseconds;
using std::chrono::minutes;

constexpr auto date(int year, unsigned month, unsigned day) {
  return std::chrono::sys_days(std::chrono::year(year) / std::chrono::month(month) /
                               std::chrono::day(day));
}
constexpr time_point earliest = date(1, 1, 1);
constexpr time_point latest = date(9999, 12, 31) + days(1) - microseconds(1);

/// Writes `value` with leading zeros into the `width` characters at `out`.
char* put(char* out, std::int64_t value, int width) noexcept {
  for (int i = width - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return out + width;
}

/// Takes the parts of a text one after the other; remembers whether all were there.
class parts {
 public:
  explicit parts(std::string_view text) : rest_(text) {}

  int number(std::size_t width) {
    int value = 0;
    for (std::size_t i = 0; i < width; ++i) {
      if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') return failed();
      value = value * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return value;
  }
  void expect(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos) {
      failed();
    } else {
      rest_.remove_prefix(1);
    }
  }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// Up to six decimals after a point, as microseconds.
  int fraction() {
    if (!take('.')) return 0;
    int value = 0;
    int width = 0;
    for (; width < 6 && !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; ++width)
      value = value * 10 + number(1);
    if (width == 0) return failed();
    for (; width < 6; ++width) value *= 10;
    return value;
  }
  /// "Z", or a numeric offset to UTC.
  minutes offset() {
    if (take('Z')) return {};
    const bool minus = rest_.starts_with('-');
    expect("+-");
    const int hours = number(2);
    expect(":");
    const int rest = number(2);
    if (hours > 23 || rest > 59) failed();
    const minutes total(hours * 60 + rest);
    return minus ? -total : total;
  }
  bool good() const { return good_ && rest_.empty(); }

 private:
  int failed() {
    good_ = false;
    return 0;
  }
  std::string_view rest_;
  bool good_ = true;
};

}  // namespace

std::string to_rfc3339(time_point time) {
  time = std::clamp(time, earliest, latest);
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day calendar(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::string text = "0000-00-00T00:00:00.000000Z";
  char* out = text.data();
  out = put(out, static_cast<int>(calendar.year()), 4) + 1;
  out = put(out, static_cast<unsigned>(calendar.month()), 2) + 1;
  out = put(out, static_cast<unsigned>(calendar.day()), 2) + 1;
  out = put(out, clock.hours().count(), 2) + 1;
  out = put(out, clock.minutes().count(), 2) + 1;
  out = put(out, clock.seconds().count(), 2) + 1;
  put(out, clock.subseconds().count(), 6);
  return text;
}

result<time_point> parse_rfc3339(std::string_view text) {
  parts in(text);
  const int year = in.number(4);
  in.expect("-");
  const int month = in.number(2);
  in.expect("-");
  const int day = in.number(2);
  in.expect("Tt ");
  const int hour = in.number(2);
  in.expect(":");
  const int minute = in.number(2);
  in.expect(":");
  const int second = in.number(2);
  const int fraction = in.fraction();
  const auto offset = in.offset();
  const std::chrono::year_month_day calendar(std::chrono::year(year),
                                             std::chrono::month(static_cast<unsigned>(month)),
                                             std::chrono::day(static_cast<unsigned>(day)));
  const auto refused = [&](std::string_view why) {
    return fail(errc::invalid_argument, "'" + std::string(text.substr(0, 64)) + std::string(why));
  };
  if (!in.good() || !calendar.ok() || year < 1 || hour > 23 || minute > 59 || second > 59)
    return refused("' is not a time in RFC 3339, as in 2010-12-01T08:26:00Z");
  const auto time = time_point(std::chrono::sys_days(calendar)) + std::chrono::hours(hour) +
                    minutes(minute) + std::chrono::seconds(second) + microseconds(fraction) -
                    offset;
  if (time < earliest || time > latest)
    return refused("' is, in UTC, outside the years 0001 to 9999");
  return time;
}

}  // namespace v1
}  // namespace annals
