#pragma once

#include <cstdint>
#include <map>

#include "annals/store.h"
#include "orders/order.h"

namespace orders {

inline constexpr std::uint64_t default_seed = 2026;
inline constexpr std::uint64_t default_generated_orders = 1'000;
inline constexpr std::uint64_t most_generated_orders = 10'000'000;

struct generate_report {
  std::uint64_t commands = 0;
  std::uint64_t new_events = 0;
  std::map<text, std::uint64_t> rejected{};  ///< by reason
};

/// Executes the commands of made-up orders. The same seed makes the same orders, ids and times, so
/// that a second run finds everything there; all five events and every rejection occur.
///
/// Errors:  those of execute, but for rejections, which are counted.
annals::result<generate_report> generate(annals::event_store& store, std::uint64_t seed,
                                         std::uint64_t orders);

}  // namespace orders
