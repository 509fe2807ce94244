#pragma once

#include "annals/domain.h"
#include "annals/json.h"

/// The domain of the simulated command side: a counter that never falls below zero.
namespace counter_domain {

struct added {
  std::int64_t amount = 0;
};
struct add {
  std::int64_t amount = 0;
};
struct counter {
  std::int64_t total = 0;
};

using counter_events = annals::events<annals::stored<added, "counter_added">>;
using decision = annals::decision<counter_events>;

inline counter evolve(counter c, const added& e) {
  return {c.total + e.amount};
}
inline decision decide(const counter& c, const add& request) {
  if (c.total + request.amount < 0) return annals::reject("below_zero");
  return added{request.amount};
}
BOOST_DESCRIBE_STRUCT(added, (), (amount))
BOOST_DESCRIBE_STRUCT(add, (), (amount))

}  // namespace counter_domain
