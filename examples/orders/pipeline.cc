#include "orders/pipeline.h"

#include <optional>
#include <utility>

namespace orders {

void pipeline::submit(const uuid& order, job work) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return in_flight_ < most_; });
    ++in_flight_;
    const auto [queue, idle] = behind_.try_emplace(order);
    if (!idle) {
      queue->second.push_back(std::move(work));
      return;
    }
  }
  start(order, std::move(work));
}

void pipeline::start(const uuid& order, job work) {
  work([this, order] { finished(order); });
}

void pipeline::finished(const uuid& order) {
  std::optional<job> next;
  {
    const std::scoped_lock lock(mutex_);
    const auto queue = behind_.find(order);
    if (queue->second.empty()) {
      behind_.erase(queue);
    } else {
      next = std::move(queue->second.front());
      queue->second.pop_front();
    }
    --in_flight_;
    changed_.notify_all();  // under the lock: drain() may end, and this with it
  }
  if (next) start(order, std::move(*next));
}

void pipeline::drain() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return in_flight_ == 0; });
}

}  // namespace orders
