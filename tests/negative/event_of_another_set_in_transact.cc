// error: event_is_outside_the_set<shop::shipped>
#include "shop.h"

namespace shop {
order evolve(order o, const paid&) {
  return o;
}
}  // namespace shop

void run(const shop::order_category& orders, const annals::uuid& id) {
#ifdef CORRECT
  orders.transact(id, [](const shop::order&) { return shop::paid{}; }).value();
#else
  orders.transact(id, [](const shop::order&) { return shop::shipped{}; }).value();
#endif
}
