#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <vector>

#include "annals/embedded.h"

// follow_bench DIRECTORY: how long after an append was acknowledged a process that follows the
// store has the event in hand: notify_past, then a read. One process appends, another one reads;
// both write down when, by the clock that all processes of the machine share.
namespace bench {
namespace {

using annals::checkpoint;
using annals::new_event;
using annals::stream_write;

constexpr std::size_t appends = 2'000;
constexpr auto warm_up = std::chrono::milliseconds(300);

struct times {
  std::atomic<std::int64_t> acknowledged[appends + 1];  // by position, monotonic ns
  std::atomic<std::int64_t> seen[appends + 1];
  std::atomic<std::uint32_t> following;  // readers that have caught up and wait
};

std::int64_t now() {
  return annals::posix_env().monotonic().count();
}

void rest(std::chrono::nanoseconds time) {
  const std::atomic<std::uint32_t> never{0};
  if (time.count() > 0) annals::posix_env().park(never, 0, time);
}

/// Reads until everything was seen.
int follow(const std::string& directory, times& shared) {
  const auto store = annals::open_embedded(directory, {.read_only = true}).value();
  checkpoint at;
  std::uint64_t last = 0;
  ++shared.following;
  while (last < appends) {
    std::atomic<std::uint32_t> told{0};
    const auto waits = store->notify_past(at, [&](annals::result<checkpoint> answer) {
      answer.value();
      told = 1;
      annals::posix_env().wake_all(told);
    });
    while (told == 0) annals::posix_env().park(told, 0);
    const auto end = store->read({.after = at}, [&](const annals::event_batch& batch) {
      const auto when = now();
      for (const auto& event : batch.events) {
        last = event.position().sequence;
        shared.seen[last] = when;
      }
      return annals::flow::more;
    });
    at = end.value().scanned_to;
  }
  return 0;
}

void print(const char* name, const times& shared) {
  std::vector<double> took;
  for (std::size_t i = 1; i <= appends; ++i)
    took.push_back(
        static_cast<double>(std::max<std::int64_t>(shared.seen[i] - shared.acknowledged[i], 0)) /
        1e3);
  std::ranges::sort(took);
  std::printf("%-44s %12.1f %12.1f %12.1f\n", name, took[took.size() / 2],
              took[took.size() * 99 / 100], took.back());
}

/// Appends one event at a time, `pause` apart, while `readers` processes follow.
void measure(const char* name, const std::string& directory, int readers,
             std::chrono::nanoseconds pause) {
  std::filesystem::remove_all(directory);
  void* memory =
      ::mmap(nullptr, sizeof(times), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  auto& shared = *new (memory) times{};
  annals::open_embedded(directory).value()->close().value();
  std::vector<pid_t> children;
  for (int i = 0; i < readers; ++i) {
    children.push_back(::fork());
    if (children.back() == 0) ::_exit(follow(directory, shared));
  }
  {
    const auto store = annals::open_embedded(directory).value();
    while (shared.following < static_cast<std::uint32_t>(readers))
      rest(std::chrono::milliseconds(1));
    rest(warm_up);
    const std::string payload(256, 'x');
    const new_event event{.type = "order_paid",
                          .codec = annals::codec::binary,
                          .payload = std::as_bytes(std::span(payload))};
    for (std::size_t i = 1; i <= appends; ++i) {
      const stream_write write{.name = "order-1", .events = {&event, 1}};
      store->append({.streams = {&write, 1}}).value();
      shared.acknowledged[i] = now();
      rest(pause);
    }
    for (const auto child : children) {
      int status = 0;
      ::waitpid(child, &status, 0);
      if (status != 0) std::abort();
    }
  }
  print(name, shared);
  ::munmap(memory, sizeof(times));
  std::filesystem::remove_all(directory);
}

int run(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: follow_bench DIRECTORY\n");
    return 2;
  }
  const auto directory = std::string(argv[1]) + "/followed";
  std::filesystem::create_directories(argv[1]);
  std::printf("%-44s %12s %12s %12s\n", "from acknowledged to read in another process", "p50 us",
              "p99 us", "longest us");
  measure("one append every 2 ms", directory, 1, std::chrono::milliseconds(2));
  measure("one append every 20 ms", directory, 1, std::chrono::milliseconds(20));
  measure("appends without a pause", directory, 1, {});
  measure("one append every 2 ms, four readers", directory, 4, std::chrono::milliseconds(2));
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  return bench::run(argc, argv);
}
