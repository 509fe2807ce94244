#include "fibers.h"

#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "annals/assert.h"
#include "annals/env.h"

#if defined(__SANITIZE_ADDRESS__)
#define ANNALS_TELLS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ANNALS_TELLS_SANITIZER 1
#endif
#endif
#if defined(ANNALS_TELLS_SANITIZER)
#include <sanitizer/common_interface_defs.h>
#endif

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

constexpr std::size_t stack_bytes = 512U << 10U;  // committed as far as it is used
constexpr std::size_t guard_bytes = 4096;         // below it, not to be touched
constexpr std::chrono::nanoseconds turn_time{200};
constexpr double early_return = 1.0 / 64;  // of park, as its contract allows

// The address sanitizer follows a change of stacks only when it is told.
void tell_leaving([[maybe_unused]] void** kept, [[maybe_unused]] const void* bottom,
                  [[maybe_unused]] std::size_t size) {
#if defined(ANNALS_TELLS_SANITIZER)
  __sanitizer_start_switch_fiber(kept, bottom, size);
#endif
}

void tell_arrived([[maybe_unused]] void* kept, [[maybe_unused]] const void** bottom,
                  [[maybe_unused]] std::size_t* size) {
#if defined(ANNALS_TELLS_SANITIZER)
  __sanitizer_finish_switch_fiber(kept, bottom, size);
#endif
}

}  // namespace

struct fibers::stack {
  stack()
      : memory(::mmap(nullptr, stack_bytes + guard_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
    ANNALS_ASSERT(memory != MAP_FAILED, "no memory for the stack of a simulated thread");
    ::mprotect(memory, guard_bytes, PROT_NONE);
  }
  stack(const stack&) = delete;
  stack& operator=(const stack&) = delete;
  ~stack() { ::munmap(memory, stack_bytes + guard_bytes); }

  void* bottom() const noexcept { return static_cast<std::byte*>(memory) + guard_bytes; }

  void* memory;
};

class fibers::fiber {
 public:
  explicit fiber(std::string called) : name(std::move(called)) {}

  std::string name;
  fibers* owner = nullptr;
  std::function<void()> body{};
  std::unique_ptr<stack> own_stack{};
  ucontext_t context{};
  thread_state state{};
  const void* bottom = nullptr;  // for the sanitizer
  std::size_t size = 0;
  void* kept_by_sanitizer = nullptr;

