// A program of somebody else whose arguments are read by Annals.
#include <cstdio>

#include "annals/arguments.h"

int main(int argc, char** argv) {
  annals::arguments::program program("count", "Counts.");
  std::uint64_t to = 3;
  program.add_option("--to", to, "How far", {.shows_default = true, .range = {{1, 9}}});
  program.runs([&]() -> annals::result<void> {
    for (std::uint64_t n = 1; n <= to; ++n) std::printf("%u ", static_cast<unsigned>(n));
    return {};
  });
  const auto work = program.parse(argc, argv);
  if (!work) return work.error();
  return (*work)() ? 0 : 1;
}
