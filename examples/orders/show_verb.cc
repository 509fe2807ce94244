#include <algorithm>
#include <charconv>
#include <cstdio>

#include "annals/terminal.h"
#include "orders/ids.h"
#include "orders/pipeline.h"
#include "orders/summary.h"
#include "orders/verbs.h"

namespace orders {
namespace {

using annals::terminal::printable;
using annals::terminal::with_thousands;

/// A version (digits) or a time (RFC 3339, or a date for its first moment).
annals::result<annals::at> parse_at(const std::string& text) {
  if (text.empty()) return annals::at{};
  std::uint64_t version = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (problem == std::errc{} && end == text.data() + text.size())
    return annals::at(annals::version{version});
  for (const auto* rest : {"", "Z", "T00:00:00Z"})
    if (const auto time = annals::parse_rfc3339(text + rest)) return annals::at(*time);
  return annals::fail(annals::errc::invalid_argument,
                      "--at '" + text +
                          "' is neither a version nor a time; expected a number, or "
                          "a time as in 2010-12-01T08:26:00Z");
}

uuid parse_id(const std::string& text) {
  const auto id = uuid::parse(text);
  return id ? *id : order_id(text);
}

void print_state(const uuid& id, const annals::loaded<order>& found) {
  const auto& o = found.state;
  const auto line = [](const char* name, const std::string& value) {
    std::printf("%-11s %s\n", name, printable(value).c_str());
  };
  line("order", id.to_string());
  line("status", std::string(name_of(o.status)));
  line("version", std::to_string(found.version.number));
  line("customer", o.content.customer.value_or(text(no_customer)));
  line("country", o.content.country);
  line("total", with_thousands(o.content.total.to_string()) + " " + o.content.currency);
  if (o.payment) line("payment", o.payment->payment_id.to_string());
  if (!o.tracking_number.empty()) line("tracking", o.tracking_number);
  if (o.status == status::delivered) line("delivered", annals::to_rfc3339(o.delivered_at));
  if (o.status == status::cancelled) line("cancelled", o.cancel_reason);
  std::puts("");
  annals::terminal::table items({{"product"},
                                 {"quantity", annals::terminal::align::right},
                                 {"unit price", annals::terminal::align::point}});
  for (const auto& i : o.content.items)
    items.row({i.product, with_thousands(std::to_string(i.quantity)),
               with_thousands(i.unit_price.to_string())});
  items.print(stdout);
}

void print_history(const std::vector<annals::event_record>& events) {
  std::puts("");
  annals::terminal::table history({{"version", annals::terminal::align::right},
                                   {"time (UTC)"},
                                   {"event"},
                                   {"position", annals::terminal::align::right}});
  for (const auto& e : events)
    history.row({std::to_string(e.metadata().version.number),
                 annals::to_rfc3339(e.metadata().timestamp), e.metadata().event_type,
                 e.metadata().position.to_string()});
  history.print(stdout);
}

void write_state(const uuid& id, const annals::loaded<order>& found) {
  const auto& o = found.state;
  std::string content;
  annals::json::encode(o.content, content);
  annals::json::writer out;
  out.begin_object().member("order_id", id.to_string()).member("status", name_of(o.status));
  out.member("version", found.version.number).key("content").raw(content);
  if (o.payment) out.member("payment_id", o.payment->payment_id.to_string());
  if (!o.tracking_number.empty()) out.member("tracking_number", o.tracking_number);
  if (o.status == status::delivered) out.member("delivered_at", annals::to_rfc3339(o.delivered_at));
  if (o.status == status::cancelled) out.member("cancel_reason", o.cancel_reason);
  print_document(out.end_object());
}

/// The events that the state shown was folded from.
annals::result<std::vector<annals::event_record>> history_of(annals::event_store& store,
                                                             const std::string& stream,
                                                             annals::version last) {
  std::vector<annals::event_record> events;
  const auto end =
      store.read({.stream = stream, .to = last}, [&](const annals::event_batch& batch) {
        for (const auto& view : batch.events) events.emplace_back(view);
        return annals::flow::more;
      });
  if (!end) return std::unexpected(end.error());
  return events;
}

annals::result<void> show(const command_line& line, const std::string& name,
                          const std::string& when) {
  const auto at = parse_at(when);
  if (!at) return std::unexpected(at.error());
  auto store = open_for_reading(line);
  if (!store) return std::unexpected(store.error());
  const order_category category(**store, "order");
  const auto id = parse_id(name);
  const auto found = category.load(id, *at);
  if (!found) return std::unexpected(found.error());
  if (found->version.number == 0)
    return annals::fail(annals::errc::aggregate_not_found,
                        "no order " + name + (when.empty() ? "" : " at " + when) + " in " +
                            annals::terminal::without_password(line.store) +
                            "; expected an order's UUID or invoice number");
  if (line.json) {
    write_state(id, *found);
    return {};
  }
  print_state(id, *found);
  const auto events = history_of(**store, category.stream_of(id), found->version);
  if (!events) return std::unexpected(events.error());
  print_history(*events);
  return {};
}

}  // namespace

void add_show(annals::arguments::verb& program, command_line& line) {
  auto verb = program.add_verb("show", "Show an order, now or at a point of its history");
  const auto id = std::make_shared<std::string>();
  const auto when = std::make_shared<std::string>();
  verb.add_option("ID", *id, "The order's UUID, or its invoice number", {.required = true});
  verb.add_option("--at", *when, "A version, or a time in UTC", {.kind = "VERSION|TIME"});
  add_common_options(verb, line);
  verb.footer("Example: orders show 536365 --at 2010-12-01T08:26:00Z");
  verb.runs([&line, id, when] { return show(line, *id, *when); });
}

}  // namespace orders
