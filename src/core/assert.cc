#include "annals/assert.h"

#include <cstdio>
#include <cstdlib>

namespace annals {
inline namespace v1 {

void assertion_failed(const char* expression, const char* file, int line,
                      const char* why) noexcept {
  std::fprintf(stderr, "%s:%d: contract broken: %s (%s)\n", file, line, why, expression);
  std::abort();
}

}  // namespace v1
}  // namespace annals
