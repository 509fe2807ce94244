// postgres_writer_program ADDRESS PREFIX THREADS APPENDS: appends from several threads, each to a
// stream of its own, and prints the payload of each append once it is acknowledged. Ends with 1
// when an append fails.
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "annals/open.h"

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  auto opened = annals::open(argv[1]);
  if (!opened) {
    std::fprintf(stderr, "%s\n", opened.error().to_string().c_str());
    return 1;
  }
  auto& store = **opened;
  const std::string prefix = argv[2];
  const int threads = std::atoi(argv[3]);
  const int appends = std::atoi(argv[4]);
  std::mutex printing;
  std::atomic<bool> failed{false};
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t)
    running.emplace_back([&, t] {
      for (int i = 0; i < appends && !failed; ++i) {
        const auto name = prefix + "-" + std::to_string(t);
        const auto payload = "\"" + name + "/" + std::to_string(i) + "\"";
        const annals::new_event event{.type = "noted",
                                      .payload = std::as_bytes(std::span(payload))};
        const annals::stream_write write{name, annals::expect::any(), std::span(&event, 1)};
        const auto stored = store.append({.streams = std::span(&write, 1)});
        const std::scoped_lock lock(printing);
        if (stored) {
          std::printf("%s\n", payload.c_str());
          std::fflush(stdout);
        } else {
          std::fprintf(stderr, "%s\n", stored.error().to_string().c_str());
          failed = true;
        }
      }
    });
  for (auto& one : running) one.join();
  return failed ? 1 : 0;
}
