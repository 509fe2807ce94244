#include <cstdio>

#include "annals/json/base64.h"
#include "annals/stream.h"
#include "annals/terminal.h"
#include "verbs.h"

namespace annals_cli {

using annals::json::writer;

void add_common_options(annals::arguments::verb& verb, command_line& line) {
  verb.add_option("--store", line.store, "Address of the store: file:DIRECTORY or postgres://…",
                  {.shows_default = true, .kind = "ADDRESS"});
  verb.add_flag("--json", line.json, "Write JSON, one document a line");
}

annals::result<std::unique_ptr<annals::event_store>> open_store(const command_line& line) {
  return annals::open(line.store, {.create = false, .read_only = true});
}

annals::result<void> check_output() {
  if (std::ferror(stdout) == 0) return {};
  return annals::terminal::flush_output();
}

annals::result<void> print_line(const writer& out) {
  std::fputs(out.text().c_str(), stdout);
  std::fputc('\n', stdout);
  return check_output();
}

std::string to_base64(std::span<const std::byte> bytes) {
  std::string out;
  annals::json::append_base64(out, bytes);
  return out;
}

namespace {

void write_id(writer& out, std::string_view name, const std::optional<annals::uuid>& id) {
  if (id) out.member(name, id->to_string());
}

std::string hex_of(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const auto byte : bytes) {
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

}  // namespace

void write_event(writer& out, const annals::event_view& view) {
  const auto m = view.metadata();
  out.begin_object().member("position", m.position.to_string()).member("stream", m.stream);
  out.member("version", m.version.number).member("type", m.event_type);
  out.member("schema", std::uint64_t{m.schema}).member("event_id", m.event_id.to_string());
  out.member("aggregate_id", m.aggregate_id.to_string());
  out.member("timestamp", annals::to_rfc3339(m.timestamp));
  out.member("recorded", annals::to_rfc3339(m.recorded.time())).member("hlc", m.recorded.bits);
  write_id(out, "correlation_id", m.correlation_id);
  write_id(out, "causation_id", m.causation_id);
  write_id(out, "command_id", m.command_id);
  if (m.genesis) out.member("genesis", true);
  if (!m.tags.empty()) {
    out.key("tags").begin_array();
    for (const auto& tag : m.tags) out.value(tag);
    out.end_array();
  }
  if (m.trace.valid()) {
    out.member("trace_id", hex_of(m.trace.trace_id)).member("span_id", hex_of(m.trace.span_id));
    if (!m.tracestate.empty()) out.member("tracestate", m.tracestate);
  }
  if (!m.user_metadata.empty()) out.member("user_metadata_base64", to_base64(m.user_metadata));
  const bool is_text = m.codec == annals::codec::json && annals::is_utf8(view.text()) &&
                       view.text().find('\n') == std::string_view::npos && !view.text().empty();
  if (is_text) {
    out.key("data").raw(view.text());
  } else {
    out.member("data_base64", to_base64(view.payload()));
  }
  out.end_object();
}

}  // namespace annals_cli
