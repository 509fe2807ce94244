#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "annals/env.h"

namespace annals {
inline namespace v1 {
namespace testing {

/// How often things go wrong in a simulated world, from 0 (never) to 1 (always), per call.
struct fault_chances {
  double read_error = 0;   ///< database_error
  double write_error = 0;  ///< database_error, after some of the bytes were written
  /// database_error; and what was written is then seen by reads but never made durable, not by a
  /// later sync either, as Linux does.
  double sync_error = 0;
  /// A sync, or a write to a `durable` file, that answers success and makes nothing durable; once
  /// until the next power cut.
  double lying_sync = 0;
  /// A page of the cache, clean, that a program asked to drop and that stays all the same.
  double cache_kept = 0;
  double clock_step = 0;  ///< per look at the UTC clock: by up to ten seconds, either way
};

/// A machine out of a seed: its disk, its clock, its threads and its faults. Everything runs on the
/// thread that made it; the same seed and the same program give the same run, call by call. Threads
/// change where they park, sleep, or write to a `durable` file; time is virtual.
///
/// A power cut, or the death of a process, is not the end of the program under test: from then on
/// all its file calls fail, so that it unwinds; then a new process finds what the disk has kept.
///
/// Threads: one, whose own stack is the first simulated thread.
/// Source:  docs/adr/0020-simulated-env.md.
class simulation {
 public:
  explicit simulation(std::uint64_t seed);
  simulation(const simulation&) = delete;
  simulation& operator=(const simulation&) = delete;
  ~simulation();

  fault_chances& chances() noexcept;
  /// Bytes of disk, as files count them; more is disk_full.
  void set_disk_size(std::uint64_t bytes) noexcept;
  /// From now on files answer as on a file system without O_DIRECT: what is written to `durable`
  /// files goes through the page cache too, is synced then, and `sync_error` may befall that.
  void refuse_unbuffered() noexcept;

  /// A process on this machine. Destroyed after its stores, and before the simulation; its
  /// destructor ends nothing that still runs, which is asserted.
  std::unique_ptr<env> start_process();
  /// Kills a process, as SIGKILL would: its locks are free, what it wrote is seen by others.
  void kill(env& process);
  /// Cuts the power now, or within the file call number `step` (see `steps`): of what was not
  /// synced, writes are kept, lost, torn at 512 bytes or kept out of order, and new names lost.
  /// All processes are dead from then on.
  void cut_power();
  void cut_power_at(std::uint64_t step) noexcept;
  /// Kills a process within the file call number `step`.
  void kill_at(env& process, std::uint64_t step) noexcept;
  bool has_power() const noexcept;
  /// Starts the machine again, without faults that were planned for a step.
  void restore_power();

  /// File calls that change something, so far.
  std::uint64_t steps() const noexcept;
  /// True when a sync has lied since the power was last restored.
  bool has_lied() const noexcept;
  /// Changes with everything that happens: equal after equal runs.
  std::uint64_t trace() const noexcept;
  /// The seed's next number, 0 to `sides` - 1, for what a test has to choose.
  std::uint64_t draw(std::uint64_t sides);

 private:
  class machine;
  class process;
  class open_file;
  class held_lock;
  class running_thread;
  class page;

  std::shared_ptr<machine> machine_;
};

/// A healthy machine of its own, with one process: for running what needs an env on one thread.
std::unique_ptr<env> make_simulated_env(std::uint64_t seed);

}  // namespace testing
}  // namespace v1
}  // namespace annals
