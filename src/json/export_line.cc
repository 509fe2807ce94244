// Reads any line of an export, through the generic reader. See export_line.h.
#include "export_line.h"

#include <algorithm>
#include <charconv>

#include "annals/json/base64.h"
#include "annals/json/generic.h"
#include "annals/json/validate.h"

namespace annals {
inline namespace v1 {
namespace json {
namespace {

constexpr std::uint64_t known_version = 1;

/// Members of an object: each is known, and those that must be there are.
class line_reader {
 public:
  line_reader(std::string_view line, export_line& out, decoded_texts& decoded, line_form form)
      : line_(line), out_(out), decoded_(decoded), exported_(form == line_form::exported) {}

  result<void> run() {
    if (auto checked = validate(line_); !checked) return checked;
    problem why;
    const bool good = read_document(line_, [this](value& root) { return read_root(root); }, why);
    if (good && problem_.empty()) return {};
    return fail(errc::malformed_input, problem_.empty() ? "expected an object" : problem_);
  }

 private:
  bool wrong(std::string what) {
    if (problem_.empty()) problem_ = std::move(what);
    return false;
  }
  bool expected(std::string_view name, std::string_view what, value& found) {
    return wrong("member '" + std::string(name) + "': expected " + std::string(what) + ", found " +
                 found.excerpt());
  }

  bool read_root(value& root) {
    const bool object = root.for_each_member(
        [this](std::string_view name, value& member) { return read_member(name, member); });
    return object && finish();
  }

  bool read_member(std::string_view name, value& member) {
    ++members_;
    if (!exported_) {
      constexpr std::string_view others[] = {"position", "stream", "version", "hlc"};
      return std::ranges::find(others, name) == std::end(others)
                 ? read_event_member(name, member)
                 : wrong("member '" + std::string(name) + "' is for the store to say");
    }
    if (name == "annals_export") {
      std::uint64_t version = 0;
      out_.kind = line_kind::header;
      is_whole_ = true;
      if (!read_number(name, member, version)) return false;
      return version == known_version ||
             wrong("an export of version " + std::to_string(version) + "; this program knows " +
                   std::to_string(known_version) + ", use a newer one");
    }
    if (name == "store_id") return read_id(name, member, out_.store_id);
    if (name == "annals_export_end") return read_end(member);
    if (name == "retention") return read_retention(member);
    if (name == "append") return read_append(member);
    return read_event_member(name, member);
  }

  // Which members a line has tells what it is.
  bool finish() {
    if (out_.kind == line_kind::header)
      return members_ == 2 && !out_.store_id.is_nil()
                 ? true
                 : wrong("a first line has 'annals_export' and 'store_id'");
    if (is_whole_) return members_ == 1 || wrong("nothing stands beside '" + whole_ + "'");
    if (out_.tells_append && members_ == 1) {
      out_.kind = line_kind::append;
      return out_.append.events == 0 ||
             wrong("an append with events stands in its first event's line");
    }
    out_.kind = line_kind::event;
    constexpr std::string_view names[] = {"position", "stream",   "version",   "type",
                                          "schema",   "event_id", "timestamp", "hlc"};
    const unsigned needed = exported_ ? 0xffU : 1U << 3U;
    for (std::size_t i = 0; i < std::size(names); ++i)
      if ((needed & ~seen_ & 1U << i) != 0)
        return wrong("member '" + std::string(names[i]) + "' is missing");
    if (!has_data_) return wrong("member 'data' is missing");
    auto& event = out_.event.event;
    if (codec_) event.codec = *codec_;
    if (data_is_json_ && event.codec != codec::json)
      return wrong("binary payloads stand in 'data_base64'");
    return true;
  }

  bool whole(std::string_view name, line_kind kind) {
    out_.kind = kind;
    is_whole_ = true;
    whole_ = name;
    return true;
  }

  template <class Read>
  bool read_object(std::string_view name, value& from, Read&& read) {
    const bool object = from.for_each_member(read);
    return object || wrong("member '" + std::string(name) + "': expected an object");
  }

  bool read_end(value& from) {
    whole("annals_export_end", line_kind::end);
    return read_object("annals_export_end", from, [this](std::string_view name, value& member) {
      if (name == "events") return read_number(name, member, out_.events);
      if (name == "lines") return read_number(name, member, out_.lines);
      return unknown(name);
    });
  }

  bool read_retention(value& from) {
    whole("retention", line_kind::retention);
    auto& to = out_.retained;
    unsigned seen = 0;
    const bool good = read_object("retention", from, [&](std::string_view name, value& member) {
      ++seen;
      if (name == "stream") return read_text(name, member, to.stream);
      if (name == "truncate_before") return read_number(name, member, to.truncate_before.number);
      if (name == "tombstone")
        return member.get_bool(to.tombstone) || expected(name, "true or false", member);
      if (name == "max_count") return read_number(name, member, to.max_count);
      if (name != "max_age_us") return unknown(name);
      std::int64_t age = 0;
      if (!read_number(name, member, age)) return false;
      to.max_age = std::chrono::microseconds(age);
      return true;
    });
    return good && (seen == 5 || wrong("'retention' has stream, truncate_before, tombstone, "
                                       "max_age_us and max_count"));
  }

  bool read_append(value& from) {
    out_.tells_append = true;
    auto& to = out_.append;
    bool counted = false;
    const bool good = read_object("append", from, [&](std::string_view name, value& member) {
      if (name == "events") {
        counted = true;
        return read_number(name, member, to.events);
      }
      return name == "stream" ? read_text(name, member, to.stream)
                              : read_context(name, member, to.context);
    });
    return good && (counted || wrong("'append' has a member 'events'"));
  }

  bool read_context(std::string_view name, value& member, append_context& to) {
    if (name == "command_id") return read_id(name, member, to.command_id);
    if (name == "command_digest") return read_id(name, member, to.command_digest);
    if (name == "correlation_id") return read_id(name, member, to.correlation_id);
    if (name == "causation_id") return read_id(name, member, to.causation_id);
    if (name == "trace_id") return read_hex(name, member, to.trace.trace_id);
    if (name == "span_id") return read_hex(name, member, to.trace.span_id);
    if (name == "trace_flags") return read_number(name, member, to.trace.flags);
    if (name == "tracestate") return read_text(name, member, to.tracestate);
    std::string_view bytes;
    if (name == "tracestate_base64") return read_base64(name, member, to.tracestate);
    if (name == "user_metadata") {
      bytes = kept(std::string(member.raw()));
    } else if (name == "user_metadata_base64") {
      if (!read_base64(name, member, bytes)) return false;
    } else {
      return unknown(name);
    }
    to.user_metadata = std::as_bytes(std::span(bytes));
    return true;
  }

  bool read_event_member(std::string_view name, value& member) {
    auto& to = out_.event;
    if (name == "position") return saw(0) && read_number(name, member, to.position.sequence);
    if (name == "stream") return saw(1) && read_text(name, member, to.stream);
    if (name == "version") return saw(2) && read_number(name, member, to.version.number);
    if (name == "type") return saw(3) && read_text(name, member, to.event.type);
    if (name == "schema") return saw(4) && read_number(name, member, to.event.schema);
    if (name == "event_id") return saw(5) && read_id(name, member, to.event.event_id);
    if (name == "timestamp" || name == "timestamp_us") {
      if ((seen_ & 1U << 6U) != 0) return wrong("a timestamp stands there twice");
      return saw(6) && read_time(name, member);
    }
    if (name == "hlc") return saw(7) && read_hlc(member);
    if (name == "genesis")
      return member.get_bool(to.event.genesis) || expected(name, "true or false", member);
    if (name == "tags") return read_tags(member);
    if (name == "codec") return read_codec(member);
    if (name == "data" || name == "data_base64") return read_data(name, member);
    return unknown(name);
  }

  bool read_codec(value& member) {
    std::string_view text;
    if (!read_text("codec", member, text)) return false;
    if (text != "json" && text != "binary") return wrong("member 'codec': expected json or binary");
    codec_ = text == "json" ? codec::json : codec::binary;
    return true;
  }

  bool read_data(std::string_view name, value& member) {
    if (has_data_) return wrong("the payload stands there twice");
    has_data_ = true;
    data_is_json_ = name == "data";
    out_.event.event.codec = data_is_json_ ? codec::json : codec::binary;
    std::string_view bytes;
    if (data_is_json_) {
      bytes = kept(std::string(member.raw()));
    } else if (!read_base64(name, member, bytes)) {
      return false;
    }
    out_.event.event.payload = std::as_bytes(std::span(bytes));
    return true;
  }

  bool read_tags(value& member) {
    const bool good = member.for_each_element(
        [this](value& one) { return read_text("tags", one, out_.tags.emplace_back()); });
    return good || wrong("member 'tags': expected an array of strings");
  }

  bool read_time(std::string_view name, value& member) {
    auto& to = out_.event.event.timestamp;
    if (name == "timestamp_us") {
      std::int64_t microseconds = 0;
      if (!read_number(name, member, microseconds)) return false;
      to = time_point(std::chrono::microseconds(microseconds));
      return true;
    }
    std::string_view text;
    if (!read_text(name, member, text)) return false;
    const auto parsed = parse_rfc3339(text);
    if (!parsed) return wrong("member 'timestamp': " + parsed.error().message());
    to = *parsed;
    return true;
  }

  bool read_hlc(value& member) {
    std::string_view text;
    if (!read_text("hlc", member, text)) return false;
    auto& to = out_.event.recorded.bits;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), to);
    return (bad == std::errc{} && end == text.data() + text.size()) ||
           wrong("member 'hlc': expected a number of 64 bits in quotes");
  }

  template <class Integer>
  bool read_number(std::string_view name, value& member, Integer& out) {
    const auto text = member.number_text();
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (!text.empty() && bad == std::errc{} && end == text.data() + text.size()) return true;
    return expected(name,
                    "an integer of " + std::to_string(8 * sizeof(Integer)) + " bits" +
                        (std::is_unsigned_v<Integer> ? ", not negative" : ""),
                    member);
  }

  bool read_text(std::string_view name, value& member, std::string_view& out) {
    std::string text;
    if (!member.get_string(text)) return expected(name, "a string", member);
    out = kept(std::move(text));
    return true;
  }

  bool read_base64(std::string_view name, value& member, std::string_view& out) {
    std::string text;
    std::string bytes;
    if (!member.get_string(text) || !parse_base64(text, bytes))
      return wrong("member '" + std::string(name) + "': expected base64");
    out = kept(std::move(bytes));
    return true;
  }

  bool read_id(std::string_view name, value& member, uuid& out) {
    std::string text;
    if (!member.get_string(text)) return expected(name, "a UUID", member);
    const auto parsed = uuid::parse(text);
    if (!parsed) return wrong("member '" + std::string(name) + "': " + parsed.error().message());
    out = *parsed;
    return true;
  }

  template <std::size_t Size>
  bool read_hex(std::string_view name, value& member, std::array<std::uint8_t, Size>& out) {
    std::string text;
    bool good = member.get_string(text) && text.size() == 2 * Size;
    for (std::size_t i = 0; good && i < Size; ++i) {
      const char* const pair = text.data() + 2 * i;
      const auto [end, bad] = std::from_chars(pair, pair + 2, out[i], 16);
      good = bad == std::errc{} && end == pair + 2;
    }
    return good || wrong("member '" + std::string(name) + "': expected " +
                         std::to_string(2 * Size) + " hexadecimal digits");
  }

  bool unknown(std::string_view name) {
    return wrong("unknown member '" + std::string(name) + "'");
  }
  bool saw(unsigned which) {
    seen_ |= 1U << which;
    return true;
  }
  std::string_view kept(std::string text) { return decoded_.emplace_back(std::move(text)); }

  std::string_view line_;
  export_line& out_;
  decoded_texts& decoded_;
  bool exported_;
  std::string problem_{};
  std::string whole_{};
  bool is_whole_ = false;
  unsigned seen_ = 0;
  std::size_t members_ = 0;
  bool has_data_ = false;
  bool data_is_json_ = false;
  std::optional<codec> codec_{};
};

}  // namespace

result<void> read_line(std::string_view line, export_line& out, decoded_texts& decoded,
                       line_form form) {
  return line_reader(line, out, decoded, form).run();
}

}  // namespace json
}  // namespace v1
}  // namespace annals
