#pragma once

#include <optional>
#include <string>
#include <vector>

#include "annals/store.h"

namespace annals {
namespace simulated {

/// Commands on a few counters, and what is known of them. After a crash a counter must come to
/// exactly the commands that the store knows; those that were acknowledged are among them.
class ledger {
 public:
  /// Executes one command.
  std::optional<std::string> add(event_store& store, std::uint64_t which, std::int64_t amount);
  /// Compares with a store that was just opened.
  std::optional<std::string> compare(event_store& store, bool disk_has_lied);

 private:
  enum class state : std::uint8_t { acknowledged, refused, in_doubt };
  struct command {
    uuid id{};
    uuid counter{};
    std::int64_t amount = 0;
    ledger::state state = state::in_doubt;
  };

  std::vector<command> commands_{};
};

}  // namespace simulated
}  // namespace annals
