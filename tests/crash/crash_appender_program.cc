// Appends until it is killed. Writes "writer version\n" to stdout for every acknowledged append, in
// one write each, so that whoever reads the pipe knows all that was acknowledged.
//
// crash_appender_program DIRECTORY BLOCKING_WRITERS COMPLETING_WRITERS power_loss|os
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "annals/embedded.h"
#include "crash_events.h"

namespace {

using namespace annals;

void acknowledge(int writer, std::uint64_t version) {
  const auto line = std::to_string(writer) + ' ' + std::to_string(version) + '\n';
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) std::_Exit(3);
}

[[noreturn]] void give_up(const error& problem) {
  std::cerr << problem.to_string() << '\n';
  std::_Exit(2);
}

struct next_append {
  next_append(int writer, std::uint64_t version)
      : name(crash_events::stream_of(writer)),
        payload(crash_events::payload_of(writer, version)),
        event{.type = "written", .payload = std::as_bytes(std::span(payload))},
        write{name, expect::at({version - 1}), {&event, 1}},
        request{.streams = {&write, 1},
                .context = {.command_id = crash_events::command_of(writer, version)}} {}
  next_append(const next_append&) = delete;
  next_append& operator=(const next_append&) = delete;

  std::string name;
  std::string payload;
  new_event event;
  stream_write write;
  append_request request;
};

std::uint64_t version_of(event_store& store, int writer) {
  const auto end = store.read({.stream = crash_events::stream_of(writer), .limit = 1},
                              [](const event_batch&) { return flow::more; });
  if (!end) give_up(end.error());
  return end->stream_version.number;
}

/// The last append is sent again: whether its answer got out before the kill is not known.
std::uint64_t begin(event_store& store, int writer) {
  const auto version = version_of(store, writer);
  if (version == 0) return 1;
  const auto again = store.append(next_append(writer, version).request);
  if (!again) give_up(again.error());
  if (!again->already_applied) give_up({errc::store_corrupt, "a command id was forgotten"});
  acknowledge(writer, version);
  return version + 1;
}

void append_blocking(event_store& store, int writer) {
  for (auto version = begin(store, writer);; ++version) {
    const auto done = store.append(next_append(writer, version).request);
    if (!done) give_up(done.error());
    acknowledge(writer, version);
  }
}

// Up to 100 at once, each expecting the one before.
void append_completing(event_store& store, int writer) {
  std::atomic<int> in_flight{0};
  for (auto version = begin(store, writer);; ++version) {
    while (in_flight >= 100) std::this_thread::yield();
    ++in_flight;
    store.append(next_append(writer, version).request, [&, version](result<appended> done) {
      if (!done) give_up(done.error());
      acknowledge(writer, version);
      --in_flight;
    });
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 1;
  const bool os = std::string_view(argv[4]) == "os";
  auto opened = open_embedded(
      argv[1],
      {.segment_bytes = 1U << 20U, .durability = os ? durability::os : durability::power_loss});
  if (!opened) give_up(opened.error());
  const int blocking = std::atoi(argv[2]);
  const int completing = std::atoi(argv[3]);
  std::vector<std::thread> writers;
  for (int i = 0; i < blocking; ++i) writers.emplace_back([&, i] { append_blocking(**opened, i); });
  for (int i = blocking; i < blocking + completing; ++i)
    writers.emplace_back([&, i] { append_completing(**opened, i); });
  for (auto& one : writers) one.join();
}
