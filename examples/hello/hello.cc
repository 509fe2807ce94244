#include <cstdio>

#include "annals/category.h"
#include "annals/json.h"
#include "annals/open.h"

struct deposited {
  std::int64_t cents = 0;
};  // facts, in the past tense
struct withdrawn {
  std::int64_t cents = 0;
};
struct withdraw {
  std::int64_t cents = 0;
};  // a request
struct deposit {
  std::int64_t cents = 0;
};
struct account {
  std::int64_t balance = 0;
};  // what the facts come to

using account_events = annals::events<annals::stored<deposited, "account_deposited">,
                                      annals::stored<withdrawn, "account_withdrawn">>;
using decision = annals::decision<account_events>;

account evolve(account a, const deposited& e) {
  return {a.balance + e.cents};
}
account evolve(account a, const withdrawn& e) {
  return {a.balance - e.cents};
}
decision decide(const account&, const deposit& c) {
  return deposited{c.cents};
}
decision decide(const account& a, const withdraw& c) {
  if (a.balance < c.cents) return annals::reject("not_covered");
  return withdrawn{c.cents};
}
BOOST_DESCRIBE_STRUCT(deposited, (), (cents))
BOOST_DESCRIBE_STRUCT(withdrawn, (), (cents))

int main(int argc, char** argv) {
  auto store = annals::open(argc > 1 ? argv[1] : "memory:").value();  // or "file:./data"
  annals::category<account, account_events> accounts(*store, "account");
  const auto id = annals::uuid::parse("0197c2d0-7b1e-7a2b-8c3d-4e5f60718293").value();

  accounts.execute(id, deposit{70'00}).value();
  const auto refused = accounts.execute(id, withdraw{1'000'00});
  std::printf("withdraw 1000: %s\n", refused.error().reason().c_str());
  accounts.execute(id, withdraw{20'00}).value();

  std::printf("balance now: %ld\n", accounts.load(id).value().state.balance);
  const annals::at first_version(annals::version{1});
  std::printf("balance at version 1: %ld\n",
              accounts.load(id, first_version).value().state.balance);
}
