#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "annals/result.h"

namespace orders {

inline constexpr std::size_t longest_record = 1U << 20U;  // bytes, one CSV record
inline constexpr std::size_t most_fields = 64;            // in one CSV record

/// Reads a CSV file (RFC 4180), plain or gzip, record by record. Tolerates CRLF, a byte-order mark
/// and a missing line end after the last record.
///
/// Units:   records up to longest_record bytes, most_fields fields.
/// Threads: one.
class csv_reader {
 public:
  ~csv_reader();
  csv_reader(const csv_reader&) = delete;
  csv_reader& operator=(const csv_reader&) = delete;

  /// Errors:  file_error when the file cannot be opened.
  static annals::result<std::unique_ptr<csv_reader>> open(const std::string& path);

  /// Reads the next record; false at the end of the file. Malformed records are skipped whole, so
  /// that reading can go on after the error.
  ///
  /// Errors:  file_error when the file cannot be read (a broken gzip, say); malformed_input for bad
  ///          quoting, bad UTF-8, or a record over a limit: `problem_column()` says where.
  annals::result<bool> next();

  /// The fields of the current record, valid until the next call of next().
  std::span<const std::string_view> fields() const noexcept { return fields_; }
  /// The line on which the current record begins, from 1.
  std::uint64_t line() const noexcept { return line_; }
  /// Of the last malformed record: the field it was found in, from 1.
  std::size_t problem_column() const noexcept { return problem_column_; }

  /// Compressed bytes read so far, and in all; for progress.
  std::uint64_t bytes_read() const;
  std::uint64_t bytes_total() const noexcept { return bytes_total_; }

 private:
  struct input;
  explicit csv_reader(std::unique_ptr<input> in, std::uint64_t bytes_total);

  annals::result<bool> fill();
  annals::result<std::optional<std::size_t>> find_end();
  annals::result<bool> split(std::string_view record);
  std::unexpected<annals::error> malformed(std::string reason);

  std::unique_ptr<input> input_;
  std::uint64_t bytes_total_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // of what is not yet consumed
  std::size_t end_ = 0;
  bool at_end_ = false;
  std::vector<std::string_view> fields_{};
  std::string unquoted_{};  // fields with doubled quotes, rewritten
  std::uint64_t line_ = 0;
  std::uint64_t next_line_ = 1;
  std::size_t problem_column_ = 0;
};

}  // namespace orders
