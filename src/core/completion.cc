#include <utility>

#include "annals/store.h"

namespace annals {
inline namespace v1 {
namespace {

// A completion that throws terminates: nobody is left who could hear of it.
void run_one(std::move_only_function<void()>& run) noexcept {
  run();
}

}  // namespace

bool inside_completion() noexcept {
  return thread_state::current().completing;
}

void complete(std::move_only_function<void()> run) {
  auto& here = thread_state::current();
  if (here.completing) {
    here.completions.push_back(std::move(run));
    return;
  }
  here.completing = true;
  run_one(run);
  while (!here.completions.empty()) {
    auto next = std::move(here.completions.front());
    here.completions.pop_front();
    run_one(next);
  }
  here.completing = false;
}

}  // namespace v1
}  // namespace annals
