#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "annals/terminal.h"

namespace annals {
inline namespace v1 {
namespace terminal {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_shown{500};   // jobs that are done by then show nothing
constexpr milliseconds redraw{100};        // on a terminal
constexpr milliseconds line_every{2'000};  // elsewhere
constexpr int bar_width = 24;              // characters

double seconds_of(std::chrono::nanoseconds time) {
  return static_cast<double>(time.count()) / 1e9;
}

}  // namespace

progress::progress(std::string label, std::uint64_t total, std::string unit, std::FILE* out,
                   env& environment)
    : label_(std::move(label)),
      total_(total),
      unit_(std::move(unit)),
      out_(out),
      env_(environment),
      is_terminal_(::isatty(::fileno(out)) == 1),
      started_(environment.monotonic()),
      drawn_(started_ + first_shown - (is_terminal_ ? redraw : line_every)) {}

void progress::advance_to(std::uint64_t done, std::uint64_t items) {
  done_ = done;
  items_ = items != 0 ? items : done;
  const auto now = env_.monotonic();
  if (now - drawn_ < (is_terminal_ ? redraw : line_every)) return;
  drawn_ = now;
  shown_ = true;
  const auto text = is_terminal_ ? "\r\x1b[K" + line() : line() + '\n';
  std::fputs(text.c_str(), out_);
  std::fflush(out_);
}

void progress::finish() {
  if (shown_ && is_terminal_) {
    std::fputs("\r\x1b[K", out_);
    std::fflush(out_);
  }
  shown_ = false;
}

std::string progress::line() const {
  const double elapsed = std::max(seconds_of(drawn_ - started_), 1e-9);
  std::string text = label_ + "  ";
  if (total_ != 0) {
    const double part = std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
    const int filled = static_cast<int>(part * bar_width);
    if (is_terminal_)
      text += '[' + std::string(static_cast<std::size_t>(filled), '#') +
              std::string(static_cast<std::size_t>(bar_width - filled), '.') + "] ";
    text += std::to_string(static_cast<int>(part * 100)) + " %  ";
  }
  const auto rate = static_cast<std::uint64_t>(static_cast<double>(items_) / elapsed);
  text += with_thousands(items_) + ' ' + unit_ + ", " + with_thousands(rate) + "/s";
  if (total_ != 0 && done_ != 0) {
    const double whole = elapsed * static_cast<double>(total_) / static_cast<double>(done_);
    text += ", " + time_left(std::max(0.0, whole - elapsed)) + " left";
  }
  return text;
}

std::string progress::time_left(double seconds) const {
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  if (whole < 60) return std::to_string(whole) + " s";
  if (whole < 3600) return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + std::to_string(whole / 60 % 60) + " min";
}

}  // namespace terminal
}  // namespace v1
}  // namespace annals
