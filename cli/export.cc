#include <cstdio>

#include "annals/json/export.h"
#include "annals/terminal.h"
#include "behind.h"
#include "files.h"
#include "interrupts.h"
#include "verbs.h"

namespace annals_cli {
namespace {

constexpr std::size_t written_at_once = 1U << 20U;  // bytes

struct export_options {
  std::string file = "-";
};

annals::error interrupted() {
  return {annals::errc::shutting_down, "interrupted; the export is not complete"};
}

/// Writes the whole history; what is not complete is not kept. One thread writes lines, one looks
/// at the payloads in them, one writes to the disk.
annals::result<void> write_history(annals::event_store& store, output_file& out,
                                   annals::json::export_writer& lines) {
  const auto head = store.head();
  if (!head) return std::unexpected(head.error());
  annals::terminal::progress bar("exporting", head->in(0).sequence, "events");
  behind<std::string> writer(annals::posix_env(), "writer",
                             [&](const std::string& text) { return out.write(text); });
  std::string text;
  behind<annals::json::export_text> checker(annals::posix_env(), "checker",
                                            [&](annals::json::export_text& checked) {
                                              checked.take(text);
                                              return writer.give(text);
                                            });
  annals::json::export_text piece;
  annals::result<void> written;
  lines.begin(store.info().store_id);
  const auto flush = [&](std::size_t least) {
    if (lines.size() < least) return;
    bar.advance_to(lines.events());
    lines.take(piece);
    written = checker.give(piece);
    if (written && is_interrupted()) written = std::unexpected(interrupted());
  };
  auto read = store.read_history([&](const annals::history_entry& entry) {
    lines.add(entry);
    flush(written_at_once);
    return written ? annals::flow::more : annals::flow::stop;
  });
  if (!read) return read;
  if (!written) return written;
  lines.end();
  flush(0);
  if (written) written = checker.finish();
  if (written) written = writer.finish();
  return written ? out.complete() : written;
}

annals::result<void> write_export(const command_line& line, const export_options& options) {
  const bool to_output = options.file == "-";
  if (to_output && line.json)
    return annals::fail(annals::errc::invalid_argument,
                        "an export to standard output has no summary; name a file with --json");
  if (!to_output) watch_interrupts();
  const auto store = open_store(line);
  if (!store) return std::unexpected(store.error());
  auto out = output_file::create(options.file);
  if (!out) return std::unexpected(out.error());
  annals::json::export_writer lines;
  if (auto written = write_history(**store, *out, lines); !written) return written;
  if (line.json) {
    annals::json::writer summary;
    summary.begin_object().member("file", options.file);
    summary.member("store_id", (*store)->info().store_id.to_string());
    summary.member("events", lines.events()).member("appends", lines.appends()).end_object();
    return print_line(summary);
  }
  if (!to_output)
    std::printf("exported %s events in %s appends to %s\n",
                annals::terminal::with_thousands(lines.events()).c_str(),
                annals::terminal::with_thousands(lines.appends()).c_str(),
                annals::terminal::printable(options.file).c_str());
  return {};
}

}  // namespace

void add_export(annals::arguments::verb& program, command_line& line) {
  auto verb = program.add_verb("export", "Write the whole store as lines of JSON");
  const auto options = std::make_shared<export_options>();
  verb.add_option("FILE", options->file, "Where to; '-' is standard output",
                  {.shows_default = true});
  add_common_options(verb, line);
  verb.footer(
      "Example: annals export backup.ndjson --store file:./data\n"
      "A file is complete or not there; docs/export.md has the format.");
  verb.runs([&line, options] { return write_export(line, *options); });
}

}  // namespace annals_cli