  const std::atomic<std::uint32_t>* word = nullptr;  // parked on; null: asleep
  std::optional<std::chrono::nanoseconds> deadline{};
  bool ended = false;
  std::atomic<std::uint32_t> end_word{0};
};

fibers::fibers(dice& chances)
    : chances_(chances), main_(std::make_shared<fiber>("main")), current_(main_) {}

fibers::~fibers() {
  ANNALS_ASSERT(current_ == main_, "a simulated world ends where it began");
  ANNALS_ASSERT(ready_.empty() && parked_.empty(), "threads of a simulated world outlive it");
  thread_state::enter(nullptr);
}

std::unique_ptr<fibers::stack> fibers::take_stack() {
  if (spare_.empty()) return std::make_unique<stack>();
  auto taken = std::move(spare_.back());
  spare_.pop_back();
  return taken;
}

std::shared_ptr<fibers::fiber> fibers::start(std::string name, std::function<void()> body) {
  auto made = std::make_shared<fiber>(std::move(name));
  made->owner = this;
  made->body = std::move(body);
  made->own_stack = take_stack();
  made->bottom = made->own_stack->bottom();
  made->size = stack_bytes;
  ::getcontext(&made->context);
  made->context.uc_stack.ss_sp = made->own_stack->bottom();
  made->context.uc_stack.ss_size = stack_bytes;
  made->context.uc_link = nullptr;
  // makecontext passes ints: the address goes in two halves.
  const auto halves = std::bit_cast<std::array<unsigned int, 2>>(made.get());
  ::makecontext(&made->context, reinterpret_cast<void (*)()>(&fibers::begin), 2, halves[0],
                halves[1]);
  ready_.push_back(made);
  return made;
}

void fibers::begin(unsigned int first_half, unsigned int second_half) {
  auto& self = *std::bit_cast<fiber*>(std::array{first_half, second_half});
  auto& all = *self.owner;
  all.arrived();
  [&]() noexcept { self.body(); }();
  self.body = nullptr;
  self.ended = true;
  self.end_word = 1;
  all.wake(self.end_word, SIZE_MAX);
  all.run_next();
  ANNALS_ASSERT(false, "a simulated thread ran on after its end");
}

void fibers::join(fiber& of) {
  while (!of.ended) park(of.end_word, 0, std::nullopt);
}

void fibers::park(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                  std::optional<std::chrono::nanoseconds> timeout) {
  if (word.load() != expected || chances_.chance(early_return)) {
    ready_.push_back(current_);
  } else {
    current_->word = &word;
    current_->deadline = timeout ? std::optional(now_ + *timeout) : std::nullopt;
    parked_.push_back(current_);
  }
  run_next();
}

void fibers::rest(std::chrono::nanoseconds time) {
  current_->word = nullptr;
  current_->deadline = now_ + time;
  parked_.push_back(current_);
  run_next();
}

void fibers::wake(const std::atomic<std::uint32_t>& word, std::size_t most) {
  while (most-- > 0) {
    std::vector<std::size_t> waiting;
    for (std::size_t i = 0; i < parked_.size(); ++i)
      if (parked_[i]->word == &word) waiting.push_back(i);
    if (waiting.empty()) return;
    const auto at = static_cast<std::ptrdiff_t>(waiting[chances_.below(waiting.size())]);
    ready_.push_back(std::move(parked_[static_cast<std::size_t>(at)]));
    parked_.erase(parked_.begin() + at);
  }
}

bool fibers::make_due_ready() {
  const auto is_due = [this](const auto& one) { return one->deadline && *one->deadline <= now_; };
  const auto due =
      std::partition(parked_.begin(), parked_.end(), [&](const auto& one) { return !is_due(one); });
  std::move(due, parked_.end(), std::back_inserter(ready_));
  parked_.erase(due, parked_.end());
  return !ready_.empty();
}

void fibers::run_next() {
  now_ += turn_time;
  while (!make_due_ready()) {
    std::optional<std::chrono::nanoseconds> next;
    for (const auto& one : parked_)
      if (one->deadline && (!next || *one->deadline < *next)) next = one->deadline;
    if (!next) report_deadlock();
    now_ = *next;
  }
  const auto chosen = static_cast<std::ptrdiff_t>(chances_.below(ready_.size()));
  auto next = std::move(ready_[static_cast<std::size_t>(chosen)]);
  ready_.erase(ready_.begin() + chosen);
  turn_to(std::move(next));
}

void fibers::report_deadlock() const {
  std::fprintf(stderr, "simulation: every thread waits and nobody will wake it:\n");
  for (const auto& one : parked_) std::fprintf(stderr, "  %s\n", one->name.c_str());
  std::abort();
}

void fibers::turn_to(std::shared_ptr<fiber> next) {
  ++turns_;
  if (next == current_) return;
  auto from = std::exchange(current_, std::move(next));
  auto& to = *current_;
  left_ = from.get();
  tell_leaving(from->ended ? nullptr : &from->kept_by_sanitizer, to.bottom, to.size);
  if (from->ended) {
    ended_ = std::move(from);  // until the next has arrived: this still runs on its stack
    ::setcontext(&to.context);
  } else {
    ::swapcontext(&from->context, &to.context);
  }
  arrived();
}

void fibers::arrived() {
  auto& from = *left_;
  tell_arrived(current_->kept_by_sanitizer, &from.bottom, &from.size);
  thread_state::enter(current_ == main_ ? nullptr : &current_->state);
  if (!from.ended) return;
  spare_.push_back(std::move(from.own_stack));
  ended_.reset();
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
