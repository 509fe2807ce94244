#pragma once

#include <numeric>

#include "../disk.h"
#include "report.h"
#include "store.h"

namespace bench::rivals {

/// Median and 99th percentile of what so many events took each time.
inline figure figure_of(std::vector<double> took, std::size_t events) {
  std::ranges::sort(took);
  const double median = quantile(took, 0.5);
  return {"", median, quantile(took, 0.99), static_cast<double>(events) / median * 1e6};
}

/// Times `run(round)`, each of which does so many events; `prepare(round)` before it is not timed.
template <class Prepare, class Run>
figure measure(int rounds, std::size_t events, Prepare&& prepare, Run&& run) {
  std::vector<double> took;
  for (int round = 0; round < rounds; ++round) {
    prepare(round);
    const auto start = annals::posix_env().monotonic();
    run(round);
    took.push_back(microseconds_since(start));
  }
  return figure_of(std::move(took), events);
}

/// What one core reads from memory.
inline double memory_bytes_per_second() {
  const std::vector<std::uint64_t> words(std::size_t{32} << 20U, 1);
  std::uint64_t sum = 0;
  const auto best = measure(
      5, 1, [](int) {}, [&](int) { sum += std::accumulate(words.begin(), words.end(), 0ULL); });
  if (sum != words.size() * 5) fail("memory", "reading it", "a wrong sum");
  return static_cast<double>(words.size() * sizeof words[0]) / best.p50 * 1e6;
}

/// The yardstick, see disk.h.
inline figure raw_writes(const std::string& directory) {
  raw_file raw(directory);
  auto found = measure(raw_file::blocks, 1, [](int) {}, [&](int i) { raw.write(i); });
  found.who = "raw durable 4 KiB write";
  return found;
}

}  // namespace bench::rivals
