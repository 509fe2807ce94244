#pragma once

#include "annals/category.h"
#include "annals/json.h"

/// The reference events of the benchmarks: paid (about 70 bytes of JSON), created with one item
/// (about 220 bytes) and with twenty.
namespace bench {

using money = annals::decimal<3>;

struct item {
  std::string product{};
  std::int64_t quantity = 0;
  money unit_price{};
};
struct created {
  std::optional<std::string> customer{};
  std::string country{};
  std::string currency{};
  std::string delivery_address{};
  std::vector<item> items{};
  money total{};
};
struct paid {
  annals::uuid payment_id{};
  money amount{};
};
struct order {
  std::int64_t events = 0;
  money total{};
};
struct pay {
  annals::uuid payment_id{};
  money amount{};
};

using order_events =
    annals::events<annals::stored<created, "order_created">, annals::stored<paid, "order_paid">>;
using decision = annals::decision<order_events>;

inline order evolve(order o, const created& e) {
  ++o.events;
  o.total += e.total;
  return o;
}
inline order evolve(order o, const paid& e) {
  ++o.events;
  o.total -= e.amount;
  return o;
}
inline decision decide(const order&, const pay& c) {
  return paid{c.payment_id, c.amount};
}

BOOST_DESCRIBE_STRUCT(item, (), (product, quantity, unit_price))
BOOST_DESCRIBE_STRUCT(created, (), (customer, country, currency, delivery_address, items, total))
BOOST_DESCRIBE_STRUCT(paid, (), (payment_id, amount))
BOOST_DESCRIBE_STRUCT(pay, (), (payment_id, amount))

inline paid a_payment() {
  return {annals::uuid::parse("0197c2d0-7b1e-7a2b-8c3d-4e5f60718293").value(), {15'300}};
}
inline created an_order(std::size_t items) {
  created made{"17850", "United Kingdom", "GBP", "1 Long Street, Hay-on-Wye, HR3 5AA", {}, {}};
  for (std::size_t i = 0; i < items; ++i) {
    made.items.push_back({"85123A", 6, {2'550}});
    made.total += money{2'550} * 6;
  }
  return made;
}

template <class T>
std::string json_of(const T& value) {
  std::string text;
  annals::json::encode(value, text);
  return text;
}

}  // namespace bench
