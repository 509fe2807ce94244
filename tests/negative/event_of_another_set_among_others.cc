// error: event_is_outside_the_set<shop::shipped>
#include "shop.h"

shop::decision decide(const shop::order&, const shop::pay& c) {
#ifdef CORRECT
  return {shop::placed{}, shop::paid{c.amount}};
#else
  return {shop::placed{}, shop::shipped{}, shop::paid{c.amount}};
#endif
}
