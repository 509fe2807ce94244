#include "interrupts.h"

#include <signal.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "annals/env.h"

namespace annals_cli {
namespace {

// A signal handler reaches nothing else.
std::atomic<int> came{0};
std::atomic<std::atomic<std::uint32_t>*> to_wake{nullptr};
static_assert(std::atomic<int>::is_always_lock_free, "set by a signal handler");

extern "C" void note_signal(int number) {
  const int kept = errno;
  came = number;
  std::signal(number, SIG_DFL);
  if (auto* news = to_wake.load(); news != nullptr) {
    ++*news;
    annals::posix_env().wake_all(*news);
  }
  errno = kept;
}

}  // namespace

// Without SA_RESTART: who waits for input hears of it.
void watch_interrupts(std::atomic<std::uint32_t>* news) {
  to_wake = news;
  struct sigaction action{};
  action.sa_handler = note_signal;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

bool is_interrupted() noexcept {
  return came != 0;
}

void end_by_interrupt() {
  const int number = came;
  if (number == 0) return;
  std::fflush(nullptr);
  std::signal(number, SIG_DFL);
  std::raise(number);
}

}  // namespace annals_cli
