#include "annals/env.h"

namespace annals {
inline namespace v1 {
namespace {

thread_local thread_state native;
thread_local thread_state* entered = nullptr;

}  // namespace

thread_state& thread_state::current() noexcept {
  return entered ? *entered : native;
}

void thread_state::enter(thread_state* state) noexcept {
  entered = state;
}

}  // namespace v1
}  // namespace annals
