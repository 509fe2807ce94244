#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "annals/env.h"
#include "annals/result.h"

/// What command line programs show a person: progress, tables, errors. Nothing that was read from a
/// store or file reaches the terminal with control characters in it.
namespace annals {
inline namespace v1 {
namespace terminal {

/// Groups digits by thousands: "1,234,567.890". Text that is no number stays as it is.
std::string with_thousands(std::string_view number);
std::string with_thousands(std::uint64_t number);

/// The text with control characters shown as \xNN and broken UTF-8 as '?', so that stored data
/// cannot steer the terminal.
std::string printable(std::string_view text);

/// An address of a store with *** where it holds a password: that of a URI's user, and the values
/// of `password` and `sslpassword`.
std::string without_password(std::string_view address);

/// How many columns a UTF-8 text takes, one for each character.
std::size_t width_of(std::string_view text);

enum class align : std::uint8_t { left, right, point };  // point: numbers, at their decimal point
struct column {
  std::string name{};
  terminal::align align = terminal::align::left;
};

/// Rows under headings, aligned by column. Cells are made printable.
class table {
 public:
  explicit table(std::vector<column> columns);
  void row(std::vector<std::string> cells);
  void print(std::FILE* out) const;

 private:
  std::vector<column> columns_;
  std::vector<std::vector<std::string>> rows_{};
};

/// How far a long job is, with rate and time left: one line that is drawn again on a terminal, a
/// line every few seconds elsewhere, nothing at all for jobs that end at once.
///
/// Threads: one at a time.
class progress {
 public:
  /// `total` in units, e.g. bytes; 0 where it is not known.
  progress(std::string label, std::uint64_t total, std::string unit, std::FILE* out = stderr,
           env& environment = posix_env());
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;
  ~progress() { finish(); }

  /// `done` of the total; `items`: what the rate counts, when that is something else.
  void advance_to(std::uint64_t done, std::uint64_t items = 0);
  /// Takes the line off the terminal; the destructor does, too.
  void finish();

 private:
  std::string line() const;
  std::string time_left(double seconds) const;

  std::string label_;
  std::uint64_t total_;
  std::string unit_;
  std::FILE* out_;
  env& env_;
  bool is_terminal_;
  std::chrono::nanoseconds started_;
  std::chrono::nanoseconds drawn_;
  std::uint64_t done_ = 0;
  std::uint64_t items_ = 0;
  bool shown_ = false;
};

/// Prints "program: message" to stderr and answers the exit code of the error.
int report(std::string_view program, const error& problem);

/// Flushes stdout and answers whether all that was printed has arrived.
///
/// Errors:  file_error, e.g. when the disk is full or the reader is gone.
result<void> flush_output();

}  // namespace terminal
}  // namespace v1
}  // namespace annals
