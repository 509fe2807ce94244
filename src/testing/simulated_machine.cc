#include "simulated_machine.h"

#include "annals/assert.h"
#include "annals/forwarding_env.h"

namespace annals {
inline namespace v1 {
namespace testing {

void simulation::machine::count_step(std::uint64_t what) {
  note(what);
  note(threads.turns());
  if (++steps == cut_at) cut_power();
  if (steps == kill_at && to_be_killed) kill(*std::exchange(to_be_killed, nullptr));
}

void simulation::machine::cut_power() {
  if (!std::exchange(has_power, false)) return;
  disk.cut_power(chances_of);
  for (auto* one : alive) one->killed = true;
  alive.clear();
  locks.clear();
}

void simulation::machine::kill(process& dying) {
  dying.killed = true;
  alive.erase(&dying);
  std::erase_if(locks, [&](const auto& held) { return held.second == &dying; });
}

simulation::simulation(std::uint64_t seed) : machine_(std::make_shared<machine>(seed)) {}

simulation::~simulation() {
  ANNALS_ASSERT(machine_.use_count() == 1, "a simulated process outlives its machine");
}

fault_chances& simulation::chances() noexcept {
  return machine_->faults;
}
void simulation::set_disk_size(std::uint64_t bytes) noexcept {
  machine_->disk_size = bytes;
}

void simulation::refuse_unbuffered() noexcept {
  machine_->buffered_only = true;
}

std::unique_ptr<env> simulation::start_process() {
  ANNALS_ASSERT(machine_->has_power, "a process needs power");
  return std::make_unique<process>(machine_);
}

void simulation::kill(env& dying) {
  machine_->kill(static_cast<process&>(dying));
}
void simulation::kill_at(env& dying, std::uint64_t step) noexcept {
  machine_->to_be_killed = &static_cast<process&>(dying);
  machine_->kill_at = step;
}

void simulation::cut_power() {
  machine_->cut_power();
}
void simulation::cut_power_at(std::uint64_t step) noexcept {
  machine_->cut_at = step;
}
bool simulation::has_power() const noexcept {
  return machine_->has_power;
}

void simulation::restore_power() {
  machine_->has_power = true;
  machine_->has_lied = false;
  machine_->cut_at = machine_->kill_at = UINT64_MAX;
  machine_->to_be_killed = nullptr;
  ++machine_->starts;
}

std::uint64_t simulation::steps() const noexcept {
  return machine_->steps;
}
bool simulation::has_lied() const noexcept {
  return machine_->has_lied;
}
std::uint64_t simulation::trace() const noexcept {
  return machine_->trace;
}
std::uint64_t simulation::draw(std::uint64_t sides) {
  return machine_->chances_of.below(sides);
}

namespace {

struct machine_with_process {
  simulation machine;
  std::unique_ptr<env> process = machine.start_process();
};

class simulated_env final : machine_with_process, public forwarding_env {
 public:
  explicit simulated_env(std::uint64_t seed)
      : machine_with_process{simulation(seed)}, forwarding_env(*process) {}
};

}  // namespace

std::unique_ptr<env> make_simulated_env(std::uint64_t seed) {
  return std::make_unique<simulated_env>(seed);
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
