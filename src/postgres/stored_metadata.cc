#include "stored_metadata.h"

#include <charconv>

#include "annals/stream.h"
#include "json_text.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::size_t traceparent_size = 55;  // 00-<32>-<16>-<2>

class member_writer {
 public:
  void key(std::string_view name) {
    text_ += text_.empty() ? '{' : ',';
    append_string(text_, name);
    text_ += ':';
  }
  void id(std::string_view name, const uuid& value) {
    if (!value.is_nil()) text(name, value.to_string());
  }
  void text(std::string_view name, std::string_view value) {
    key(name);
    append_string(text_, value);
  }
  void bytes(std::string_view name, std::span<const std::byte> value) {
    key(name);
    text_ += '"';
    append_base64(text_, value);
    text_ += '"';
  }
  void raw(std::string_view name, std::string_view value) {
    key(name);
    text_ += value;
  }
  void tags(std::span<const std::string_view> all) {
    key("tags");
    char before = '[';
    for (const auto tag : all) {
      text_ += before;
      append_string(text_, tag);
      before = ',';
    }
    text_ += ']';
  }
  std::string finish() && {
    if (!text_.empty()) text_ += '}';
    return std::move(text_);
  }

 private:
  std::string text_{};
};

void append_hex(std::string& out, std::span<const std::uint8_t> bytes) {
  for (const auto byte : bytes) {
    out += hex_digits[byte >> 4U];
    out += hex_digits[byte & 15U];
  }
}

std::string traceparent_of(const trace_context& trace) {
  std::string text = "00-";
  append_hex(text, trace.trace_id);
  text += '-';
  append_hex(text, trace.span_id);
  text += '-';
  append_hex(text, std::span(&trace.flags, 1));
  return text;
}

void read_hex(std::string_view text, std::span<std::uint8_t> out) {
  for (std::size_t i = 0; i < out.size(); ++i)
    std::from_chars(text.data() + 2 * i, text.data() + 2 * i + 2, out[i], 16);
}

trace_context read_traceparent(std::string_view text) {
  trace_context trace;
  if (text.size() != traceparent_size) return trace;
  read_hex(text.substr(3), trace.trace_id);
  read_hex(text.substr(36), trace.span_id);
  read_hex(text.substr(53), std::span(&trace.flags, 1));
  return trace;
}

void read_member(stored_metadata& into, const std::string& name, json_walk& walk) {
  const auto id = [&] { return uuid::parse(walk.string()).value_or(uuid{}); };
  if (name == "command_id") {
    into.command_id = id();
  } else if (name == "correlation_id") {
    into.correlation_id = id();
  } else if (name == "causation_id") {
    into.causation_id = id();
  } else if (name == "traceparent") {
    into.trace = read_traceparent(walk.string());
  } else if (name == "tracestate") {
    into.tracestate = walk.string();
  } else if (name == "tracestate_base64") {
    read_base64(walk.string(), into.tracestate);
  } else if (name == "listed_first") {
    into.listed_first = walk.string();
  } else if (name == "user_base64") {
    read_base64(walk.string(), into.user);
  } else if (name == "timestamp_us") {
    const auto text = walk.value();
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    into.timestamp_us = value;
  } else if (name == "tags") {
    for (bool more = walk.take('[') && !walk.take(']'); more; more = walk.take(','))
      if (auto tag = walk.string(); !tag.empty()) into.tags.push_back(std::move(tag));
    walk.take(']');
  } else {
    (void)walk.value();
  }
}

}  // namespace

// The user's own document comes last, so that it is found again byte for byte.
std::string write_metadata(const append_context& context, const event_extras& extras) {
  member_writer out;
  out.id("command_id", context.command_id);
  out.id("correlation_id", context.correlation_id);
  out.id("causation_id", context.causation_id);
  if (context.trace != trace_context{}) out.text("traceparent", traceparent_of(context.trace));
  if (!context.tracestate.empty()) {
    if (is_utf8(context.tracestate) && context.tracestate.find('\0') == std::string_view::npos)
      out.text("tracestate", context.tracestate);
    else
      out.bytes("tracestate_base64", std::as_bytes(std::span(context.tracestate)));
  }
  if (!extras.tags.empty()) out.tags(extras.tags);
  if (extras.timestamp_us) out.raw("timestamp_us", std::to_string(*extras.timestamp_us));
  if (!extras.listed_first.empty()) out.text("listed_first", extras.listed_first);
  const auto user = context.user_metadata;
  if (!user.empty()) {
    const std::string_view text(reinterpret_cast<const char*>(user.data()), user.size());
    if (is_json(text))
      out.raw("user", text);
    else
      out.bytes("user_base64", user);
  }
  return std::move(out).finish();
}

stored_metadata read_metadata(std::string_view document) {
  stored_metadata read;
  json_walk walk(document);
  for (bool more = walk.take('{'); more; more = walk.take(',')) {
    const auto name = walk.string();
    if (!walk.take(':')) break;
    if (name == "user") {
      const auto rest = walk.rest();
      read.user = rest.substr(0, rest.size() - 1);
      break;
    }
    read_member(read, name, walk);
  }
  return read;
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
