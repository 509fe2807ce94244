// Gathers the lines of an export into appends. See export.h.
#include <algorithm>
#include <cstring>
#include <tuple>

#include "annals/json/export.h"
#include "annals/limits.h"
#include "export_line.h"

namespace annals {
inline namespace v1 {
namespace json {
namespace {

constexpr std::size_t batch_bytes = 1U << 20U;  // of lines, unless one append has more
constexpr std::size_t batch_entries = limits::appends_in_flight / 4;

}  // namespace

/// What one call of next() gives out. Grows while lines are read; entries point into it only once
/// nothing is added any more.
class export_reader::batch {
 public:
  void clear() {
    events_.clear();
    tags_.clear();
    tag_counts_.clear();
    appends_.clear();
    entries_.clear();
    decoded_.clear();
  }

  export_line line{};
  decoded_texts& decoded() noexcept { return decoded_; }
  std::size_t entries() const noexcept { return appends_.size(); }
  std::size_t events() const noexcept { return events_.size(); }

  void add_event() {
    events_.push_back(line.event);
    tags_.insert(tags_.end(), line.tags.begin(), line.tags.end());
    tag_counts_.push_back(line.tags.size());
  }
  void add_append(const told_append& told, std::size_t first_event) {
    appends_.push_back({.first = first_event, .told = told});
  }
  void add_retained() { appends_.push_back({.retained = line.retained, .is_retention = true}); }
  /// Takes back an append that is not whole.
  void drop_events(std::size_t first) {
    while (events_.size() > first) {
      tags_.resize(tags_.size() - tag_counts_.back());
      tag_counts_.pop_back();
      events_.pop_back();
    }
  }

  std::span<const history_entry> entries_out() {
    const std::string_view* tags = tags_.data();
    for (std::size_t i = 0; i < events_.size(); ++i) {
      events_[i].event.tags = {tags, tag_counts_[i]};
      tags += tag_counts_[i];
    }
    for (const auto& one : appends_) {
      if (one.is_retention) {
        entries_.emplace_back(one.retained);
        continue;
      }
      const std::span events(events_.data() + one.first, one.told.events);
      auto stream = one.told.stream;
      if (stream.empty() && !events.empty()) stream = events.front().stream;
      entries_.emplace_back(
          import_request{.events = events, .context = one.told.context, .stream = stream});
    }
    return entries_;
  }

 private:
  struct part {
    std::size_t first = 0;
    told_append told{};
    retained_stream retained{};
    bool is_retention = false;
  };
  std::vector<imported_event> events_{};
  std::vector<std::string_view> tags_{};
  std::vector<std::size_t> tag_counts_{};
  std::vector<part> appends_{};
  std::vector<history_entry> entries_{};
  decoded_texts decoded_{};
};

export_reader::export_reader(source from)
    : source_(std::move(from)),
      buffer_(batch_bytes),
      buffer_before_(batch_bytes),
      batch_(std::make_unique<batch>()),
      batch_before_(std::make_unique<batch>()) {}

export_reader::~export_reader() = default;

std::unexpected<error> export_reader::wrong(std::string_view what) const {
  return fail(errc::malformed_input, "line " + std::to_string(lines_) + ": " + std::string(what));
}

// What was given out stays where it is; what is left goes into the memory of the batch before.
void export_reader::change_buffers() {
  std::swap(batch_, batch_before_);
  batch_->clear();
  const auto left = filled_ - at_;
  if (buffer_before_.size() < left) buffer_before_.resize(buffer_.size());
  std::memcpy(buffer_before_.data(), buffer_.data() + at_, left);
  std::swap(buffer_, buffer_before_);
  at_ = 0;
  filled_ = left;
}

// Makes room, and reads: once, or until the room is full. False at the end of the source. Only
// while nothing points into the memory.
result<bool> export_reader::fill(bool whole_buffer) {
  if (source_ended_) return false;
  if (filled_ == buffer_.size()) {
    if (filled_ >= limits::import_append_bytes)
      return fail(errc::limit_exceeded, "line " + std::to_string(lines_ + 1) +
                                            ": the lines of an append are longer than "
                                            "limits::import_append_bytes (" +
                                            std::to_string(limits::import_append_bytes) + ")");
    buffer_.resize(std::min(2 * filled_, limits::import_append_bytes));
  }
  do {
    const auto got = source_(std::span(buffer_).subspan(filled_));
    if (!got) return std::unexpected(got.error());
    filled_ += *got;
    source_ended_ = *got == 0;
  } while (whole_buffer && !source_ended_ && filled_ < buffer_.size());
  return true;
}

// The next line of what is in memory, without its end; none where no whole line is there.
std::optional<std::string_view> export_reader::next_line() {
  const char* const start = buffer_.data() + at_;
  const auto* const end = static_cast<const char*>(std::memchr(start, '\n', filled_ - at_));
  if (end == nullptr) return std::nullopt;
  at_ += static_cast<std::size_t>(end - start) + 1;
  ++lines_;
  return std::string_view(start, static_cast<std::size_t>(end - start));
}

result<bool> export_reader::read_one() {
  const auto text = next_line();
  if (!text) return false;
  batch_->line = {};
  if (read_canonical_event(*text, batch_->line, batch_->decoded())) return true;
  batch_->line = {};
  if (auto read = read_line(*text, batch_->line, batch_->decoded()); !read)
    return fail(read.error().code(),
                "line " + std::to_string(lines_) + ": " + read.error().message());
  return true;
}

result<uuid> export_reader::begin() {
  for (;;) {
    const auto read = read_one();
    if (!read) return std::unexpected(read.error());
    if (*read) break;
    const auto more = fill(false);
    if (!more) return std::unexpected(more.error());
    if (*more) continue;
    lines_ = 1;
    return wrong(filled_ == 0 ? "the export is empty" : "the export is cut off in its first line");
  }
  if (batch_->line.kind != line_kind::header)
    return wrong(R"(an export begins with {"annals_export":1,"store_id":"…"})");
  return batch_->line.store_id;
}

// One entry, whole; `partial` when its lines are not all in memory.
result<export_reader::progress> export_reader::read_entry() {
  const auto first = read_one();
  if (!first) return std::unexpected(first.error());
  if (!*first) return progress::partial;
  auto& line = batch_->line;
  const auto events_before = batch_->events();
  switch (line.kind) {
    case line_kind::header: return wrong("a second first line");
    case line_kind::end: return read_end();
    case line_kind::retention: batch_->add_retained(); return progress::whole;
    case line_kind::append: batch_->add_append(line.append, events_before); return progress::whole;
    case line_kind::event: break;
  }
  auto told = line.tells_append ? line.append : told_append{.events = 1};
  if (told.events == 0 || told.events > limits::events_per_append)
    return wrong("an append has 1 to limits::events_per_append (" +
                 std::to_string(limits::events_per_append) + ") events, found " +
                 std::to_string(told.events));
  batch_->add_event();
  for (std::uint64_t i = 1; i < told.events; ++i) {
    const auto next = read_one();
    if (!next) return std::unexpected(next.error());
    if (!*next) return progress::partial;
    if (line.kind != line_kind::event || line.tells_append)
      return wrong("event " + std::to_string(i + 1) + " of " + std::to_string(told.events) +
                   " of an append was expected");
    batch_->add_event();
  }
  batch_->add_append(told, events_before);
  return progress::whole;
}

result<export_reader::progress> export_reader::read_end() {
  const auto& line = batch_->line;
  const auto events = events_ + batch_->events();
  if (line.events != events || line.lines != lines_ - 2)
    return wrong("the last line tells of " + std::to_string(line.events) + " events on " +
                 std::to_string(line.lines) + " lines, there are " + std::to_string(events) +
                 " on " + std::to_string(lines_ - 2) + "; lines are missing, or were added");
  ended_ = true;
  return progress::end;
}

result<void> export_reader::check_nothing_follows() {
  while (filled_ == at_) {
    const auto more = fill(false);
    if (!more) return std::unexpected(more.error());
    if (!*more) return {};
  }
  ++lines_;
  return wrong("something follows the last line");
}

error export_reader::cut_off(bool in_append) const {
  std::string what = ": the export ends before its last line";
  if (in_append)
    what = ": the export ends in the middle of an append";
  else if (filled_ != at_)
    what = ": the export ends in the middle of a line";
  return {errc::malformed_input, "line " + std::to_string(lines_ + 1) + what +
                                     "; it was cut off, make it again and import all of it"};
}

result<std::span<const history_entry>> export_reader::next() {
  if (problem_) return std::unexpected(*problem_);
  bytes_ += at_;
  change_buffers();
  if (ended_) {
    if (auto last = check_nothing_follows(); !last) return std::unexpected(last.error());
    return std::span<const history_entry>{};
  }
  bool waited = false;  // for more of the first entry
  while (!ended_ && batch_->entries() < batch_entries && at_ < batch_bytes) {
    const auto [at, lines, events] = std::tuple(at_, lines_, batch_->events());
    auto read = read_entry();
    if (read && *read == progress::whole) continue;
    if (read && *read == progress::end) break;
    if (!read) {
      problem_ = read.error();
    } else if (source_ended_) {
      problem_ = cut_off(batch_->events() != events);
    }
    batch_->drop_events(events);
    at_ = at;
    lines_ = lines;
    if (problem_ || batch_->entries() != 0) break;
    batch_->clear();
    const auto more = fill(waited);
    if (!more) return std::unexpected(more.error());
    waited = true;
  }
  if (problem_ && batch_->entries() == 0) return std::unexpected(*problem_);
  if (ended_ && batch_->entries() == 0) return next();  // the last line alone
  events_ += batch_->events();
  return batch_->entries_out();
}

}  // namespace json
}  // namespace v1
}  // namespace annals
