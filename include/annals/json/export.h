#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "annals/history.h"

/// A store's history as lines of JSON, and back, byte for byte.
namespace annals {
inline namespace v1 {
namespace json {

/// Lines of an export, whose JSON payloads may not have been looked at yet. The look takes longer
/// than writing the lines, and can be taken on another thread.
///
/// Threads: one at a time.
class export_text {
 public:
  /// Bytes, as far as they are known before the look.
  std::size_t size() const noexcept { return text_.size(); }
  /// The lines. Payloads that do not stand in them as they are (not valid, or with line feeds) are
  /// encoded now.
  const std::string& checked();
  /// The same, in exchange for memory that is not used any more.
  void take(std::string& memory);
  void clear() noexcept;

 private:
  friend class export_writer;

  struct payload {
    std::size_t at = 0;
    std::size_t length = 0;
  };
  void encode_from(std::size_t number);

  std::string text_{};
  std::vector<payload> unchecked_{};
};

/// Writes an export. What was written gathers in `text()`, until it is taken away.
///
/// Threads: one.
/// Source:  docs/export.md.
class export_writer {
 public:
  export_writer() = default;
  export_writer(const export_writer&) = delete;
  export_writer& operator=(const export_writer&) = delete;

  void begin(const uuid& store_id);
  void add(const history_entry& entry);
  /// The last line: an export without it was cut off.
  void end();

  const std::string& text() { return lines_.checked(); }
  std::size_t size() const noexcept { return text_.size(); }
  /// Gives out what was written, in exchange for memory that is not used any more.
  void take(export_text& memory) noexcept;
  std::uint64_t events() const noexcept { return events_; }
  std::uint64_t appends() const noexcept { return appends_; }

 private:
  void add_entry(const import_request& append);
  void add_entry(const retained_stream& retained);
  void add_event(const imported_event& event, const import_request* first_of);
  void add_append(const import_request& append);
  void add_identity(const imported_event& event);
  std::string_view day_of(time_point time);

  export_text lines_{};
  std::string& text_ = lines_.text_;
  std::uint64_t events_ = 0;
  std::uint64_t appends_ = 0;
  std::uint64_t line_count_ = 0;  // between the first and the last
  std::chrono::sys_days day_{};
  std::string day_text_{};
};

/// Reads an export, batch by batch: whole appends only.
///
/// Errors:  malformed_input, with the line and what is wrong with it; what stands before it is
///          given out first. limit_exceeded for an append of more than limits::import_append_bytes.
///          The source's own.
/// Threads: one.
/// Cost:    pointer code for lines as export_writer writes them; simdjson for all others.
/// Source:  docs/export.md.
class export_reader {
 public:
  /// Fills memory with the next bytes and answers how many; 0 at the end.
  using source = std::move_only_function<result<std::size_t>(std::span<char>)>;

  explicit export_reader(source from);
  ~export_reader();

  /// Reads the first line: the store the export is of.
  result<uuid> begin();
  /// The next entries, valid until the call after the next, so that one batch can be used while the
  /// next is read; none after the last line.
  result<std::span<const history_entry>> next();

  std::uint64_t bytes() const noexcept { return bytes_; }  ///< of the lines given out
  std::uint64_t lines() const noexcept { return lines_; }
  std::uint64_t events() const noexcept { return events_; }

 private:
  class batch;
  enum class progress : std::uint8_t { whole, partial, end };

  void change_buffers();
  result<bool> fill(bool whole_buffer);
  std::optional<std::string_view> next_line();
  result<bool> read_one();
  result<progress> read_entry();
  result<progress> read_end();
  result<void> check_nothing_follows();
  error cut_off(bool in_append) const;
  std::unexpected<error> wrong(std::string_view what) const;

  source source_;
  std::vector<char> buffer_{};
  std::vector<char> buffer_before_{};  // the batch before points into it
  std::size_t at_ = 0;                 // of the next line
  std::size_t filled_ = 0;
  bool source_ended_ = false;
  bool ended_ = false;
  std::uint64_t bytes_ = 0;
  std::uint64_t lines_ = 0;
  std::uint64_t events_ = 0;
  std::optional<error> problem_{};  // found behind entries that were given out
  std::unique_ptr<batch> batch_;
  std::unique_ptr<batch> batch_before_;
};

}  // namespace json
}  // namespace v1
}  // namespace annals
