// simulate: crashes an embedded store on a simulated machine; see --help.
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>

#include "crash_run.h"

namespace {

constexpr const char* help =
    "Usage: simulate [--seed N] [--runs N] [--lives N] [--no-faults] [--lies] [--buffered] [--os]\n"
    "       [--verbose]\n"
    "\n"
    "Runs an embedded store on a simulated machine, crashes it again and again, and compares what\n"
    "it holds with what it acknowledged, and with what a second process has seen that reads it "
    "all\n"
    "the while. The same seed gives the same run, call by call.\n"
    "\n"
    "  --seed N     the first seed (default 1)\n"
    "  --runs N     how many runs, of seeds N, N+1 … (default 1)\n"
    "  --lives N    lives of the process in one run, each ended by a crash or close (default 20)\n"
    "  --no-faults  crashes only: no failing calls, full disks, steps of the clock\n"
    "  --lies       syncs that once answer success and make nothing durable\n"
    "  --buffered   a file system without O_DIRECT: failed syncs leave pages that are not on disk\n"
    "  --os         acknowledged is what the operating system has (durability os)\n"
    "  --verbose    a line about each life\n"
    "  --help       this text\n"
    "\n"
    "Example: simulate --seed 4711 --verbose\n"
    "\n"
    "Exit codes: 0 nothing wrong, 1 a run found something, 2 usage.\n";

struct command_line {
  annals::simulated::run_plan plan{.seed = 1};
  std::uint64_t runs = 1;
  bool verbose = false;
};

bool read_number(const char* text, std::uint64_t& out) {
  const auto* end = text + std::strlen(text);
  const auto [stopped, problem] = std::from_chars(text, end, out);
  return problem == std::errc{} && stopped == end;
}

bool read(int count, char** arguments, command_line& line) {
  for (int i = 1; i < count; ++i) {
    const std::string name = arguments[i];
    std::uint64_t number = 0;
    const bool takes_number = name == "--seed" || name == "--runs" || name == "--lives";
    if (takes_number && (i + 1 == count || !read_number(arguments[++i], number))) return false;
    if (name == "--seed") {
      line.plan.seed = number;
    } else if (name == "--runs") {
      line.runs = number;
    } else if (name == "--lives") {
      line.plan.lives = static_cast<int>(number);
    } else if (name == "--no-faults") {
      line.plan.faults = false;
    } else if (name == "--lies") {
      line.plan.lies = true;
    } else if (name == "--buffered") {
      line.plan.buffered = true;
    } else if (name == "--os") {
      line.plan.os = true;
    } else if (name == "--verbose") {
      line.verbose = true;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  command_line line;
  if (count == 2 && std::strcmp(arguments[1], "--help") == 0) {
    std::fputs(help, stdout);
    return 0;
  }
  if (!read(count, arguments, line)) {
    std::fputs("simulate: bad arguments; see simulate --help\n", stderr);
    return 2;
  }
  std::uint64_t crashes = 0;
  for (std::uint64_t i = 0; i < line.runs; ++i, ++line.plan.seed) {
    const auto tell = [](const std::string& text) { std::printf("  %s\n", text.c_str()); };
    const auto report = line.verbose ? annals::simulated::run_crashes(line.plan, tell)
                                     : annals::simulated::run_crashes(line.plan);
    crashes += report.crashes();
    std::printf(
        "seed %lu: %lu power cuts, %lu kills, %lu appends, %lu acknowledged, %lu events, "
        "%lu seen by a reader, trace %016lx%s\n",
        line.plan.seed, report.power_cuts, report.kills, report.appends, report.acknowledged,
        report.events, report.watched, report.trace,
        report.refused_to_open != 0 ? ", refused to open after a lie" : "");
    if (report.problem.empty()) continue;
    std::printf("seed %lu, life %d: %s\n", line.plan.seed, report.life - 1, report.problem.c_str());
    return 1;
  }
  std::printf("%lu crashes, nothing wrong\n", crashes);
  return 0;
}
