#include <cstdio>

#include "annals/embedded.h"
#include "annals/postgres.h"
#include "annals/terminal.h"
#include "verbs.h"

namespace annals_cli {
namespace {

using annals::terminal::with_thousands;

void print_report(const annals::verify_report& report) {
  std::printf(
      "segments   %s\nframes     %s\nevents     %s\nsnapshots  %s\nindexes    %s\n"
      "bytes      %s\n",
      with_thousands(report.segments).c_str(), with_thousands(report.frames).c_str(),
      with_thousands(report.events).c_str(), with_thousands(report.snapshots).c_str(),
      with_thousands(report.indexes).c_str(), with_thousands(report.bytes).c_str());
  if (report.torn_tail_bytes != 0)
    std::printf("torn tail  %s bytes, never acknowledged\n",
                with_thousands(report.torn_tail_bytes).c_str());
  for (const auto& damage : report.damage)
    std::printf("damage: %s\n", annals::terminal::printable(damage).c_str());
  if (report.damage.empty()) std::puts("no damage");
}

annals::result<void> write_report(const annals::verify_report& report) {
  annals::json::writer out;
  out.begin_object().member("segments", report.segments).member("frames", report.frames);
  out.member("events", report.events).member("snapshots", report.snapshots);
  out.member("indexes", report.indexes);
  out.member("bytes", report.bytes).member("torn_tail_bytes", report.torn_tail_bytes);
  out.key("damage").begin_array();
  for (const auto& damage : report.damage) out.value(damage);
  return print_line(out.end_array().end_object());
}

annals::result<void> print_report(const command_line& line, const annals::postgres_report& report) {
  if (line.json) {
    annals::json::writer out;
    out.begin_object().member("events", report.events).member("streams", report.streams);
    out.key("damage").begin_array();
    for (const auto& damage : report.damage) out.value(damage);
    return print_line(out.end_array().end_object());
  }
  std::printf("events     %s\nstreams    %s\n", with_thousands(report.events).c_str(),
              with_thousands(report.streams).c_str());
  for (const auto& damage : report.damage)
    std::printf("damage: %s\n", annals::terminal::printable(damage).c_str());
  if (report.damage.empty()) std::puts("no damage");
  return check_output();
}

annals::result<void> verify_on_postgres(const command_line& line) {
  const auto report = annals::verify_postgres(line.store, {.create = false});
  if (!report) return std::unexpected(report.error());
  if (auto printed = print_report(line, *report); !printed) return printed;
  if (report->damage.empty()) return {};
  return annals::fail(annals::errc::store_corrupt,
                      "the store is damaged in " + std::to_string(report->damage.size()) +
                          " places; restore the database from a backup");
}

annals::result<void> verify(const command_line& line) {
  if (line.store.starts_with("postgres")) return verify_on_postgres(line);
  const auto directory = embedded_directory(line, "verify");
  if (!directory) return std::unexpected(directory.error());
  const auto report = with_progress(
      "verifying", [&](auto tell) { return annals::verify_embedded(*directory, tell); });
  if (!report) return std::unexpected(report.error());
  if (line.json) {
    if (auto written = write_report(*report); !written) return written;
  } else {
    print_report(*report);
  }
  if (report->damage.empty()) return {};
  return annals::fail(annals::errc::store_corrupt,
                      line.store + " is damaged in " + std::to_string(report->damage.size()) +
                          " places; copy the directory, then see what `annals repair` would do");
}

}  // namespace

annals::result<std::string> embedded_directory(const command_line& line, std::string_view verb) {
  constexpr std::string_view file_scheme = "file:";
  if (line.store.starts_with(file_scheme)) return line.store.substr(file_scheme.size());
  return annals::fail(annals::errc::invalid_argument,
                      std::string(verb) + " is for embedded stores (file:DIRECTORY), not '" +
                          annals::terminal::without_password(line.store) + "'");
}

void add_verify(annals::arguments::verb& program, command_line& line) {
  auto verb = program.add_verb(
      "verify",
      "Check every byte of a store that nobody writes, or the tables of one on PostgreSQL");
  add_common_options(verb, line);
  verb.footer("Example: annals verify --store file:./data");
  verb.runs([&line] { return verify(line); });
}

}  // namespace annals_cli
