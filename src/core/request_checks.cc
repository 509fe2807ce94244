#include "request_checks.h"

#include <algorithm>

#include "annals/limits.h"
#include "annals/stream.h"

namespace annals {
inline namespace v1 {
namespace {

/// Where something stands in a request: its text is made only when there is an error to name it.
template <class Where>
concept whereabouts = std::is_invocable_r_v<std::string, Where>;

result<void> over(std::size_t actual, std::size_t limit, const std::string& what,
                  std::string_view name) {
  return fail(errc::limit_exceeded, what + ": " + std::to_string(actual) + " is over limits::" +
                                        std::string(name) + " (" + std::to_string(limit) + ")");
}

result<void> within(std::size_t actual, std::size_t limit, std::string_view what,
                    std::string_view name) {
  if (actual <= limit) return {};
  return over(actual, limit, std::string(what), name);
}

result<void> within(std::size_t actual, std::size_t limit, const whereabouts auto& where,
                    std::string_view part, std::string_view name) {
  if (actual <= limit) return {};
  return over(actual, limit, where() + std::string(part), name);
}

result<void> invalid(std::string_view where, std::string_view what) {
  return fail(errc::invalid_argument, std::string(where) + ": " + std::string(what));
}

result<void> invalid(const whereabouts auto& where, std::string_view what) {
  return invalid(std::string_view(where()), what);
}

/// "list[3]", and what it stands in before that.
auto element(std::string_view list, std::size_t index) {
  return [=] { return std::string(list) + '[' + std::to_string(index) + ']'; };
}
auto element(const whereabouts auto& outer, std::string_view list, std::size_t index) {
  return [=] { return outer() + '.' + element(list, index)(); };
}

/// The first failure of a list of checks, or success.
result<void> first_failure(std::initializer_list<result<void>> checks) {
  for (const auto& check : checks)
    if (!check) return check;
  return {};
}

result<void> check_tags(std::span<const std::string_view> tags, const whereabouts auto& where) {
  for (const auto tag : tags) {
    auto size = within(tag.size(), limits::tag_bytes, where, "", "tag_bytes");
    if (!size) return size;
    const auto colon = tag.find(':');
    if (colon == 0 || colon == std::string_view::npos)
      return invalid(where, "a tag has the form key:value, found '" + std::string(tag) + "'");
    if (!is_utf8(tag)) return invalid(where, "a tag must be UTF-8");
  }
  return {};
}

result<void> check_type(std::string_view type, const whereabouts auto& where) {
  if (type.empty()) return invalid(where, "an event type must not be empty");
  if (!is_utf8(type)) return invalid(where, "an event type must be UTF-8");
  return within(type.size(), limits::event_type_bytes, where, "", "event_type_bytes");
}

result<void> check_event(const new_event& event, const whereabouts auto& where) {
  if (event.schema == 0) return invalid(where, "schemas count from 1");
  if (event.codec != codec::json && event.codec != codec::binary)
    return invalid(where, "unknown codec");
  auto checked = check_type(event.type, where);
  if (checked)
    checked =
        within(event.payload.size(), limits::payload_bytes, where, " payload", "payload_bytes");
  if (checked)
    checked = within(event.tags.size(), limits::tags_per_event, where, " tags", "tags_per_event");
  return checked ? check_tags(event.tags, where) : checked;
}

result<void> check_query(const query& matching, const whereabouts auto& where) {
  auto checked =
      within(matching.items.size(), limits::items_per_query, where, "", "items_per_query");
  for (const auto& item : matching.items) {
    if (!checked) return checked;
    checked =
        first_failure({within(item.types.size() + item.tags.size(), limits::terms_per_query_item,
                              where, "", "terms_per_query_item"),
                       check_tags(item.tags, where)});
    for (const auto type : item.types)
      if (checked) checked = check_type(type, where);
  }
  return checked;
}

result<void> check_clock(hlc reading, std::string_view what) {
  return within(reading.milliseconds(), limits::clock_milliseconds, what, "clock_milliseconds");
}

result<void> check_context(const append_context& context) {
  return first_failure({check_clock(context.received, "clock reading received"),
                        within(context.user_metadata.size(), limits::user_metadata_bytes,
                               "user metadata", "user_metadata_bytes"),
                        within(context.tracestate.size(), limits::tracestate_bytes, "tracestate",
                               "tracestate_bytes")});
}

struct append_size {
  std::size_t events = 0;
  std::size_t bytes = 0;
  void add(const new_event& event) {
    ++events;
    bytes += event.payload.size() + event.type.size();
    for (const auto tag : event.tags) bytes += tag.size();
  }
  result<void> check() const {
    return first_failure(
        {within(events, limits::events_per_append, "events of an append", "events_per_append"),
         within(bytes, limits::append_bytes, "bytes of an append", "append_bytes")});
  }
};

result<void> check_stream_write(const stream_write& write, const whereabouts auto& where,
                                bool alone) {
  auto checked = check_stream_name(write.name);
  if (!checked) return fail(checked.error().code(), where() + ": " + checked.error().message());
  const auto kind = write.expected.what();
  if (!alone && (kind == expect::kind::any || kind == expect::kind::exists))
    return invalid(where, "expect '" + write.expected.to_string() +
                              "' is for appends to one stream; say none or at(version)");
  for (std::size_t i = 0; i < write.events.size(); ++i) {
    checked = check_event(write.events[i], element(where, "events", i));
    if (!checked) return checked;
  }
  return {};
}

result<void> check_names_differ(std::span<const stream_write> streams) {
  if (streams.size() < 2) return {};
  std::vector<std::string_view> names;
  names.reserve(streams.size());
  for (const auto& write : streams) names.push_back(write.name);
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice == names.end()) return {};
  return invalid("streams", "'" + std::string(*twice) + "' is listed twice in one append");
}

}  // namespace

result<void> check_append(const append_request& request, const store_info& info) {
  if (request.streams.empty()) return invalid("streams", "an append names at least one stream");
  if (request.streams.size() > 1 && !info.multi_stream_appends)
    return fail(errc::unsupported, "streams: this engine appends to one stream at a time");
  if (!request.unless.empty() && !info.append_conditions)
    return fail(errc::unsupported, "unless: this engine has no append conditions");
  auto checked = first_failure(
      {within(request.streams.size(), limits::streams_per_append, "streams", "streams_per_append"),
       within(request.unless.size(), limits::conditions_per_append, "unless",
              "conditions_per_append"),
       check_context(request.context), check_names_differ(request.streams)});
  append_size size;
  for (std::size_t i = 0; checked && i < request.streams.size(); ++i) {
    checked =
        check_stream_write(request.streams[i], element("streams", i), request.streams.size() == 1);
    for (const auto& event : request.streams[i].events) size.add(event);
  }
  for (std::size_t i = 0; checked && i < request.unless.size(); ++i)
    checked = check_query(request.unless[i].matching, element("unless", i));
  if (!checked) return checked;
  if (size.events == 0 && request.context.command_id.is_nil())
    return invalid("streams", "an append without events needs a command id to remember");
  return size.check();
}

result<void> check_read(const read_request& request) {
  const auto& filter = request.filter;
  auto checked = first_failure({within(filter.categories.size(), limits::categories_per_filter,
                                       "filter categories", "categories_per_filter"),
                                check_query(filter.matching, [] { return "filter"; })});
  if (!checked) return checked;
  if (request.stream.empty()) {
    if (request.snapshot.accept) return invalid("snapshot", "only stream reads start from one");
    return {};
  }
  if (request.snapshot.accept && request.direction == direction::backwards)
    return invalid("snapshot", "only forward reads start from one");
  if (!request.after.is_start())
    return invalid("after", "checkpoints are for reads of the whole store; say `from` a version");
  return check_stream_name(request.stream);
}

result<void> check_list(const list_request& request) {
  if (request.limit == 0) return invalid("limit", "must be at least 1");
  return within(request.limit, limits::streams_per_page, "limit", "streams_per_page");
}

result<void> check_snapshot(const snapshot_write& write) {
  if (write.version.number == 0) return invalid("version", "a snapshot folds at least one event");
  return first_failure(
      {check_stream_name(write.stream),
       within(write.state.size(), limits::snapshot_bytes, "snapshot", "snapshot_bytes")});
}

namespace {

result<void> check_imported(const import_request& request, append_size& size) {
  auto checked = check_context(request.context);
  if (checked && !request.stream.empty()) checked = check_stream_name(request.stream);
  for (std::size_t i = 0; checked && i < request.events.size(); ++i) {
    const auto& imported = request.events[i];
    const auto where = element("events", i);
    const bool is_checked = !request.stream.empty() && imported.stream == request.stream;
    if (!is_checked) checked = check_stream_name(imported.stream);
    if (checked) checked = check_event(imported.event, where);
    if (checked)
      checked = within(imported.recorded.milliseconds(), limits::clock_milliseconds, where,
                       " clock reading", "clock_milliseconds");
    if (checked && (imported.event.event_id.is_nil() || !imported.event.timestamp))
      return invalid(where, "an imported event has its id and timestamp");
    size.add(imported.event);
  }
  if (checked && !request.context.command_id.is_nil() && request.context.command_digest.is_nil())
    return invalid("context", "an imported command id comes with its digest");
  if (checked && request.events.empty() && request.context.command_id.is_nil())
    return invalid("events", "an import without events needs a command id to remember");
  return checked ? size.check() : checked;
}

}  // namespace

result<void> check_import(std::span<const history_entry> entries) {
  auto checked = within(entries.size(), limits::appends_in_flight, "entries", "appends_in_flight");
  std::size_t bytes = 0;
  for (std::size_t i = 0; checked && i < entries.size(); ++i) {
    append_size size;
    if (const auto* request = std::get_if<import_request>(&entries[i]))
      checked = check_imported(*request, size);
    else
      checked = check_stream_name(std::get<retained_stream>(entries[i]).stream);
    bytes += size.bytes;
  }
  if (!checked) return checked;
  return within(bytes, limits::appends_in_flight_bytes, "bytes of the entries",
                "appends_in_flight_bytes");
}

}  // namespace v1
}  // namespace annals
