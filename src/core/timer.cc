#include "timer.h"

#include "annals/background.h"

namespace annals {
inline namespace v1 {

timer::~timer() {
  stopping_ = true;
  ++changes_;
  env_.wake_all(changes_);
  thread_.reset();  // joins
}

void timer::post(std::chrono::nanoseconds due, std::move_only_function<void()> task) {
  {
    const std::scoped_lock lock(mutex_);
    tasks_.emplace(due, std::move(task));
    if (!thread_) thread_ = env_.spawn("annals-timer", [this] { run(); });
  }
  ++changes_;
  env_.wake_all(changes_);
}

void timer::run() {
  work_until(stopping_, changes_, env_, [this]() -> std::optional<idle> {
    idle nothing;
    auto task = take_due(nothing.at_most);
    if (!task) return nothing;
    task();
    return std::nullopt;
  });
}

std::move_only_function<void()> timer::take_due(
    std::optional<std::chrono::nanoseconds>& until_next) {
  const std::scoped_lock lock(mutex_);
  if (tasks_.empty()) return {};
  const auto first = tasks_.begin();
  const auto now = env_.monotonic();
  if (first->first > now) {
    until_next = first->first - now;
    return {};
  }
  auto task = std::move(first->second);
  tasks_.erase(first);
  return task;
}

}  // namespace v1
}  // namespace annals
