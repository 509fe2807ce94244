#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <unordered_map>

#include "annals/category.h"
#include "orders/order.h"
#include "orders/order_json.h"

namespace orders {

using order_category = annals::category<order, order_events>;

/// Executes commands of many orders at once, those of one order one after the other.
///
/// Threads: submit() and drain() from one thread; completions come from the store's.
class pipeline {
 public:
  /// A piece of work on one order; calls its argument once, when it is done.
  using job = std::move_only_function<void(std::move_only_function<void()> finished)>;

  explicit pipeline(std::size_t most_in_flight) : most_(most_in_flight) {}
  pipeline(const pipeline&) = delete;
  pipeline& operator=(const pipeline&) = delete;
  ~pipeline() { drain(); }

  /// Starts the job, or puts it behind those of the same order. Waits while too many are under way.
  void submit(const uuid& order, job work);
  /// Waits until all is done.
  void drain();

 private:
  void start(const uuid& order, job work);
  void finished(const uuid& order);

  std::size_t most_;
  std::mutex mutex_{};
  std::condition_variable changed_{};
  std::size_t in_flight_ = 0;
  std::unordered_map<uuid, std::deque<job>> behind_{};  // an entry while one is under way
};

}  // namespace orders
