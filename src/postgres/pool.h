#pragma once

#include <mutex>
#include <optional>
#include <vector>

#include "connection.h"

namespace annals {
inline namespace v1 {
namespace postgres {

/// Connections for reading: made when they are needed, kept, looked at before they are lent again.
///
/// Threads: any.
class pool {
 public:
  pool(env& environment, connect_options options, std::uint32_t most)
      : env_(environment), options_(std::move(options)), most_(most) {}

  /// A connection on loan; given back by its destructor, or closed when it is of no more use.
  class loan {
   public:
    loan(pool& from, std::unique_ptr<connection> lent) : from_(&from), lent_(std::move(lent)) {}
    loan(loan&& other) noexcept = default;
    loan& operator=(loan&&) = delete;
    ~loan() {
      if (lent_) from_->take_back(std::move(lent_));
    }
    connection& operator*() noexcept { return *lent_; }
    connection* operator->() noexcept { return lent_.get(); }

   private:
    pool* from_;
    std::unique_ptr<connection> lent_;
  };

  /// Lends a connection.
  ///
  /// Blocks:  while all are lent, until `deadline`; and while connecting.
  outcome<loan> borrow(clock_reading deadline);
  /// Lends one to be kept while others are asked for on the same thread; none when that would be
  /// more than half of them, or when there is no connecting.
  std::optional<loan> borrow_spare();
  /// Closes what is not lent.
  void close();

 private:
  outcome<loan> lend(std::unique_ptr<connection> idle);
  std::unique_ptr<connection> take_idle();
  void take_back(std::unique_ptr<connection> lent);
  void free_one();

  env& env_;
  connect_options options_;
  std::uint32_t most_;
  std::mutex mutex_{};
  std::vector<std::unique_ptr<connection>> idle_{};
  std::uint32_t lent_ = 0;
  std::atomic<std::uint32_t> freed_{0};  // parked on
};

}  // namespace postgres
}  // namespace v1
}  // namespace annals
