#pragma once

#include <set>

#include "../core/timer.h"
#include "annals/testing/simulation.h"
#include "fibers.h"
#include "simulated_disk.h"

namespace annals {
inline namespace v1 {
namespace testing {

/// What the processes of a simulation share.
class simulation::machine {
 public:
  explicit machine(std::uint64_t seed) : chances_of(seed), threads(chances_of) {}

  /// Counts a file call that changes something, which may be the last one of a process or of all.
  void count_step(std::uint64_t what);
  void note(std::uint64_t what) noexcept {
    trace = (trace ^ what) * 0x100000001b3U;  // FNV-1a
  }
  bool happens(double probability) { return chances_of.chance(probability); }
  void cut_power();
  void kill(process& dying);

  dice chances_of;
  fibers threads;
  simulated_disk disk{};
  fault_chances faults{};
  std::uint64_t disk_size = UINT64_MAX;
  std::map<std::string, process*> locks{};  // by path
  std::set<process*> alive{};
  bool has_power = true;
  bool has_lied = false;
  bool buffered_only = false;
  std::uint64_t steps = 0;
  std::uint64_t cut_at = UINT64_MAX;
  std::uint64_t kill_at = UINT64_MAX;
  process* to_be_killed = nullptr;
  std::uint64_t trace = 0xcbf29ce484222325U;
  std::uint64_t starts = 0;  // of the machine
  std::chrono::microseconds clock_offset{0};
};

/// One life of a program on the machine.
class simulation::process final : public env {
 public:
  explicit process(std::shared_ptr<machine> on);
  process(const process&) = delete;
  process& operator=(const process&) = delete;
  ~process() override;

  result<std::unique_ptr<file>> open(const std::string& path, file_mode mode,
                                     write_through through) override;
  result<void> create_directories(const std::string& path) override;
  result<bool> exists(const std::string& path) override;
  result<bool> is_directory(const std::string& path) override;
  result<std::vector<std::string>> list(const std::string& path) override;
  result<void> rename(const std::string& from, const std::string& to) override;
  result<void> remove(const std::string& path) override;
  result<void> sync_directory(const std::string& path) override;
  result<std::unique_ptr<file_lock>> lock(const std::string& path) override;
  result<bool> is_locked(const std::string& path) override;
  result<std::unique_ptr<shared_page>> share(const std::string& path, file_mode mode) override;
  result<volume_facts> volume(const std::string& path) override;
  uuid boot_id() override;
  time_point now() override;
  std::chrono::nanoseconds monotonic() override;
  void random(std::span<std::uint8_t> out) override;
  unsigned processors() noexcept override { return 2; }
  std::unique_ptr<thread> spawn(std::string_view name, std::function<void()> body,
                                thread_priority priority) override;
  using env::park;
  using env::spawn;
  void park(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
            std::optional<std::chrono::nanoseconds> timeout) override;
  void wake_one(const std::atomic<std::uint32_t>& word) override;
  void wake_all(const std::atomic<std::uint32_t>& word) override;
  void post(std::chrono::nanoseconds delay, std::move_only_function<void()> task) override;

  /// An error when this process is dead.
  result<void> check_alive() const;
  /// The same, behind a file call that changes something and may have been the last.
  result<void> step(std::uint64_t what);
  machine& on() noexcept { return *machine_; }

  bool killed = false;

 private:
  std::shared_ptr<machine> machine_;
  timer timer_{*this};
};

}  // namespace testing
}  // namespace v1
}  // namespace annals
