#include "steered_env.h"

namespace annals {
inline namespace v1 {
namespace testing {

void steered_env::set_clock(time_point now) {
  const std::scoped_lock lock(mutex_);
  stands_at_ = now;
}

time_point steered_env::now() {
  const std::scoped_lock lock(mutex_);
  return stands_at_ ? *stands_at_ : below().now();
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
