#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace annals {
namespace simulated {

/// What one run is made of.
struct run_plan {
  std::uint64_t seed = 0;
  int lives = 20;         ///< each ended by a power cut, a kill or a close
  bool faults = true;     ///< failing reads, writes and syncs, full disks, steps of the clock
  bool lies = false;      ///< once, a sync that makes nothing durable
  bool buffered = false;  ///< a file system without O_DIRECT, whose failed syncs leave ghosts
  bool os = false;        ///< durability::os: a power cut may take the end of the log, and no more
};

/// What a run came to.
struct run_report {
  std::string problem{};  ///< empty: none
  int life = 0;           ///< the last one begun
  std::uint64_t power_cuts = 0;
  std::uint64_t kills = 0;
  std::uint64_t appends = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t events = 0;           ///< in the store at the end
  std::uint64_t watched = 0;          ///< of them, seen by the reading process
  std::uint64_t refused_to_open = 0;  ///< after a lie
  std::uint64_t trace = 0;            ///< of everything that happened: equal for equal plans

  std::uint64_t crashes() const { return power_cuts + kills; }
};

/// Writes to an embedded store on a simulated machine, with several threads and commands, and
/// crashes it again and again; after each crash the store is compared with what an oracle knows,
/// and with what a process has seen that only reads.
/// `tell` gets a line about each life.
run_report run_crashes(const run_plan& plan,
                       const std::function<void(const std::string&)>& tell = {});

}  // namespace simulated
}  // namespace annals
