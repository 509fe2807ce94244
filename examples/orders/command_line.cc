#include <csignal>

#include "orders/verbs.h"

namespace orders {
namespace {

std::atomic<bool> stop_wanted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set by a signal handler");

extern "C" void want_stop(int) {
  stop_wanted = true;
  std::signal(SIGINT, SIG_DFL);  // a second one ends at once
}

}  // namespace

void add_common_options(annals::arguments::verb& verb, command_line& line) {
  verb.add_option("--store", line.store,
                  "Address of the store: file:DIRECTORY, postgres://… or memory:",
                  {.shows_default = true, .kind = "ADDRESS"});
  verb.add_flag("--json", line.json, "Write JSON");
}

annals::result<std::unique_ptr<annals::event_store>> open_for_writing(const command_line& line) {
  return annals::open(line.store);
}

annals::result<std::unique_ptr<annals::event_store>> open_for_reading(const command_line& line) {
  return annals::open(line.store, {.create = false, .read_only = true});
}

const std::atomic<bool>& interrupted() {
  return stop_wanted;
}

void watch_interrupts() {
  std::signal(SIGINT, want_stop);
  std::signal(SIGTERM, want_stop);
}

}  // namespace orders
