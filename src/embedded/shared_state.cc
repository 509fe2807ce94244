#include "shared_state.h"

#include <algorithm>
#include <array>
#include <bit>
#include <new>

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::uint64_t state_magic = 0x48'53'53'4c'41'4e'4e'41;  // "ANNALSSH", little-endian
constexpr std::uint64_t state_version = 1;
constexpr std::size_t cache_line = 64;                // bytes
constexpr std::chrono::milliseconds unwoken_look{2};  // of readers that cannot ask to be woken

using id_halves = std::array<std::atomic<std::uint64_t>, 2>;

bool equal(const id_halves& stored, const uuid& id) noexcept {
  const auto halves = std::bit_cast<std::array<std::uint64_t, 2>>(id.bytes);
  return stored[0].load() == halves[0] && stored[1].load() == halves[1];
}

void store(id_halves& to, const uuid& id) noexcept {
  const auto halves = std::bit_cast<std::array<std::uint64_t, 2>>(id.bytes);
  to[0] = halves[0];
  to[1] = halves[1];
}

}  // namespace

// As it stands in the page; docs/format.md, "STATE". What changes with every group has a cache line
// of its own.
struct shared_state::content {
  std::atomic<std::uint64_t> magic;
  std::atomic<std::uint64_t> version;
  id_halves store_id;
  id_halves boot_id;
  alignas(cache_line) std::atomic<std::uint64_t> durable;  // an LSN
  std::atomic<std::uint32_t> changes;  // even, or one more: a reader may be parked on it
};

// The page is aligned far beyond what atomics need, and all zeros are their initial state.
shared_state::content& shared_state::at() const noexcept {
  static_assert(sizeof(content) <= shared_page::size);
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
  return *std::launder(reinterpret_cast<content*>(page_->data()));
}

bool shared_state::is_ours() const noexcept {
  return !boot_id_.is_nil() && at().magic.load() == state_magic &&
         at().version.load() == state_version && equal(at().store_id, store_id_) &&
         equal(at().boot_id, boot_id_);
}

void shared_state::make_ours() noexcept {
  auto& to = at();
  to.magic = 0;  // until the rest is right, readers find nothing here
  to.version = state_version;
  to.durable = 0;
  store(to.store_id, store_id_);
  store(to.boot_id, boot_id_);
  to.magic = state_magic;
}

result<std::unique_ptr<shared_state>> shared_state::make(env& environment, const store_paths& paths,
                                                         const uuid& store_id) {
  const auto there = environment.exists(paths.state());
  if (!there) return std::unexpected(there.error());
  auto page = environment.share(paths.state(), *there ? file_mode::write : file_mode::create);
  if (!page && page.error().code() == errc::store_corrupt) {  // cut off, by a crash
    if (auto removed = environment.remove(paths.state()); !removed)
      return std::unexpected(removed.error());
    page = environment.share(paths.state(), file_mode::create);
  }
  if (!page) return std::unexpected(page.error());
  std::unique_ptr<shared_state> made(
      new shared_state(std::move(*page), true, store_id, environment.boot_id()));
  if (!made->is_ours()) made->make_ours();
  return made;
}

result<std::unique_ptr<shared_state>> shared_state::find(env& environment, const store_paths& paths,
                                                         const uuid& store_id) {
  std::unique_ptr<shared_state> none;
  const auto there = environment.exists(paths.state());
  if (!there) return std::unexpected(there.error());
  if (!*there) return none;
  bool writable = true;
  auto page = environment.share(paths.state(), file_mode::write);
  if (!page && page.error().code() != errc::store_corrupt) {  // perhaps for want of leave to write
    writable = false;
    page = environment.share(paths.state(), file_mode::read);
  }
  if (!page && page.error().code() == errc::store_corrupt) return none;
  if (!page) return std::unexpected(page.error());
  return std::unique_ptr<shared_state>(
      new shared_state(std::move(*page), writable, store_id, environment.boot_id()));
}

bool shared_state::counts() const noexcept {
  return is_ours() && durable() != lsn{};
}

lsn shared_state::durable() const noexcept {
  return {at().durable.load(std::memory_order_acquire)};
}

// Moves on to the next even number; true when somebody may be parked on the one before. Asking to
// be woken and moving on are changes of one word, so that neither can overtake the other; a reader
// that was killed while it waited costs one wake-up.
bool shared_state::move_on() noexcept {
  auto before = at().changes.load();
  while (!at().changes.compare_exchange_weak(before, (before | 1U) + 1)) {
  }
  return (before & 1U) != 0;
}

void shared_state::publish(lsn durable) noexcept {
  at().durable.store(durable.bits, std::memory_order_release);
  if (move_on()) owes_wake_up_ = true;
}

void shared_state::wake_waiting() {
  if (std::exchange(owes_wake_up_, false)) page_->wake_all(at().changes);
}

std::uint32_t shared_state::changes() const noexcept {
  return at().changes.load() & ~1U;
}

void shared_state::wait(std::uint32_t seen, std::chrono::nanoseconds timeout) {
  auto found = seen;
  if (writable_) {
    if (at().changes.compare_exchange_strong(found, seen | 1U)) found = seen | 1U;
  } else {
    found = at().changes.load();
    timeout = std::min<std::chrono::nanoseconds>(timeout, unwoken_look);
  }
  if ((found & ~1U) == seen) page_->park(at().changes, found, timeout);
}

void shared_state::interrupt() {
  if (writable_) move_on();
  page_->wake_all(at().changes);
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
