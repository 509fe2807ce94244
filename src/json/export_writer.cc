// Writes lines of docs/export.md. See export.h.
#include <algorithm>
#include <charconv>
#include <cstring>

#include "annals/json/base64.h"
#include "annals/json/encode.h"
#include "annals/json/export.h"
#include "annals/json/validate.h"
#include "annals/stream.h"
#include "scan.h"

namespace annals {
inline namespace v1 {
namespace json {
namespace {

void append_uuid(std::string& out, const uuid& id) {
  const auto size = out.size();
  out.resize(size + 36);
  id.print_to(std::span<char, 36>(out.data() + size, 36));
}

void append_id(std::string& out, std::string_view member, const uuid& id) {
  if (id.is_nil()) return;
  out += member;
  append_uuid(out, id);
  out += '"';
}

void append_hex(std::string& out, std::span<const std::uint8_t> bytes) {
  constexpr std::string_view hex = "0123456789abcdef";
  for (const auto byte : bytes) {
    out += hex[byte >> 4U];
    out += hex[byte & 15U];
  }
}

/// The bytes that a string can take, quotes and escapes included.
std::size_t longest_string(std::string_view text) noexcept {
  return 6 * text.size() + 2;
}

/// Where a line is being written, in memory that has room for it.
struct line_end {
  char* at;

  line_end& put(std::string_view text) noexcept {
    std::memcpy(at, text.data(), text.size());
    at += text.size();
    return *this;
  }
  template <class Integer>
    requires std::is_integral_v<Integer>
  line_end& put(Integer number) noexcept {
    at = std::to_chars(at, at + 24, number).ptr;
    return *this;
  }
  line_end& put(const uuid& id) noexcept {
    id.print_to(std::span<char, 36>(at, 36));
    at += 36;
    return *this;
  }
  line_end& put_string(std::string_view text) {
    if (is_plain(text)) return put("\"").put(text).put("\"");
    std::string escaped;
    append_string(escaped, text);
    return put(escaped);
  }
  /// The time of day, and the quote behind it.
  line_end& put_clock(time_point time) noexcept {
    auto left = (time - std::chrono::floor<std::chrono::days>(time)).count();
    put("00:00:00.000000Z\"");
    const auto digits = [&](int before_end, int width, std::int64_t unit) {
      auto value = left / unit;
      left %= unit;
      for (char* to = at - before_end + width; width > 0; --width, value /= 10)
        *--to = static_cast<char>('0' + value % 10);
    };
    digits(17, 2, 3'600'000'000);
    digits(14, 2, 60'000'000);
    digits(11, 2, 1'000'000);
    digits(8, 6, 1);
    return *this;
  }
};

std::string_view text_of(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool has_any(const append_context& context) noexcept {
  return !context.command_id.is_nil() || !context.correlation_id.is_nil() ||
         !context.causation_id.is_nil() || context.trace != trace_context{} ||
         !context.tracestate.empty() || !context.user_metadata.empty();
}

/// As append_string, with a short way for text that needs no escapes.
void append_text(std::string& out, std::string_view text) {
  if (!is_plain(text)) return append_string(out, text);
  out += '"';
  out += text;
  out += '"';
}

constexpr std::string_view raw_data = R"(,"data":)";

/// True when the bytes can stand in a line as they are, and come back so.
bool stands_as_it_is(std::string_view text) {
  if (text.empty() || text.front() <= ' ' || text.back() <= ' ') return false;
  return text.find('\n') == std::string_view::npos && text.find('\r') == std::string_view::npos &&
         is_valid(text);
}

}  // namespace

const std::string& export_text::checked() {
  const std::string_view text = text_;
  const auto bad = std::ranges::find_if_not(unchecked_, [&](const payload& one) {
    return stands_as_it_is(text.substr(one.at, one.length));
  });
  if (bad != unchecked_.end()) encode_from(static_cast<std::size_t>(bad - unchecked_.begin()));
  unchecked_.clear();
  return text_;
}

void export_text::encode_from(std::size_t number) {
  const std::string_view text = text_;
  std::string encoded;
  std::size_t copied = 0;
  for (const auto& one : std::span(unchecked_).subspan(number)) {
    const auto data = text.substr(one.at, one.length);
    if (stands_as_it_is(data)) continue;
    encoded += text.substr(copied, one.at - raw_data.size() - copied);
    encoded += R"(,"codec":"json","data_base64":")";
    append_base64(encoded, std::as_bytes(std::span(data)));
    encoded += '"';
    copied = one.at + one.length;
  }
  encoded += text.substr(copied);
  text_ = std::move(encoded);
}

void export_text::take(std::string& memory) {
  checked();
  std::swap(text_, memory);
  clear();
}

void export_text::clear() noexcept {
  text_.clear();
  unchecked_.clear();
}

void export_writer::take(export_text& memory) noexcept {
  std::swap(lines_.text_, memory.text_);
  std::swap(lines_.unchecked_, memory.unchecked_);
  lines_.clear();
}

void export_writer::begin(const uuid& store_id) {
  text_ += R"({"annals_export":1,"store_id":")";
  append_uuid(text_, store_id);
  text_ += "\"}\n";
}

void export_writer::end() {
  text_ += R"({"annals_export_end":{"events":)";
  append_integer(text_, events_);
  text_ += R"(,"lines":)";
  append_integer(text_, line_count_);
  text_ += "}}\n";
}

void export_writer::add(const history_entry& entry) {
  std::visit([this](const auto& one) { add_entry(one); }, entry);
}

void export_writer::add_entry(const import_request& append) {
  ++appends_;
  const bool tells_append = append.events.size() != 1 || has_any(append.context);
  if (append.events.empty()) {
    text_ += '{';
    add_append(append);
    text_ += "}\n";
    ++line_count_;
  }
  bool first = true;
  for (const auto& event : append.events) {
    add_event(event, first && tells_append ? &append : nullptr);
    first = false;
  }
}

void export_writer::add_append(const import_request& append) {
  const auto& context = append.context;
  text_ += R"("append":{"events":)";
  append_integer(text_, append.events.size());
  append_id(text_, R"(,"command_id":")", context.command_id);
  append_id(text_, R"(,"command_digest":")", context.command_digest);
  const bool implied = !append.events.empty() && append.stream == append.events.front().stream;
  if (!append.stream.empty() && !implied && !context.command_id.is_nil()) {
    text_ += R"(,"stream":)";
    append_text(text_, append.stream);
  }
  append_id(text_, R"(,"correlation_id":")", context.correlation_id);
  append_id(text_, R"(,"causation_id":")", context.causation_id);
  if (context.trace != trace_context{}) {
    text_ += R"(,"trace_id":")";
    append_hex(text_, context.trace.trace_id);
    text_ += R"(","span_id":")";
    append_hex(text_, context.trace.span_id);
    text_ += R"(","trace_flags":)";
    append_integer(text_, unsigned{context.trace.flags});
  }
  if (!context.tracestate.empty()) {
    if (is_utf8(context.tracestate)) {
      text_ += R"(,"tracestate":)";
      append_text(text_, context.tracestate);
    } else {
      text_ += R"(,"tracestate_base64":")";
      append_base64(text_, std::as_bytes(std::span(context.tracestate)));
      text_ += '"';
    }
  }
  if (!context.user_metadata.empty()) {
    if (const auto text = text_of(context.user_metadata); stands_as_it_is(text)) {
      text_.append(R"(,"user_metadata":)").append(text);
    } else {
      text_ += R"(,"user_metadata_base64":")";
      append_base64(text_, context.user_metadata);
      text_ += '"';
    }
  }
  text_ += '}';
}

