#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "annals/projection.h"
#include "orders/order_json.h"

namespace orders {

/// Orders not cancelled, and what they come to. A line stays when all its orders were cancelled.
struct revenue {
  std::int64_t orders = 0;
  money amount{};
  bool operator==(const revenue&) const = default;
};

/// What revenue is told apart by: a name (country, day, customer) and the currency.
struct revenue_key {
  text name{};
  text currency{};
  auto operator<=>(const revenue_key&) const = default;
};
using revenue_by = std::map<revenue_key, revenue>;

/// What the read models know of one order.
struct order_line {
  orders::status status = status::none;
  text customer{};  ///< "(none)" for orders without
  text country{};
  text currency{};
  money total{};
  annals::time_point date{};
  bool operator==(const order_line&) const = default;
};

inline constexpr std::size_t status_count = 6;
inline constexpr std::string_view no_customer = "(none)";

/// All read models of the example, folded from the same events. Revenue counts on the order's own
/// date and country; a cancellation takes the amount away from there.
struct read_models {
  std::array<std::uint64_t, status_count> by_status{};
  std::map<text, money> gross{};  ///< by currency: all orders created
  std::map<text, money> net{};    ///< by currency: without the cancelled ones
  revenue_by by_country{};
  revenue_by by_day{};
  revenue_by by_customer{};
  std::unordered_map<uuid, order_line> by_id{};
  bool operator==(const read_models&) const = default;
};

void project(read_models& models, const created& e, const annals::event_context& context);
void project(read_models& models, const paid& e, const annals::event_context& context);
void project(read_models& models, const shipped& e, const annals::event_context& context);
void project(read_models& models, const delivered& e, const annals::event_context& context);
void project(read_models& models, const cancelled& e, const annals::event_context& context);

using order_projection = annals::projection<read_models, order_events>;

/// The customers by revenue, largest first; equal ones by name.
std::vector<std::pair<revenue_key, revenue>> top_customers(const read_models& models,
                                                           std::size_t most);
/// The orders of one customer, oldest first.
std::vector<std::pair<uuid, order_line>> orders_of(const read_models& models,
                                                   std::string_view customer);

std::string_view name_of(status s) noexcept;

}  // namespace orders
