// Reads events' lines as export_writer writes them. See export_line.h.
#include <cstring>

#include "annals/json/base64.h"
#include "annals/json/validate.h"
#include "export_line.h"
#include "scan.h"

namespace annals {
inline namespace v1 {
namespace json {
namespace {

/// Takes a line apart from its start; every step answers whether it found what it wanted.
class line_cursor {
 public:
  explicit line_cursor(std::string_view line) noexcept
      : at_(line.data()), end_(line.data() + line.size()) {}

  bool take(std::string_view expected) noexcept {
    if (left() < expected.size() || std::memcmp(at_, expected.data(), expected.size()) != 0)
      return false;
    at_ += expected.size();
    return true;
  }

  /// Digits without leading zeros.
  bool number(std::uint64_t& out) noexcept {
    const char* const begin = at_;
    std::uint64_t value = 0;
    for (; at_ != end_ && *at_ >= '0' && *at_ <= '9'; ++at_)
      value = value * 10 + static_cast<std::uint64_t>(*at_ - '0');
    const auto size = at_ - begin;
    out = value;
    return size > 0 && size < 20 && (size == 1 || *begin != '0');  // 19 digits fit always
  }

  /// The rest of a string after its quote, the closing one included; printable ASCII, no escapes.
  bool text(std::string_view& out) noexcept {
    const char* const begin = at_;
    at_ = skip_plain(at_, end_);
    out = {begin, static_cast<std::size_t>(at_ - begin)};
    return take("\"");
  }

  bool id(uuid& out) noexcept {
    if (left() < 36) return false;
    const auto parsed = parse_canonical_uuid({at_, 36});
    if (!parsed) return false;
    out = *parsed;
    at_ += 36;
    return true;
  }

  /// "2010-12-01T08:26:00.000000Z"
  bool time(std::optional<time_point>& out) {
    constexpr std::size_t size = 27;
    if (left() < size || at_[10] != 'T' || at_[19] != '.' || at_[26] != 'Z') return false;
    const auto parsed = parse_rfc3339({at_, size});
    if (!parsed) return false;
    out = *parsed;
    at_ += size;
    return true;
  }

  template <std::size_t Size>
  bool hex(std::array<std::uint8_t, Size>& out) noexcept {
    const auto value_of = [](char c) {
      return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
    };
    if (left() < 2 * Size) return false;
    for (auto& byte : out) {
      const int high = value_of(at_[0]);
      const int low = value_of(at_[1]);
      if (high > 15 || low > 15) return false;
      byte = static_cast<std::uint8_t>(high * 16 + low);
      at_ += 2;
    }
    return true;
  }

  std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  /// All that is left but a closing brace; empty where that is not the last.
  std::string_view rest() const noexcept {
    return left() > 1 && end_[-1] == '}' ? std::string_view(at_, left() - 1) : std::string_view{};
  }

 private:
  const char* at_;
  const char* end_;
};

// User metadata and tracestate are the general reader's.
bool read_append(line_cursor& in, told_append& out) {
  auto& context = out.context;
  if (!in.number(out.events)) return false;
  if (in.take(R"(,"command_id":")") &&
      !(in.id(context.command_id) && in.take(R"(","command_digest":")") &&
        in.id(context.command_digest) && in.take("\"")))
    return false;
  if (in.take(R"(,"stream":")") && !in.text(out.stream)) return false;
  if (in.take(R"(,"correlation_id":")") && !(in.id(context.correlation_id) && in.take("\"")))
    return false;
  if (in.take(R"(,"causation_id":")") && !(in.id(context.causation_id) && in.take("\"")))
    return false;
  if (in.take(R"(,"trace_id":")")) {
    std::uint64_t flags = 0;
    if (!in.hex(context.trace.trace_id) || !in.take(R"(","span_id":")") ||
        !in.hex(context.trace.span_id) || !in.take(R"(","trace_flags":)") || !in.number(flags) ||
        flags > UINT8_MAX)
      return false;
    context.trace.flags = static_cast<std::uint8_t>(flags);
  }
  return in.take("}");
}

bool read_tags(line_cursor& in, std::vector<std::string_view>& out) {
  do {
    std::string_view tag;
    if (!in.take("\"") || !in.text(tag)) return false;
    out.push_back(tag);
  } while (in.take(","));
  return in.take("]");
}

bool read_data(line_cursor& in, new_event& out, decoded_texts& decoded) {
  if (in.take(R"(,"data":)")) {
    const auto text = in.rest();
    if (text.empty() || text.front() <= ' ' || text.back() <= ' ' || !is_valid(text)) return false;
    out.codec = codec::json;
    out.payload = std::as_bytes(std::span(text));
    return true;
  }
  out.codec = in.take(R"(,"codec":"json")") ? codec::json : codec::binary;
  std::string_view text;
  if (!in.take(R"(,"data_base64":")") || !in.text(text) || in.left() != 1 || !in.take("}"))
    return false;
  auto& bytes = decoded.emplace_back();
  if (!parse_base64(text, bytes)) return false;
  out.payload = std::as_bytes(std::span(bytes));
  return true;
}

}  // namespace

bool read_canonical_event(std::string_view line, export_line& out, decoded_texts& decoded) {
  line_cursor in(line);
  auto& event = out.event.event;
  std::uint64_t schema = 0;
  const bool begun = in.take(R"({"position":)") && in.number(out.event.position.sequence) &&
                     in.take(R"(,"stream":")") && in.text(out.event.stream) &&
                     in.take(R"(,"version":)") && in.number(out.event.version.number) &&
                     in.take(R"(,"type":")") && in.text(event.type) && in.take(R"(,"schema":)") &&
                     in.number(schema) && schema <= UINT16_MAX && in.take(R"(,"event_id":")") &&
                     in.id(event.event_id) && in.take(R"(","timestamp":")") &&
                     in.time(event.timestamp) && in.take(R"(","hlc":")") &&
                     in.number(out.event.recorded.bits) && in.take("\"");
  if (!begun) return false;
  out.kind = line_kind::event;
  event.schema = static_cast<std::uint16_t>(schema);
  event.genesis = in.take(R"(,"genesis":true)");
  if (in.take(R"(,"tags":[)") && !read_tags(in, out.tags)) return false;
  out.tells_append = in.take(R"(,"append":{"events":)");
  if (out.tells_append && !read_append(in, out.append)) return false;
  return read_data(in, event, decoded);
}

}  // namespace json
}  // namespace v1
}  // namespace annals
