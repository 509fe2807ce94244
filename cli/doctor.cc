#include <cstdio>

#include "annals/embedded.h"
#include "annals/terminal.h"
#include "verbs.h"

namespace annals_cli {
namespace {

using annals::terminal::printable;
using annals::terminal::with_thousands;

std::string in_microseconds(std::chrono::nanoseconds time) {
  constexpr std::int64_t per_tenth = 100;
  const auto tenths = time.count() / per_tenth;
  return with_thousands(std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10)) + " us";
}

void print_facts(const std::string& directory, const annals::storage_facts& facts,
                 const std::vector<std::string>& suspicious) {
  std::printf("directory    %s\nfile system  %s\nfree         %s bytes\nunbuffered   %s\n",
              printable(directory).c_str(), facts.file_system.c_str(),
              with_thousands(facts.free_bytes).c_str(), facts.unbuffered ? "yes" : "refused");
  std::printf("durable write of 4 KiB, %s times: p50 %s, p99 %s, max %s\n",
              with_thousands(facts.writes).c_str(), in_microseconds(facts.p50).c_str(),
              in_microseconds(facts.p99).c_str(), in_microseconds(facts.max).c_str());
  for (const auto& one : suspicious) std::printf("suspicious: %s\n", printable(one).c_str());
  if (suspicious.empty()) std::puts("nothing suspicious");
}

annals::result<void> write_facts(const std::string& directory, const annals::storage_facts& facts,
                                 const std::vector<std::string>& suspicious) {
  const auto count = [](std::chrono::nanoseconds time) {
    return static_cast<std::uint64_t>(time.count());
  };
  annals::json::writer out;
  out.begin_object().member("directory", directory).member("file_system", facts.file_system);
  out.member("free_bytes", facts.free_bytes).member("unbuffered", facts.unbuffered);
  out.member("writes", facts.writes).member("p50_ns", count(facts.p50));
  out.member("p99_ns", count(facts.p99)).member("max_ns", count(facts.max));
  out.key("suspicious").begin_array();
  for (const auto& one : suspicious) out.value(one);
  return print_line(out.end_array().end_object());
}

annals::result<void> examine(const command_line& line) {
  const auto directory = embedded_directory(line, "doctor");
  if (!directory) return std::unexpected(directory.error());
  const auto facts = annals::measure_storage(*directory);
  if (!facts) return std::unexpected(facts.error());
  const auto suspicious = annals::suspicions(*facts, annals::embedded_options{}.segment_bytes);
  if (line.json) return write_facts(*directory, *facts, suspicious);
  print_facts(*directory, *facts, suspicious);
  return {};
}

}  // namespace

void add_doctor(annals::arguments::verb& program, command_line& line) {
  auto verb = program.add_verb("doctor", "Measure a disk, and say what is suspicious about it");
  add_common_options(verb, line);
  verb.footer(
      "The directory may hold a store, also one that is in use, or be any other one.\n"
      "Example: annals doctor --store file:./data");
  verb.runs([&line] { return examine(line); });
}

}  // namespace annals_cli
