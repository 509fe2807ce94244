// error: evolve_is_missing<shop::order, shop::paid>
#include "shop.h"

namespace shop {
#ifdef CORRECT
order evolve(order o, const paid& e) {
  return {o.open - e.amount};
}
#endif
}  // namespace shop

std::int64_t load(const shop::order_category& orders, const annals::uuid& id) {
  return orders.load(id).value().state.open;
}
