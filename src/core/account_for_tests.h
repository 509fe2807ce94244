#pragma once

#include <stdexcept>
#include <string>

#include "annals/domain.h"
#include "annals/json.h"

/// A small domain for the tests of the command side: an account with a limit.
namespace account_domain {

struct opened {
  std::string owner{};
};
struct deposited {
  std::int64_t amount = 0;
};
struct withdrawn {
  std::int64_t amount = 0;
};
struct summarized {
  std::int64_t balance = 0;
};

struct account {
  bool open = false;
  std::int64_t balance = 0;
};

struct open {
  std::string owner{};
};
struct deposit {
  std::int64_t amount = 0;
};
struct withdraw {
  std::int64_t amount = 0;
};
struct explode {};
struct undescribed {};

using account_events = annals::events<annals::stored<opened, "account_opened">,
                                      annals::stored<deposited, "account_deposited">,
                                      annals::stored<withdrawn, "account_withdrawn", 3>,
                                      annals::stored_genesis<summarized, "account_summarized">>;
using decision = annals::decision<account_events>;

inline account evolve(account a, const opened&) {
  a.open = true;
  return a;
}
inline account evolve(account a, const deposited& e) {
  if (e.amount == 666) throw std::runtime_error("evolve threw");
  a.balance += e.amount;
  return a;
}
inline account evolve(account a, const withdrawn& e) {
  a.balance -= e.amount;
  return a;
}
inline account evolve(account, const summarized& e) {
  return {.open = true, .balance = e.balance};
}

inline decision decide(const account& a, const open& c) {
  if (a.open) return {};
  return opened{c.owner};
}
inline decision decide(const account& a, const deposit& c) {
  if (!a.open) return annals::reject("not_open", "open the account first");
  return deposited{c.amount};
}
inline decision decide(const account& a, const withdraw& c) {
  if (a.balance < c.amount) return annals::reject("not_covered");
  return withdrawn{c.amount};
}
inline decision decide(const account&, const undescribed&) {
  return {};
}
inline decision decide(const account&, const explode&) {
  throw std::runtime_error("decide threw");
}

BOOST_DESCRIBE_STRUCT(opened, (), (owner))
BOOST_DESCRIBE_STRUCT(deposited, (), (amount))
BOOST_DESCRIBE_STRUCT(withdrawn, (), (amount))
BOOST_DESCRIBE_STRUCT(summarized, (), (balance))
BOOST_DESCRIBE_STRUCT(open, (), (owner))
BOOST_DESCRIBE_STRUCT(deposit, (), (amount))
BOOST_DESCRIBE_STRUCT(withdraw, (), (amount))
BOOST_DESCRIBE_STRUCT(explode, (), ())

}  // namespace account_domain
