#include "orders/csv.h"

#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "annals/stream.h"

namespace orders {
namespace {

using annals::errc;
using annals::fail;

constexpr std::size_t read_bytes = 256U << 10U;
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

/// The length of the record at the start of `text`, without its line end; none when its end is not
/// in sight. `open_quote`: it ends inside a quoted field.
std::optional<std::size_t> record_length(std::string_view text, bool& open_quote) {
  open_quote = false;
  const auto line_end = text.find('\n');
  const auto quote = text.find('"');
  if (quote == std::string_view::npos || quote > line_end)
    return line_end == std::string_view::npos ? std::nullopt : std::optional(line_end);
  // A quote opens a field only at its start; inside, two stand for one.
  bool at_field_start = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (open_quote) {
      if (c != '"') continue;
      if (i + 1 < text.size() && text[i + 1] == '"') {
        ++i;
      } else {
        open_quote = false;
      }
    } else if (c == '\n') {
      return i;
    } else if (c == '"' && at_field_start) {
      open_quote = true;
    }
    at_field_start = !open_quote && c == ',';
  }
  return std::nullopt;
}

}  // namespace

struct csv_reader::input {
  explicit input(gzFile opened) : file(opened) {}
  ~input() { gzclose_r(file); }
  input(const input&) = delete;
  input& operator=(const input&) = delete;
  gzFile file;
};

csv_reader::csv_reader(std::unique_ptr<input> in, std::uint64_t bytes_total)
    : input_(std::move(in)), bytes_total_(bytes_total), buffer_(2 * read_bytes) {}

csv_reader::~csv_reader() = default;

annals::result<std::unique_ptr<csv_reader>> csv_reader::open(const std::string& path) {
  struct stat facts{};
  const bool found = ::stat(path.c_str(), &facts) == 0;
  if (found && S_ISDIR(facts.st_mode))
    return fail(errc::file_error, path + " is a directory; expected a CSV file, plain or gzip");
  const gzFile file = found ? gzopen(path.c_str(), "rb") : nullptr;
  if (file == nullptr)
    return fail(errc::file_error, "cannot open " + path + ": " + std::strerror(errno));
  gzbuffer(file, read_bytes);
  const auto total = S_ISREG(facts.st_mode) ? static_cast<std::uint64_t>(facts.st_size) : 0;
  return std::unique_ptr<csv_reader>(new csv_reader(std::make_unique<input>(file), total));
}

std::uint64_t csv_reader::bytes_read() const {
  const auto offset = gzoffset(input_->file);
  return offset < 0 ? 0 : static_cast<std::uint64_t>(offset);
}

// True when there is more than before.
annals::result<bool> csv_reader::fill() {
  if (at_end_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() - end_ < read_bytes) buffer_.resize(end_ + read_bytes);
  const int got = gzread(input_->file, buffer_.data() + end_, read_bytes);
  int problem = Z_OK;
  const char* const text = gzerror(input_->file, &problem);
  if (got < 0 || problem != Z_OK)
    return fail(
        errc::file_error,
        "cannot read the file: " + std::string(problem == Z_ERRNO ? std::strerror(errno) : text));
  end_ += static_cast<std::size_t>(got);
  at_end_ = got == 0;
  return !at_end_;
}

// The length of the record at begin_, or none at the end of the file.
annals::result<std::optional<std::size_t>> csv_reader::find_end() {
  for (;;) {
    const std::string_view rest(buffer_.data() + begin_, end_ - begin_);
    bool open_quote = false;
    const auto length = record_length(rest, open_quote);
    if (length && *length <= longest_record) return length;
    if (!length && rest.size() <= longest_record && !at_end_) {
      const auto more = fill();
      if (!more) return std::unexpected(more.error());
      continue;
    }
    if (rest.empty()) return std::optional<std::size_t>{};
    if (!length && !open_quote && rest.size() <= longest_record) return std::optional(rest.size());
    // A quote that is never closed would swallow the file: its line alone is bad.
    const auto line_end = rest.find('\n');
    begin_ += line_end == std::string_view::npos ? rest.size() : line_end + 1;
    line_ = next_line_++;
    problem_column_ = 1;
    return malformed(open_quote
                         ? "a quoted field is not closed"
                         : "the line is longer than " + std::to_string(longest_record) + " bytes");
  }
}

annals::result<bool> csv_reader::next() {
  for (;;) {
    const auto length = find_end();
    if (!length) return std::unexpected(length.error());
    if (!*length) return false;
    std::string_view record(buffer_.data() + begin_, **length);
    begin_ = std::min(end_, begin_ + record.size() + 1);
    line_ = next_line_;
    next_line_ += 1 + static_cast<std::uint64_t>(std::ranges::count(record, '\n'));
    if (line_ == 1 && record.starts_with(byte_order_mark))
      record.remove_prefix(byte_order_mark.size());
    if (record.ends_with('\r')) record.remove_suffix(1);
    if (!record.empty()) return split(record);
  }
}

annals::result<bool> csv_reader::split(std::string_view record) {
  fields_.clear();
  unquoted_.clear();
  unquoted_.reserve(record.size());  // so that views into it stay
  for (;;) {
    problem_column_ = fields_.size() + 1;
    if (problem_column_ > most_fields)
      return malformed("more than " + std::to_string(most_fields) + " fields");
    std::size_t end = 0;
    if (!record.starts_with('"')) {
      end = std::min(record.find(','), record.size());
      if (record.substr(0, end).find('"') != std::string_view::npos)
        return malformed("a quote inside a field that is not quoted");
      fields_.push_back(record.substr(0, end));
    } else {
      const auto begin = unquoted_.size();
      bool closed = false;
      for (end = 1; end < record.size() && !closed; ++end) {
        closed = record[end] == '"' && !record.substr(end + 1).starts_with('"');
        if (closed) continue;
        unquoted_ += record[end];
        if (record[end] == '"') ++end;  // a doubled quote stands for one
      }
      if (!closed) return malformed("a quote that is not closed");
      if (end < record.size() && record[end] != ',')
        return malformed("text behind a closing quote");
      fields_.push_back(std::string_view(unquoted_).substr(begin));
    }
    if (!annals::is_utf8(fields_.back())) return malformed("not UTF-8");
    if (end == record.size()) return true;
    record.remove_prefix(end + 1);
  }
}

std::unexpected<annals::error> csv_reader::malformed(std::string reason) {
  return fail(errc::malformed_input, std::move(reason));
}

}  // namespace orders
