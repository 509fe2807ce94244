#pragma once

#include "annals/category.h"
#include "annals/json.h"

/// A domain without mistakes, but for what each source adds: `evolve` of paid, and all of `decide`.
namespace shop {

struct placed {
  std::int64_t lines = 0;
};
struct paid {
  std::int64_t amount = 0;
};
struct shipped {  // of another set
  std::int64_t parcels = 0;
};
struct pay {
  std::int64_t amount = 0;
};
struct order {
  std::int64_t open = 0;
};
using order_events = annals::events<annals::stored<placed, "placed">, annals::stored<paid, "paid">>;
using decision = annals::decision<order_events>;
using order_category = annals::category<order, order_events>;

inline order evolve(order o, const placed&) {
  return o;
}
BOOST_DESCRIBE_STRUCT(placed, (), (lines))
BOOST_DESCRIBE_STRUCT(paid, (), (amount))
BOOST_DESCRIBE_STRUCT(shipped, (), (parcels))

}  // namespace shop
