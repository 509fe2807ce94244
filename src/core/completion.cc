#include <deque>
#include <utility>

#include "annals/store.h"

namespace annals {
inline namespace v1 {
namespace {

/// Completions that came up while one was running on this thread, and whether one is.
struct completions_of_thread {
  bool running = false;
  std::deque<std::move_only_function<void()>> waiting{};
};
thread_local completions_of_thread current;

// A completion that throws terminates: nobody is left who could hear of it.
void run_one(std::move_only_function<void()>& run) noexcept {
  run();
}

}  // namespace

bool inside_completion() noexcept {
  return current.running;
}

void complete(std::move_only_function<void()> run) {
  if (current.running) {
    current.waiting.push_back(std::move(run));
    return;
  }
  current.running = true;
  run_one(run);
  while (!current.waiting.empty()) {
    auto next = std::move(current.waiting.front());
    current.waiting.pop_front();
    run_one(next);
  }
  current.running = false;
}

}  // namespace v1
}  // namespace annals
