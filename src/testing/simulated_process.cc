#include <algorithm>
#include <utility>

#include "annals/assert.h"
#include "simulated_files.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

// The UTC clock of a machine made just now: 2026-01-01T00:00:00Z.
constexpr std::chrono::microseconds first_moment{1'767'225'600'000'000};
constexpr std::chrono::nanoseconds look_at_clock{50};
constexpr std::chrono::microseconds greatest_clock_step{10'000'000};

std::unexpected<error> nothing_there(const std::string& doing, const std::string& path) {
  return fail(errc::database_error, doing + ' ' + path + ": No such file or directory");
}

}  // namespace

class simulation::running_thread final : public thread {
 public:
  running_thread(fibers& all, std::shared_ptr<fibers::fiber> one)
      : all_(all), one_(std::move(one)) {}
  ~running_thread() override { all_.join(*one_); }
  void join() override { all_.join(*one_); }

 private:
  fibers& all_;
  std::shared_ptr<fibers::fiber> one_;
};

class simulation::held_lock final : public file_lock {
 public:
  held_lock(std::shared_ptr<machine> on, process& holder, std::string path)
      : machine_(std::move(on)), holder_(holder), path_(std::move(path)) {}
  ~held_lock() override {
    const auto held = machine_->locks.find(path_);
    if (held != machine_->locks.end() && held->second == &holder_) machine_->locks.erase(held);
  }

 private:
  std::shared_ptr<machine> machine_;
  process& holder_;
  std::string path_;
};

simulation::process::process(std::shared_ptr<machine> on) : machine_(std::move(on)) {
  machine_->alive.insert(this);
}

simulation::process::~process() {
  machine_->alive.erase(this);
  if (machine_->to_be_killed == this) machine_->to_be_killed = nullptr;
}

result<void> simulation::process::check_alive() const {
  if (!killed) return {};
  return fail(errc::database_error, machine_->has_power
                                        ? "the process was killed, in the simulation"
                                        : "the power was cut, in the simulation");
}

result<void> simulation::process::step(std::uint64_t what) {
  machine_->count_step(what);
  return check_alive();
}

result<std::unique_ptr<file>> simulation::process::open(const std::string& path, file_mode mode,
                                                        write_through through) {
  if (auto alive = check_alive(); !alive) return std::unexpected(alive.error());
  const auto name = plain_path(path);
  auto found = machine_->disk.find(name);
  if (mode == file_mode::create) {
    if (found || machine_->disk.is_directory(name))
      return fail(errc::database_error, "opening " + path + ": File exists");
    if (!machine_->disk.is_directory(parent_of(name))) return nothing_there("opening", path);
    found = machine_->disk.create(name);
    if (auto alive = step('c'); !alive) return std::unexpected(alive.error());
  }
  if (!found) return nothing_there("opening", path);
  return std::make_unique<open_file>(machine_, *this, path, std::move(found), through);
}

result<void> simulation::process::create_directories(const std::string& path) {
  if (auto alive = check_alive(); !alive) return alive;
  for (auto at = plain_path(path); at != "/"; at = parent_of(at))
    if (machine_->disk.find(at))
      return fail(errc::database_error, "creating directory " + path + ": Not a directory");
  machine_->disk.make_directory(plain_path(path));
  return step('d');
}

result<bool> simulation::process::exists(const std::string& path) {
  if (auto alive = check_alive(); !alive) return std::unexpected(alive.error());
  const auto name = plain_path(path);
  return machine_->disk.is_directory(name) || machine_->disk.find(name) != nullptr;
}

result<bool> simulation::process::is_directory(const std::string& path) {
  if (auto alive = check_alive(); !alive) return std::unexpected(alive.error());
  return machine_->disk.is_directory(plain_path(path));
}

result<std::vector<std::string>> simulation::process::list(const std::string& path) {
  if (auto alive = check_alive(); !alive) return std::unexpected(alive.error());
  if (!machine_->disk.is_directory(plain_path(path))) return nothing_there("listing", path);
  return machine_->disk.list(plain_path(path));
}

