#include "orders/read_models.h"

#include <algorithm>

namespace orders {
namespace {

constexpr std::size_t day_bytes = 10;  // "2010-12-01"

text day_of(annals::time_point time) {
  return annals::to_rfc3339(time).substr(0, day_bytes);
}

void set_status(read_models& models, order_line& line, status now) {
  if (line.status != status::none) --models.by_status[static_cast<std::size_t>(line.status)];
  line.status = now;
  ++models.by_status[static_cast<std::size_t>(now)];
}

void add_revenue(read_models& models, const order_line& line, std::int64_t orders, money amount) {
  const auto add = [&](revenue_by& lines, text name) {
    auto& total = lines[{std::move(name), line.currency}];
    total.orders += orders;
    total.amount += amount;
  };
  models.net[line.currency] += amount;
  add(models.by_country, line.country);
  add(models.by_day, day_of(line.date));
  add(models.by_customer, line.customer);
}

void move_on(read_models& models, const annals::event_context& context, status now) {
  set_status(models, models.by_id[context.aggregate_id()], now);
}

}  // namespace

void project(read_models& models, const created& e, const annals::event_context& context) {
  auto& line = models.by_id[context.aggregate_id()];
  line.customer = e.customer.value_or(text(no_customer));
  line.country = e.country;
  line.currency = e.currency;
  line.total = e.total;
  line.date = context.timestamp();
  set_status(models, line, status::created);
  models.gross[line.currency] += line.total;
  add_revenue(models, line, 1, line.total);
}

void project(read_models& models, const paid&, const annals::event_context& context) {
  move_on(models, context, status::paid);
}
void project(read_models& models, const shipped&, const annals::event_context& context) {
  move_on(models, context, status::shipped);
}
void project(read_models& models, const delivered&, const annals::event_context& context) {
  move_on(models, context, status::delivered);
}

void project(read_models& models, const cancelled&, const annals::event_context& context) {
  move_on(models, context, status::cancelled);
  const auto& line = models.by_id[context.aggregate_id()];
  add_revenue(models, line, -1, -line.total);
}

std::vector<std::pair<revenue_key, revenue>> top_customers(const read_models& models,
                                                           std::size_t most) {
  std::vector<std::pair<revenue_key, revenue>> all(models.by_customer.begin(),
                                                   models.by_customer.end());
  std::ranges::sort(all, [](const auto& a, const auto& b) {
    if (a.second.amount != b.second.amount) return a.second.amount > b.second.amount;
    return a.first < b.first;
  });
  if (all.size() > most) all.resize(most);
  return all;
}

std::vector<std::pair<uuid, order_line>> orders_of(const read_models& models,
                                                   std::string_view customer) {
  std::vector<std::pair<uuid, order_line>> all;
  for (const auto& [id, line] : models.by_id)
    if (line.customer == customer) all.emplace_back(id, line);
  std::ranges::sort(all, [](const auto& a, const auto& b) {
    return std::tie(a.second.date, a.first) < std::tie(b.second.date, b.first);
  });
  return all;
}

std::string_view name_of(status s) noexcept {
  constexpr std::array<std::string_view, status_count> names{"none",    "created",   "paid",
                                                             "shipped", "delivered", "cancelled"};
  return names[static_cast<std::size_t>(s)];
}

}  // namespace orders
