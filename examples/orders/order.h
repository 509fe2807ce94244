#pragma once

#include <optional>

#include "annals/domain.h"

namespace orders {

using annals::reject;
using annals::uuid;
using money = annals::decimal<3>;
using text = std::string;

inline constexpr money largest_total{1'000'000'000'000};

struct item {
  text product{};
  std::int64_t quantity = 0;
  money unit_price{};
  bool operator==(const item&) const = default;
};

struct created {
  std::optional<text> customer{};
  text country{};
  text currency{};
  std::vector<item> items{};
  money total{};
};
struct paid {
  uuid payment_id{};
  money amount{};
  bool operator==(const paid&) const = default;
};
struct shipped {
  text tracking_number{};
};
struct delivered {
  annals::time_point delivered_at{};
};
struct cancelled {
  text reason{};
};

using order_events =
    annals::events<annals::stored<created, "order_created">, annals::stored<paid, "order_paid">,
                   annals::stored<shipped, "order_shipped">,
                   annals::stored<delivered, "order_delivered">,
                   annals::stored<cancelled, "order_cancelled">>;
using decision = annals::decision<order_events>;

struct create {
  std::optional<text> customer{};
  text country{};
  text currency{};
  std::vector<item> items{};
};
struct pay {
  uuid payment_id{};
  money amount{};
};
struct ship {
  text tracking_number{};
};
struct deliver {
  annals::time_point delivered_at{};
};
struct cancel {
  text reason{};
};

enum class status { none, created, paid, shipped, delivered, cancelled };

struct order {
  orders::status status = status::none;
  created content{};
  std::optional<paid> payment{};
  text tracking_number{};
  annals::time_point delivered_at{};
  text cancel_reason{};
};

order evolve(order o, const created& e);
order evolve(order o, const paid& e);
order evolve(order o, const shipped& e);
order evolve(order o, const delivered& e);
order evolve(order o, const cancelled& e);

decision decide(const order& o, const create& c);
decision decide(const order& o, const pay& c);
decision decide(const order& o, const ship& c);
decision decide(const order& o, const deliver& c);
decision decide(const order& o, const cancel& c);

}  // namespace orders
