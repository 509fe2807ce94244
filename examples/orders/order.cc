#include "orders/order.h"

#include <algorithm>
#include <optional>

namespace orders {

order evolve(order o, const created& e) {
  o.status = status::created;
  o.content = e;
  return o;
}
order evolve(order o, const paid& e) {
  o.status = status::paid;
  o.payment = e;
  return o;
}
order evolve(order o, const shipped& e) {
  o.status = status::shipped;
  o.tracking_number = e.tracking_number;
  return o;
}
order evolve(order o, const delivered& e) {
  o.status = status::delivered;
  o.delivered_at = e.delivered_at;
  return o;
}
order evolve(order o, const cancelled& e) {
  o.status = status::cancelled;
  o.cancel_reason = e.reason;
  return o;
}

namespace {

bool is_sellable(const item& i) {
  return i.quantity > 0 && i.unit_price > money{};
}

std::optional<money> total_of(const std::vector<item>& items) {
  money total{};
  for (const auto& i : items) {
    money price{};
    if (!checked_multiply(i.unit_price, i.quantity, price) || !checked_add(total, price, total))
      return std::nullopt;
  }
  return total;
}

bool is_same(const created& e, const create& c) {
  return e.customer == c.customer && e.country == c.country && e.currency == c.currency &&
         e.items == c.items;
}

}  // namespace

decision decide(const order& o, const create& c) {
  if (o.status != status::none)
    return is_same(o.content, c) ? decision{} : reject("already_created");
  if (c.items.empty()) return reject("no_items", "an order has at least one item");
  if (!std::ranges::all_of(c.items, is_sellable))
    return reject("bad_item", "quantities and prices are greater than zero");
  const auto total = total_of(c.items);
  if (!total || *total > largest_total) return reject("total_too_large");
  return created{c.customer, c.country, c.currency, c.items, *total};
}

decision decide(const order& o, const pay& c) {
  const paid payment{c.payment_id, c.amount};
  if (o.payment) return o.payment == payment ? decision{} : reject("already_paid");
  if (o.status == status::none) return reject("not_created");
  if (o.status == status::cancelled) return reject("cancelled");
  if (c.amount != o.content.total)
    return reject("wrong_amount", "the order comes to " + o.content.total.to_string() + ", not " +
                                      c.amount.to_string());
  return payment;
}

decision decide(const order& o, const ship& c) {
  if (o.status == status::shipped || o.status == status::delivered)
    return o.tracking_number == c.tracking_number ? decision{} : reject("already_shipped");
  if (o.status != status::paid) return reject("not_paid");
  return shipped{c.tracking_number};
}

decision decide(const order& o, const deliver& c) {
  if (o.status == status::delivered)
    return o.delivered_at == c.delivered_at ? decision{} : reject("already_delivered");
  if (o.status != status::shipped) return reject("not_shipped");
  return delivered{c.delivered_at};
}

decision decide(const order& o, const cancel& c) {
  switch (o.status) {
    case status::none: return reject("not_created");
    case status::shipped:
    case status::delivered: return reject("already_shipped", "what is shipped cannot be cancelled");
    case status::cancelled:
      return o.cancel_reason == c.reason ? decision{} : reject("already_cancelled");
    default: return cancelled{c.reason};
  }
}

}  // namespace orders
