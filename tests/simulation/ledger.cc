#include "ledger.h"

#include <map>

#include "annals/category.h"
#include "counter.h"

namespace annals {
namespace simulated {
namespace {

using counters = category<counter_domain::counter, counter_domain::counter_events>;

uuid id_of(std::uint8_t kind, std::uint64_t number) {
  uuid id;
  id.bytes[0] = kind;
  id.bytes[6] = 0x40;
  id.bytes[8] = 0x80;
  for (std::size_t i = 0; i < 4; ++i)
    id.bytes[12 + i] = static_cast<std::uint8_t>(number >> (8 * i));
  return id;
}

}  // namespace

std::optional<std::string> ledger::add(event_store& store, std::uint64_t which,
                                       std::int64_t amount) {
  const auto number = commands_.size();
  const auto id = id_of(1, number);
  const auto counter = id_of(2, which);
  commands_.push_back({.id = id, .counter = counter, .amount = amount});
  const auto done =
      counters(store, "counter").execute(counter, counter_domain::add{amount}, {.command_id = id});
  auto& one = commands_[number];  // others have been added meanwhile
  if (done) {
    one.state = state::acknowledged;
    return std::nullopt;
  }
  const auto code = done.error().code();
  const bool unknown = code == errc::in_doubt || code == errc::database_error;
  one.state = unknown ? state::in_doubt : state::refused;
  if (code == errc::serialization_error || code == errc::store_corrupt)
    return "executing a command: " + done.error().to_string();
  return std::nullopt;
}

std::optional<std::string> ledger::compare(event_store& store, bool lied) {
  std::map<uuid, std::int64_t> totals;
  for (std::size_t number = 0; number < commands_.size(); ++number) {
    auto& one = commands_[number];
    const auto name = "command " + std::to_string(number);
    const auto record = store.find_command(one.id);
    if (!record) return "find_command: " + record.error().to_string();
    if (one.state == state::acknowledged && !*record && !lied)
      return name + " was acknowledged, and is not known";
    if (one.state == state::refused && *record) return name + " was refused, and is known";
    one.state = *record ? state::acknowledged : state::refused;
    if (*record) totals[one.counter] += one.amount;
  }
  for (const auto& [counter, total] : totals) {
    const auto loaded = counters(store, "counter").load(counter);
    if (!loaded) return "loading a counter: " + loaded.error().to_string();
    if (loaded->state.total != total)
      return "a counter stands at " + std::to_string(loaded->state.total) +
             "; its commands come to " + std::to_string(total);
  }
  return std::nullopt;
}

}  // namespace simulated
}  // namespace annals
