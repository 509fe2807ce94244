#pragma once

#include <mutex>

#include "annals/forwarding_env.h"

namespace annals {
inline namespace v1 {
namespace testing {

/// An env with a clock that stands where a case has put it. Until then it runs.
class steered_env final : public forwarding_env {
 public:
  explicit steered_env(env& below) : forwarding_env(below) {}

  void set_clock(time_point now);
  void advance_clock(std::chrono::microseconds by) { set_clock(now() + by); }

  time_point now() override;

 private:
  std::mutex mutex_{};
  std::optional<time_point> stands_at_{};
};

}  // namespace testing
}  // namespace v1
}  // namespace annals
