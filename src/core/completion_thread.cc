#include "annals/engine.h"

namespace annals {
inline namespace v1 {

completion_thread::~completion_thread() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  ++changes_;
  env_.wake_all(changes_);
  thread_.reset();  // joins, after the queue has run empty
}

void completion_thread::post(std::move_only_function<void()> run) {
  std::vector<std::move_only_function<void()>> one;
  one.push_back(std::move(run));
  post_all(std::move(one));
}

void completion_thread::post_all(std::vector<std::move_only_function<void()>> runs) {
  if (runs.empty()) return;
  bool was_empty = false;
  {
    const std::scoped_lock lock(mutex_);
    was_empty = queue_.empty();
    for (auto& one : runs) queue_.push_back(std::move(one));
    if (!thread_) thread_ = env_.spawn("annals-complete", [this] { run(); });
  }
  if (!was_empty) return;  // the thread looks again before it parks
  ++changes_;
  env_.wake_all(changes_);
}

void completion_thread::drain() {
  std::atomic<std::uint32_t> drained{0};
  post([&drained, &environment = env_] {
    drained.store(1, std::memory_order_release);
    environment.wake_all(drained);
  });
  while (drained.load(std::memory_order_acquire) == 0) env_.park(drained, 0);
}

void completion_thread::run() {
  std::deque<std::move_only_function<void()>> batch;
  for (;;) {
    const auto seen = changes_.load();
    bool stop = false;
    {
      const std::scoped_lock lock(mutex_);
      batch.swap(queue_);
      stop = stopping_;
    }
    if (batch.empty()) {
      if (stop) return;
      env_.park(changes_, seen);
      continue;
    }
    for (auto& one : batch) complete(std::move(one));
    batch.clear();
  }
}

}  // namespace v1
}  // namespace annals
