// error of g++: give the call a name first
#include "annals/await.h"
#include "shop.h"

namespace shop {
struct rename {  // has something to destroy
  std::string name{};
};
order evolve(order o, const paid&) {
  return o;
}
decision decide(const order&, const rename&) {
  return {};
}
}  // namespace shop

annals::task<> run(const shop::order_category& orders, annals::uuid id) {
#ifdef CORRECT
  auto renaming = annals::execute(orders, id, shop::rename{"a"});
  (co_await renaming).value();
#else
  (co_await annals::execute(orders, id, shop::rename{"a"})).value();
#endif
}
