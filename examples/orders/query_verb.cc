#include "annals/terminal.h"
#include "orders/summary.h"
#include "orders/verbs.h"

namespace orders {
namespace {

constexpr std::size_t default_customers = 10;
constexpr std::size_t every_line = SIZE_MAX;

using print_models = std::function<void(const read_models&)>;
using write_models = std::function<void(annals::json::writer&, const read_models&)>;

/// Folds the read models and shows one of them.
annals::result<void> query_store(const command_line& line, const print_models& print,
                                 const write_models& write) {
  auto store = open_for_reading(line);
  if (!store) return std::unexpected(store.error());
  order_projection models(**store, "order");
  if (const auto folded = models.catch_up(); !folded) return std::unexpected(folded.error());
  if (line.json) {
    annals::json::writer out;
    write(out, models.model());
    print_document(out);
  } else {
    print(models.model());
  }
  return {};
}

annals::arguments::verb add_model(annals::arguments::verb& query, command_line& line,
                                  const std::string& name, const std::string& description,
                                  print_models print, write_models write) {
  auto model = query.add_verb(name, description);
  add_common_options(model, line);
  model.footer("Example: orders query " + name + (name == "customer" ? " 17850" : "") + " --json");
  model.runs([&line, print = std::move(print), write = std::move(write)] {
    return query_store(line, print, write);
  });
  return model;
}

}  // namespace

void add_query(annals::arguments::verb& program, command_line& line) {
  auto query = program.add_verb("query", "Show a read model");
  query.footer("Example: orders query customers --most 5");
  add_model(query, line, "status", "Orders by status", print_statuses, write_statuses);
  add_model(
      query, line, "countries", "Revenue by country",
      [](const read_models& m) {
        print_revenue("Revenue by country", "country", m.by_country, every_line);
      },
      [](annals::json::writer& out, const read_models& m) { write_revenue(out, m.by_country); });
  add_model(
      query, line, "days", "Revenue by day",
      [](const read_models& m) { print_revenue("Revenue by day", "day", m.by_day, every_line); },
      [](annals::json::writer& out, const read_models& m) { write_revenue(out, m.by_day); });
  const auto most = std::make_shared<std::size_t>(default_customers);
  add_model(
      query, line, "customers", "Customers by revenue",
      [most](const read_models& m) { print_top_customers(m, *most); },
      [most](annals::json::writer& out, const read_models& m) {
        write_top_customers(out, m, *most);
      })
      .add_option("--most", *most, "How many", {.shows_default = true});
  const auto customer = std::make_shared<std::string>();
  add_model(
      query, line, "customer", "The orders of one customer",
      [customer](const read_models& m) { print_orders(orders_of(m, *customer)); },
      [customer](annals::json::writer& out, const read_models& m) {
        write_orders(out, orders_of(m, *customer));
      })
      .add_option("CUSTOMER", *customer, "As in the file, e.g. 17850; (none) for orders without",
                  {.required = true});
}

}  // namespace orders
