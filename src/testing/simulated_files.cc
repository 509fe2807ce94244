#include "simulated_files.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "annals/assert.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

constexpr std::size_t direct_alignment = 4096;  // bytes, as posix_env's unbuffered files

}  // namespace

class simulation::page final : public shared_page {
 public:
  page(std::shared_ptr<machine> on, std::shared_ptr<shared_page> memory)
      : machine_(std::move(on)), memory_(std::move(memory)) {}

  std::byte* data() noexcept override { return memory_->data(); }
  void park(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
            std::optional<std::chrono::nanoseconds> timeout) override {
    machine_->threads.park(word, expected, timeout);
  }
  void wake_all(const std::atomic<std::uint32_t>& word) override {
    machine_->threads.wake(word, SIZE_MAX);
  }

 private:
  std::shared_ptr<machine> machine_;
  std::shared_ptr<shared_page> memory_;
};

namespace {

/// The memory that all processes see; never parked on itself.
class page_memory final : public shared_page {
 public:
  std::byte* data() noexcept override { return bytes_.data(); }
  void park(const std::atomic<std::uint32_t>&, std::uint32_t,
            std::optional<std::chrono::nanoseconds>) override {
    ANNALS_ASSERT(false, "parked on the memory behind a shared page");
  }
  void wake_all(const std::atomic<std::uint32_t>&) override {}

 private:
  alignas(64) std::array<std::byte, size> bytes_{};
};

}  // namespace

result<std::unique_ptr<shared_page>> simulation::process::share(const std::string& path,
                                                                file_mode mode) {
  auto opened = open(path, mode, write_through::none);
  if (!opened) return std::unexpected(opened.error());
  const auto content = machine_->disk.find(plain_path(path));
  if (mode == file_mode::create) content->resize(shared_page::size);
  if (content->size() < shared_page::size) return fail(errc::store_corrupt, path + " is cut off");
  if (!content->page) {
    content->page = std::make_shared<page_memory>();
    content->read(0, {content->page->data(), shared_page::size});
  }
  return std::make_unique<page>(machine_, content->page);
}

simulation::open_file::open_file(std::shared_ptr<machine> on, process& opener, std::string path,
                                 std::shared_ptr<simulated_disk::content> content,
                                 write_through through)
    : machine_(std::move(on)),
      opener_(opener),
      path_(std::move(path)),
      content_(std::move(content)),
      through_(through),
      boot_(machine_->starts) {}

// After a power cut nobody holds anything.
simulation::open_file::~open_file() {
  if (!machine_->has_power || boot_ != machine_->starts) return;
  if (holds_shared_) --content_->shared_locks;
  if (holds_exclusive_) content_->exclusive_lock = false;
}

error simulation::open_file::broken(std::string_view doing) const {
  return {errc::database_error, std::string(doing) + ' ' + path_ + ": a simulated error"};
}

result<std::size_t> simulation::open_file::read_at(std::uint64_t offset, std::span<std::byte> out) {
  if (auto alive = opener_.check_alive(); !alive) return std::unexpected(alive.error());
  if (machine_->happens(machine_->faults.read_error)) return std::unexpected(broken("reading"));
  return content_->read(offset, out);
}

// A process may die while its write is under way: it is then on the disk, and not synced.
result<void> simulation::open_file::write_at(std::uint64_t offset,
                                             std::span<const std::byte> bytes) {
  if (auto alive = opener_.check_alive(); !alive) return alive;
  const auto size = content_->size();
  const std::uint64_t growth = std::max(offset + bytes.size(), size) - size;
  if (growth > 0 && machine_->disk.bytes() + growth > machine_->disk_size)
    return fail(errc::disk_full, "writing " + path_ +
                                     ": No space left on device; make room and "
                                     "try again");
  if (machine_->happens(machine_->faults.write_error)) {
    const auto sectors = bytes.size() / simulated_disk::sector_bytes;
    const auto part = machine_->chances_of.below(sectors + 1) * simulated_disk::sector_bytes;
    content_->write(offset, bytes.first(static_cast<std::size_t>(part)));
    if (auto alive = opener_.step(offset); !alive) return alive;
    return std::unexpected(broken("writing"));
  }
  content_->write(offset, bytes);
  if (auto alive = opener_.step(offset + bytes.size()); !alive) return alive;
  if (!is_durable()) return {};
  return machine_->buffered_only ? sync_what_was_written() : make_durable();
}

result<void> simulation::open_file::sync() {
  if (auto alive = opener_.step('s'); !alive) return alive;
  return sync_what_was_written();
}

result<void> simulation::open_file::sync_what_was_written() {
  if (machine_->happens(machine_->faults.sync_error)) {
    content_->forget_unsynced();
    return std::unexpected(broken("syncing"));
  }
  return make_durable();
}

// It takes a while: others run meanwhile, when this may be done without a mutex.
result<void> simulation::open_file::make_durable() {
  if (is_durable()) {
    machine_->threads.rest(
        std::chrono::microseconds(40 + machine_->chances_of.below(100)));  // as disks do
    if (auto alive = opener_.check_alive(); !alive) return alive;
  }
  if (!machine_->has_lied && machine_->happens(machine_->faults.lying_sync)) {
    machine_->has_lied = true;
    content_->forget_unsynced();
    return {};
  }
  content_->make_durable();
  return {};
}

result<std::uint64_t> simulation::open_file::size() {
  if (auto alive = opener_.check_alive(); !alive) return std::unexpected(alive.error());
  return content_->size();
}

result<void> simulation::open_file::truncate(std::uint64_t size) {
  if (auto alive = opener_.check_alive(); !alive) return alive;
  content_->resize(size);
  return opener_.step(size);
}

result<bool> simulation::open_file::try_lock(lock_kind kind) {
  if (auto alive = opener_.check_alive(); !alive) return std::unexpected(alive.error());
  if (kind == lock_kind::shared) {
    if (content_->exclusive_lock && !holds_exclusive_) return false;
    if (holds_exclusive_) content_->exclusive_lock = holds_exclusive_ = false;
    if (!std::exchange(holds_shared_, true)) ++content_->shared_locks;
    return true;
  }
  const int others = content_->shared_locks - (holds_shared_ ? 1 : 0);
  if (others > 0 || (content_->exclusive_lock && !holds_exclusive_)) return false;
  if (std::exchange(holds_shared_, false)) --content_->shared_locks;
  content_->exclusive_lock = holds_exclusive_ = true;
  return true;
}

void simulation::open_file::drop_cache() noexcept {
  if (opener_.check_alive())
    content_->drop_cache(machine_->chances_of, machine_->faults.cache_kept);
}

std::size_t simulation::open_file::alignment() const noexcept {
  return is_durable() && !machine_->buffered_only ? direct_alignment : 1;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
