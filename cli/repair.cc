#include <cstdio>

#include "annals/embedded.h"
#include "annals/terminal.h"
#include "verbs.h"

namespace annals_cli {
namespace {

using annals::terminal::printable;
using annals::terminal::with_thousands;

constexpr std::size_t files_shown = 10;

void print_loss(const annals::log_loss& loss, bool done) {
  const auto verb = done ? "" : "would be ";
  std::printf("%slost: positions from %s", verb, with_thousands(loss.first_position).c_str());
  if (loss.last_position >= loss.first_position)
    std::printf(" to %s: %s events", with_thousands(loss.last_position).c_str(),
                with_thousands(loss.last_position - loss.first_position + 1).c_str());
  else
    std::printf(" on, as far as is known no event");
  std::printf("\n%scut at offset %s of %s\n", verb, with_thousands(loss.offset).c_str(),
              printable(loss.file).c_str());
  std::printf("%smoved aside: %s bytes, with %s events that are readable", verb,
              with_thousands(loss.bytes).c_str(), with_thousands(loss.readable_events).c_str());
  if (loss.streams != 0) std::printf(", of %s streams", with_thousands(loss.streams).c_str());
  std::puts("");
  for (const auto& one : loss.first_streams)
    std::printf("  %s: versions %s to %s\n", printable(one.name).c_str(),
                with_thousands(one.first.number).c_str(), with_thousands(one.last.number).c_str());
  if (loss.streams > loss.first_streams.size())
    std::printf("  and %s more\n",
                with_thousands(loss.streams - loss.first_streams.size()).c_str());
}

void print_files(const char* what, const std::vector<std::string>& files) {
  for (std::size_t i = 0; i < files.size() && i < files_shown; ++i)
    std::printf("%s: %s\n", what, printable(files[i]).c_str());
  if (files.size() > files_shown)
    std::printf("%s: %s more\n", what, with_thousands(files.size() - files_shown).c_str());
}

void print_report(const annals::repair_report& report) {
  for (const auto& damage : report.damage) std::printf("damage: %s\n", printable(damage).c_str());
  if (report.loss) print_loss(*report.loss, report.changed);
  print_files("moved", report.moved);
  print_files("made again", report.remade);
  for (const auto& damage : report.after.damage)
    std::printf("remains: %s\n", printable(damage).c_str());
  if (report.loss && !report.changed) return;
  if (!report.changed) std::puts("nothing to repair");
  if (report.after.damage.empty())
    std::printf("verified: %s events, no damage\n", with_thousands(report.after.events).c_str());
}

void write_texts(annals::json::writer& out, std::string_view name,
                 const std::vector<std::string>& texts) {
  out.key(name).begin_array();
  for (const auto& one : texts) out.value(one);
  out.end_array();
}

void write_loss(annals::json::writer& out, const annals::log_loss& loss) {
  out.begin_object().member("file", loss.file).member("offset", loss.offset);
  out.member("reason", loss.reason).member("first_position", loss.first_position);
  out.member("last_position", loss.last_position).member("bytes", loss.bytes);
  out.member("readable_events", loss.readable_events).member("streams", loss.streams);
  out.key("first_streams").begin_array();
  for (const auto& one : loss.first_streams)
    out.begin_object()
        .member("stream", one.name)
        .member("first_version", one.first.number)
        .member("last_version", one.last.number)
        .end_object();
  out.end_array().end_object();
}

annals::result<void> write_report(const annals::repair_report& report) {
  annals::json::writer out;
  out.begin_object();
  write_texts(out, "damage", report.damage);
  out.key("loss");
  if (report.loss)
    write_loss(out, *report.loss);
  else
    out.null();
  out.member("changed", report.changed);
  write_texts(out, "moved", report.moved);
  write_texts(out, "remade", report.remade);
  out.member("events", report.after.events);
  write_texts(out, "remaining", report.after.damage);
  return print_line(out.end_object());
}

annals::result<void> repair(const command_line& line, const annals::repair_options& options) {
  const auto directory = embedded_directory(line, "repair");
  if (!directory) return std::unexpected(directory.error());
  const auto report = with_progress(
      "repairing", [&](auto tell) { return annals::repair_embedded(*directory, options, tell); });
  if (!report) return std::unexpected(report.error());
  if (line.json) {
    if (auto written = write_report(*report); !written) return written;
  } else {
    print_report(*report);
  }
  if (report->loss && !report->changed)
    return annals::fail(annals::errc::store_corrupt,
                        line.store +
                            " cannot be repaired without loss, and nothing was changed; restore a "
                            "backup, or copy the directory and call again with --accept-loss");
  if (report->after.damage.empty()) return {};
  return annals::fail(annals::errc::store_corrupt,
                      line.store + " is still damaged; restore it from a backup");
}

}  // namespace

void add_repair(annals::arguments::verb& program, command_line& line) {
  auto verb = program.add_verb("repair", "Make a damaged store whole again, deleting nothing");
  add_common_options(verb, line);
  auto options = std::make_shared<annals::repair_options>();
  verb.add_flag("--accept-loss", options->accept_loss,
                "Cut a damaged log at its first damage; without it, that is only told");
  verb.footer(
      "What is damaged or has to go is moved into lost/ of the store.\n"
      "Example: annals repair --store file:./data");
  verb.runs([&line, options] { return repair(line, *options); });
}

}  // namespace annals_cli