result<void> simulation::process::rename(const std::string& from, const std::string& to) {
  if (auto alive = check_alive(); !alive) return alive;
  if (!machine_->disk.rename(plain_path(from), plain_path(to)))
    return nothing_there("renaming", from);
  return step('r');
}

result<void> simulation::process::remove(const std::string& path) {
  if (auto alive = check_alive(); !alive) return alive;
  if (!machine_->disk.remove(plain_path(path))) return nothing_there("removing", path);
  return step('u');
}

result<void> simulation::process::sync_directory(const std::string& path) {
  if (auto alive = step('D'); !alive) return alive;
  if (machine_->happens(machine_->faults.sync_error))
    return fail(errc::database_error, "syncing " + path + ": a simulated error");
  machine_->disk.sync_directory(plain_path(path));
  return {};
}

result<std::unique_ptr<file_lock>> simulation::process::lock(const std::string& path) {
  if (auto alive = check_alive(); !alive) return std::unexpected(alive.error());
  const auto name = plain_path(path);
  if (!machine_->disk.is_directory(parent_of(name))) return nothing_there("opening", path);
  if (!machine_->locks.try_emplace(name, this).second)
    return fail(errc::store_in_use, path + " is in use by another simulated process");
  if (!machine_->disk.find(name)) machine_->disk.create(name);
  return std::make_unique<held_lock>(machine_, *this, name);
}

result<bool> simulation::process::is_locked(const std::string& path) {
  if (auto alive = check_alive(); !alive) return std::unexpected(alive.error());
  return machine_->locks.contains(plain_path(path));
}

result<volume_facts> simulation::process::volume(const std::string& path) {
  if (auto alive = check_alive(); !alive) return std::unexpected(alive.error());
  if (!machine_->disk.is_directory(plain_path(path))) return nothing_there("looking at", path);
  const auto used = machine_->disk.bytes();
  return volume_facts{.kind = "simulated",
                      .free_bytes = machine_->disk_size > used ? machine_->disk_size - used : 0};
}

uuid simulation::process::boot_id() {
  uuid id;
  id.bytes[0] = 1;
  for (std::size_t i = 0; i < 8; ++i)
    id.bytes[i + 8] = static_cast<std::uint8_t>(machine_->starts >> (8 * i));
  return id;
}

time_point simulation::process::now() {
  if (machine_->happens(machine_->faults.clock_step))
    machine_->clock_offset += std::chrono::microseconds(machine_->chances_of.below(
                                  2 * static_cast<std::uint64_t>(greatest_clock_step.count()))) -
                              greatest_clock_step;
  const auto passed = std::chrono::floor<std::chrono::microseconds>(monotonic());
  return time_point(first_moment + machine_->clock_offset + passed);
}

std::chrono::nanoseconds simulation::process::monotonic() {
  machine_->threads.pass(look_at_clock);  // so that waiting in a loop comes to an end
  return machine_->threads.now();
}

void simulation::process::random(std::span<std::uint8_t> out) {
  for (auto& byte : out) byte = static_cast<std::uint8_t>(machine_->chances_of.number());
}

std::unique_ptr<thread> simulation::process::spawn(std::string_view name,
                                                   std::function<void()> body,
                                                   thread_priority /*all are equal*/) {
  return std::make_unique<running_thread>(
      machine_->threads, machine_->threads.start(std::string(name), std::move(body)));
}

void simulation::process::park(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                               std::optional<std::chrono::nanoseconds> timeout) {
  machine_->threads.park(word, expected, timeout);
}
void simulation::process::wake_one(const std::atomic<std::uint32_t>& word) {
  machine_->threads.wake(word, 1);
}
void simulation::process::wake_all(const std::atomic<std::uint32_t>& word) {
  machine_->threads.wake(word, SIZE_MAX);
}
void simulation::process::post(std::chrono::nanoseconds delay,
                               std::move_only_function<void()> task) {
  timer_.post(machine_->threads.now() + delay, std::move(task));
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
