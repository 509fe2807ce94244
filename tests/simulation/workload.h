#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "annals/testing/simulation.h"
#include "ledger.h"
#include "oracle.h"
#include "watcher.h"

namespace annals {
namespace simulated {

/// What the threads of one life do with the store, chosen by the simulation's seed.
class workload {
 public:
  workload(testing::simulation& machine, env& world, event_store& store, oracle& knows,
           ledger& commands, watcher& watches)
      : machine_(machine),
        world_(world),
        store_(store),
        oracle_(knows),
        ledger_(commands),
        watcher_(watches) {}

  /// Runs some threads until each has made its calls, or the process is dead; then waits for the
  /// answers.
  std::optional<std::string> run();

 private:
  void act();
  void execute();
  void append(bool waits);
  void append_again();
  void read_everything();
  void save_snapshot();
  void retain();

  planned_append plan_append();
  void send(std::size_t number, bool waits);
  void answer(std::size_t number, const result<appended>& answered);
  void note(std::optional<std::string> problem);
  std::string some_stream();
  std::uint64_t draw(std::uint64_t sides) { return machine_.draw(sides); }

  testing::simulation& machine_;
  env& world_;
  event_store& store_;
  oracle& oracle_;
  ledger& ledger_;
  watcher& watcher_;
  std::atomic<std::uint32_t> unanswered_{0};
  std::uint64_t acknowledged_ = 0;  // greatest position
  std::optional<std::string> problem_{};
};

}  // namespace simulated
}  // namespace annals