void export_writer::add_event(const imported_event& one, const import_request* first_of) {
  ++events_;
  ++line_count_;
  const auto& event = one.event;
  add_identity(one);
  if (event.genesis) text_ += R"(,"genesis":true)";
  if (!event.tags.empty()) {
    text_ += R"(,"tags":)";
    encode_list(event.tags, text_, '[', ']',
                [&](std::string_view tag) { append_text(text_, tag); });
  }
  if (first_of != nullptr) {
    text_ += ',';
    add_append(*first_of);
  }
  if (event.codec == codec::json) {
    text_ += raw_data;
    lines_.unchecked_.push_back({text_.size(), event.payload.size()});
    text_.append(text_of(event.payload)).append("}\n");
    return;
  }
  text_ += R"(,"data_base64":")";
  append_base64(text_, event.payload);
  text_ += "\"}\n";
}

// What every event has: straight into memory that is made for it once.
void export_writer::add_identity(const imported_event& one) {
  constexpr std::size_t fixed = 320;  // bytes; names of members, ids, numbers, time
  const auto& event = one.event;
  const std::string_view day = day_of(*event.timestamp);
  const auto size = text_.size();
  const auto most = size + fixed + longest_string(one.stream) + longest_string(event.type);
  text_.resize_and_overwrite(most, [&](char* data, std::size_t) {
    line_end to{data + size};
    to.put(R"({"position":)").put(one.position.sequence);
    to.put(R"(,"stream":)").put_string(one.stream);
    to.put(R"(,"version":)").put(one.version.number);
    to.put(R"(,"type":)").put_string(event.type);
    to.put(R"(,"schema":)").put(event.schema);
    to.put(R"(,"event_id":")").put(event.event_id);
    if (day.empty())
      to.put(R"(","timestamp_us":)").put(event.timestamp->time_since_epoch().count());
    else
      to.put(R"(","timestamp":")").put(day).put_clock(*event.timestamp);
    to.put(R"(,"hlc":")").put(one.recorded.bits).put("\"");
    return static_cast<std::size_t>(to.at - data);
  });
}

// Its date and a T; empty where RFC 3339 cannot say it.
std::string_view export_writer::day_of(time_point time) {
  constexpr time_point first = std::chrono::sys_days(std::chrono::year(1) / 1 / 1);
  constexpr time_point beyond = std::chrono::sys_days(std::chrono::year(10'000) / 1 / 1);
  if (time < first || time >= beyond) return {};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  if (day != day_ || day_text_.empty()) {
    day_ = day;
    day_text_ = to_rfc3339(day).substr(0, 11);
  }
  return day_text_;
}

void export_writer::add_entry(const retained_stream& retained) {
  ++line_count_;
  text_ += R"({"retention":{"stream":)";
  append_text(text_, retained.stream);
  text_ += R"(,"truncate_before":)";
  append_integer(text_, retained.truncate_before.number);
  text_ += retained.tombstone ? R"(,"tombstone":true,"max_age_us":)"
                              : R"(,"tombstone":false,"max_age_us":)";
  append_integer(text_, retained.max_age.count());
  text_ += R"(,"max_count":)";
  append_integer(text_, retained.max_count);
  text_ += "}}\n";
}

}  // namespace json
}  // namespace v1
}  // namespace annals
