#include "bus_errors.h"

#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <type_traits>

#include "annals/assert.h"
#include "annals/env.h"

namespace annals {
inline namespace v1 {

/// One watched range, as the handler finds it: without a lock, among slots that are never freed.
struct slot {
  std::atomic<std::uintptr_t> begin{0};  // 0: unused
  std::atomic<std::uintptr_t> end{0};
  std::atomic<std::uint64_t> lost{bus_errors::watched::not_lost};
};

namespace {

constexpr std::uintptr_t page_bytes = 4096;

/// Slots in blocks, each twice as many as the one before.
struct slots {
  static constexpr std::size_t first_block = 64;
  static constexpr std::size_t most_blocks = 24;

  std::array<std::atomic<slot*>, most_blocks> blocks{};
  std::mutex adding{};

  static constexpr std::size_t size_of(std::size_t block) noexcept { return first_block << block; }
};

slots& all_slots() noexcept {
  // The handler may need it as long as there is a process.
  static_assert(std::is_trivially_destructible_v<slots>);
  static constinit slots all;
  return all;
}

std::atomic<bool> left_alone{false};
std::atomic<std::uint64_t> pages_lost{0};
struct sigaction before{};  // written once, before the handler is there

template <class Each>
slot* find_slot(Each&& fits) noexcept {
  auto& all = all_slots();
  for (std::size_t i = 0; i < all.blocks.size(); ++i) {
    auto* const block = all.blocks[i].load(std::memory_order_acquire);
    if (block == nullptr) return nullptr;
    for (std::size_t k = 0; k < slots::size_of(i); ++k)
      if (fits(block[k])) return &block[k];
  }
  return nullptr;
}

/// True when zeros stand now where the page was that could not be read.
bool replaced_page(void* looked_at) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(looked_at);
  auto* const found = find_slot([&](const slot& one) {
    const auto begin = one.begin.load(std::memory_order_acquire);
    return begin != 0 && address >= begin && address < one.end.load(std::memory_order_acquire);
  });
  if (found == nullptr) return false;
  const auto into_page = address % page_bytes;
  const auto page = address - into_page;
  const auto begin = found->begin.load();
  // The loss is told of before anyone can see zeros.
  std::uint64_t none = bus_errors::watched::not_lost;
  found->lost.compare_exchange_strong(none, page - begin);
  pages_lost.fetch_add(1);
  auto* const at = static_cast<std::byte*>(looked_at) - into_page;
  return ::mmap(at, page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
         MAP_FAILED;
}

/// As if this library had no handler.
void pass_on(int number, siginfo_t* info, void* context) noexcept {
  if ((before.sa_flags & SA_SIGINFO) != 0) return before.sa_sigaction(number, info, context);
  const bool sent = info->si_code <= 0;  // by a process, and not by a look at memory
  if (before.sa_handler == SIG_IGN && sent) return;
  if (before.sa_handler != SIG_IGN && before.sa_handler != SIG_DFL)
    return before.sa_handler(number);
  // Another look at the memory ends the process; a signal that was sent has to be sent again.
  struct sigaction ends{};
  ends.sa_handler = SIG_DFL;
  ::sigaction(SIGBUS, &ends, nullptr);
  if (sent) ::raise(SIGBUS);
}

void handle(int number, siginfo_t* info, void* context) noexcept {
  const int kept = errno;
  const bool by_a_look = info->si_code > 0;
  if (!by_a_look || !replaced_page(info->si_addr)) pass_on(number, info, context);
  errno = kept;
}

void install_once() noexcept {
  static std::once_flag once;
  std::call_once(once, [] {
    ANNALS_ASSERT(::sigaction(SIGBUS, nullptr, &before) == 0, "there is a signal SIGBUS");
    struct sigaction ours{};
    ours.sa_sigaction = handle;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    ::sigemptyset(&ours.sa_mask);
    ANNALS_ASSERT(::sigaction(SIGBUS, &ours, nullptr) == 0, "SIGBUS may be handled");
  });
}

slot* take_slot(std::uintptr_t begin, std::uintptr_t end) {
  auto& all = all_slots();
  const std::scoped_lock lock(all.adding);
  auto* free = find_slot([](const slot& one) { return one.begin.load() == 0; });
  for (std::size_t i = 0; free == nullptr && i < all.blocks.size(); ++i)
    if (all.blocks[i].load() == nullptr) {
      free = new slot[slots::size_of(i)];
      all.blocks[i].store(free, std::memory_order_release);
    }
  ANNALS_ASSERT(free != nullptr, "fewer mappings than the system allows");
  free->lost = bus_errors::watched::not_lost;
  free->end.store(end, std::memory_order_release);
  free->begin.store(begin, std::memory_order_release);
  return free;
}

}  // namespace

bus_errors::watched::watched(const void* memory, std::size_t length) : slot_(nullptr) {
  if (left_alone) return;
  const auto begin = reinterpret_cast<std::uintptr_t>(memory);
  slot_ = take_slot(begin, begin + (length + page_bytes - 1) / page_bytes * page_bytes);
  install_once();
}

bus_errors::watched::~watched() {
  if (slot_ != nullptr) slot_->begin.store(0, std::memory_order_release);
}

std::uint64_t bus_errors::watched::lost() const noexcept {
  return slot_ == nullptr ? not_lost : slot_->lost.load();
}

std::uint64_t bus_errors::lost_pages() noexcept {
  return pages_lost.load(std::memory_order_acquire);
}

void leave_bus_errors_alone() noexcept {
  left_alone = true;
}

}  // namespace v1
}  // namespace annals
