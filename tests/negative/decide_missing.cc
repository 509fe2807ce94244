// error: decide_is_missing<shop::order, shop::pay>
#include "shop.h"

namespace shop {
order evolve(order o, const paid&) {
  return o;
}
#ifdef CORRECT
decision decide(const order&, const pay& c) {
  return paid{c.amount};
}
#endif
}  // namespace shop

void run(const shop::order_category& orders, const annals::uuid& id) {
  orders.execute(id, shop::pay{}).value();
}
