#include "orders/summary.h"

#include <algorithm>
#include <cstdio>

#include "annals/terminal.h"

namespace orders {
namespace {

using annals::terminal::align;
using annals::terminal::table;
using annals::terminal::with_thousands;

// The file's currency; revenue in others stands in the read models.
const text currency_of_summary = "GBP";

money in(const std::map<text, money>& by_currency, const text& currency) {
  const auto found = by_currency.find(currency);
  return found == by_currency.end() ? money{} : found->second;
}

void add_store_figures(std::vector<figure>& figures, const read_models& models,
                       std::uint64_t events_in_store, std::uint64_t new_events) {
  figures.push_back({"events in store", std::to_string(events_in_store)});
  figures.push_back({"new events", std::to_string(new_events)});
  figures.push_back(
      {"gross revenue", in(models.gross, currency_of_summary).to_string(), currency_of_summary});
  figures.push_back(
      {"net revenue", in(models.net, currency_of_summary).to_string(), currency_of_summary});
}

void write_line(annals::json::writer& out, std::string_view name, const revenue_key& key,
                const revenue& line) {
  out.begin_object().member(name, key.name).member("currency", key.currency);
  out.member("orders", line.orders).key("revenue").raw(line.amount.to_string()).end_object();
}

std::string minutes_of(annals::time_point time) {
  auto text = annals::to_rfc3339(time).substr(0, 16);
  text[10] = ' ';
  return text;
}

}  // namespace

std::vector<figure> figures_of(const import_report& r, const read_models& models,
                               std::uint64_t events_in_store) {
  std::vector<figure> figures;
  const auto add = [&](std::string name, std::uint64_t number) {
    figures.push_back({std::move(name), std::to_string(number)});
  };
  add("invoices", r.invoices);
  add("orders", r.orders);
  add("created", r.created);
  add("rejected no_items", r.rejected_no_items);
  add("paid", r.paid);
  add("credit notes", r.credit_notes);
  add("cancelled", r.cancelled);
  add("unmatched", r.unmatched);
  add("adjustments", r.adjustments);
  add("items", r.items);
  if (r.bad_lines != 0) add("bad lines", r.bad_lines);
  if (r.refused != 0) add("refused", r.refused);
  add_store_figures(figures, models, events_in_store, r.new_events);
  return figures;
}

std::vector<figure> figures_of(const generate_report& r, const read_models& models,
                               std::uint64_t events_in_store) {
  std::vector<figure> figures;
  figures.push_back({"commands", std::to_string(r.commands)});
  for (const auto& [reason, count] : r.rejected)
    figures.push_back({"rejected " + reason, std::to_string(count)});
  add_store_figures(figures, models, events_in_store, r.new_events);
  return figures;
}

void print_figures(const std::vector<figure>& figures) {
  std::size_t name_width = 0;
  std::size_t number_width = 0;
  for (const auto& f : figures) {
    name_width = std::max(name_width, f.name.size());
    number_width = std::max(number_width, with_thousands(f.number).size());
  }
  for (const auto& f : figures)
    std::printf("%-*s  %*s%s%s\n", static_cast<int>(name_width), f.name.c_str(),
                static_cast<int>(number_width), with_thousands(f.number).c_str(),
                f.unit.empty() ? "" : " ", f.unit.c_str());
}

void write_figures(annals::json::writer& out, const std::vector<figure>& figures) {
  for (const auto& f : figures) {
    auto name = f.name;
    std::ranges::replace(name, ' ', '_');
    out.key(name).raw(f.number);
  }
}

void print_statuses(const read_models& models) {
  std::puts("\nOrders by status");
  table t({{"status"}, {"orders", align::right}});
  for (std::size_t i = 1; i < status_count; ++i)
    t.row({std::string(name_of(static_cast<status>(i))), with_thousands(models.by_status[i])});
  t.print(stdout);
}

void print_revenue(const std::string& title, const std::string& name, const revenue_by& lines,
                   std::size_t most) {
  std::printf("\n%s\n", title.c_str());
  table t({{name}, {"orders", align::right}, {"revenue", align::point}, {"currency"}});
  std::size_t printed = 0;
  for (const auto& [key, line] : lines) {
    if (printed++ == most) break;
    t.row({key.name, with_thousands(std::to_string(line.orders)),
           with_thousands(line.amount.to_string()), key.currency});
  }
  t.print(stdout);
  if (lines.size() > most)
    std::printf("… and %s more\n", with_thousands(lines.size() - most).c_str());
}

void print_top_customers(const read_models& models, std::size_t most) {
  std::puts("\nTop customers");
  table t({{"customer"}, {"orders", align::right}, {"revenue", align::point}, {"currency"}});
  for (const auto& [key, line] : top_customers(models, most))
    t.row({key.name, with_thousands(std::to_string(line.orders)),
           with_thousands(line.amount.to_string()), key.currency});
  t.print(stdout);
}

void print_orders(const std::vector<std::pair<uuid, order_line>>& lines) {
  table t(
      {{"order"}, {"date (UTC)"}, {"status"}, {"total", align::point}, {"currency"}, {"country"}});
  for (const auto& [id, line] : lines)
    t.row({id.to_string(), minutes_of(line.date), std::string(name_of(line.status)),
           with_thousands(line.total.to_string()), line.currency, line.country});
  t.print(stdout);
}

void write_statuses(annals::json::writer& out, const read_models& models) {
  out.begin_object();
  for (std::size_t i = 1; i < status_count; ++i)
    out.member(name_of(static_cast<status>(i)), models.by_status[i]);
  out.end_object();
}

void write_revenue(annals::json::writer& out, const revenue_by& lines) {
  out.begin_array();
  for (const auto& [key, line] : lines) write_line(out, "name", key, line);
  out.end_array();
}

void write_top_customers(annals::json::writer& out, const read_models& models, std::size_t most) {
  out.begin_array();
  for (const auto& [key, line] : top_customers(models, most)) write_line(out, "name", key, line);
  out.end_array();
}

void write_orders(annals::json::writer& out,
                  const std::vector<std::pair<uuid, order_line>>& lines) {
  out.begin_array();
  for (const auto& [id, line] : lines) {
    out.begin_object()
        .member("order_id", id.to_string())
        .member("date", annals::to_rfc3339(line.date));
    out.member("status", name_of(line.status)).member("country", line.country);
    out.member("currency", line.currency).key("total").raw(line.total.to_string()).end_object();
  }
  out.end_array();
}

void print_document(const annals::json::writer& out) {
  std::printf("%s\n", out.text().c_str());
}

}  // namespace orders
