#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "annals/assert.h"

namespace annals {
inline namespace v1 {
namespace postgres {

/// What wakes a thread that waits for a socket: it polls this beside it.
///
/// Threads: any.
class doorbell {
 public:
  doorbell() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    ANNALS_ASSERT(descriptor_ >= 0, "the system has no eventfd left");
  }
  ~doorbell() { ::close(descriptor_); }
  doorbell(const doorbell&) = delete;
  doorbell& operator=(const doorbell&) = delete;

  /// Can be read from ring() to hush().
  int descriptor() const noexcept { return descriptor_; }
  void ring() {
    const std::uint64_t one = 1;
    const auto written = ::write(descriptor_, &one, sizeof one);
    ANNALS_ASSERT(written == sizeof one, "an eventfd takes a number");
  }
  void hush() {
    std::uint64_t rung = 0;
    (void)!::read(descriptor_, &rung, sizeof rung);  // nothing to read: it was not rung
  }

 private:
  int descriptor_;
};

}  // namespace postgres
}  // namespace v1
}  // namespace annals
