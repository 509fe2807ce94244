#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dice.h"

namespace annals {
inline namespace v1 {
namespace testing {

/// Threads of a simulated world, all on the one thread that made this: one runs until it parks,
/// sleeps or ends, then the seed decides who is next. Time is virtual; it passes when nobody can
/// run. When nobody ever will, the process is stopped with the names of those who wait.
///
/// Threads: the one that made it, whose own stack counts as the first fiber, "main".
class fibers {
 public:
  class fiber;

  explicit fibers(dice& chances);
  fibers(const fibers&) = delete;
  fibers& operator=(const fibers&) = delete;
  ~fibers();

  std::shared_ptr<fiber> start(std::string name, std::function<void()> body);
  void join(fiber& of);

  /// As env::park. May return early.
  void park(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
            std::optional<std::chrono::nanoseconds> timeout);
  void wake(const std::atomic<std::uint32_t>& word, std::size_t most);
  void rest(std::chrono::nanoseconds time);

  std::chrono::nanoseconds now() const noexcept { return now_; }
  void pass(std::chrono::nanoseconds time) noexcept { now_ += time; }
  /// Turns so far, for traces.
  std::uint64_t turns() const noexcept { return turns_; }

 private:
  struct stack;

  void run_next();
  bool make_due_ready();
  [[noreturn]] void report_deadlock() const;
  void turn_to(std::shared_ptr<fiber> next);
  void arrived();
  static void begin(unsigned int first_half, unsigned int second_half);
  std::unique_ptr<stack> take_stack();

  dice& chances_;
  std::chrono::nanoseconds now_{0};
  std::uint64_t turns_ = 0;
  std::shared_ptr<fiber> main_;
  std::shared_ptr<fiber> current_;
  fiber* left_ = nullptr;                        // the one turned away from
  std::shared_ptr<fiber> ended_{};               // whose stack is to be given back
  std::vector<std::shared_ptr<fiber>> ready_{};  // not the current one
  std::vector<std::shared_ptr<fiber>> parked_{};
  std::vector<std::unique_ptr<stack>> spare_{};
};

}  // namespace testing
}  // namespace v1
}  // namespace annals
