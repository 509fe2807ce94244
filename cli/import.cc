#include <atomic>
#include <cstdio>

#include "annals/terminal.h"
#include "files.h"
#include "import_run.h"
#include "interrupts.h"
#include "verbs.h"

namespace annals_cli {
namespace {

using annals::terminal::with_thousands;

struct import_options {
  std::string file = "-";
  bool create = false;
};

void print_summary(const command_line& line, const annals::uuid& origin,
                   const annals::event_store& store, const import_figures& figures) {
  std::printf("imported %s events in %s appends into %s\n", with_thousands(figures.events).c_str(),
              with_thousands(figures.appends).c_str(),
              annals::terminal::printable(annals::terminal::without_password(line.store)).c_str());
  if (figures.there != 0)
    std::printf("%s events were there already\n", with_thousands(figures.there).c_str());
  if (origin != store.info().store_id)
    std::printf("the store keeps its own id, %s: checkpoints of %s do not hold here\n",
                store.info().store_id.to_string().c_str(), origin.to_string().c_str());
}

annals::result<void> write_summary(const command_line& line, const annals::uuid& origin,
                                   const annals::event_store& store,
                                   const import_figures& figures) {
  annals::json::writer out;
  out.begin_object().member("store", annals::terminal::without_password(line.store));
  out.member("store_id", store.info().store_id.to_string());
  out.member("origin", origin.to_string()).member("events", figures.events);
  out.member("appends", figures.appends).member("events_there", figures.there).end_object();
  return print_line(out);
}

annals::error in_file(const input_file& in, const annals::error& problem) {
  if (problem.code() != annals::errc::malformed_input) return problem;
  return {problem.code(), in.name() + ", " + problem.message()};
}

annals::result<void> import(const command_line& line, const import_options& options) {
  watch_interrupts();
  auto in = input_file::open(options.file);
  if (!in) return std::unexpected(in.error());
  std::atomic<bool> enough{false};
  annals::json::export_reader reader([&](std::span<char> out) { return in->read(out, enough); });
  const auto origin = reader.begin();
  if (!origin) return std::unexpected(in_file(*in, origin.error()));
  const auto store = annals::open(line.store, {.create = options.create, .store_id = *origin});
  if (!store) return std::unexpected(store.error());
  annals::terminal::progress bar("importing " + in->name(), in->size(), "events");
  import_run run(**store, reader, bar);
  auto done = run.run();
  enough = true;  // a store that refuses does not wait for the rest of a pipe
  bar.finish();
  const auto& figures = run.figures();
  if (line.json) {
    if (auto written = write_summary(line, *origin, **store, figures); !written) return written;
  } else if (done) {
    print_summary(line, *origin, **store, figures);
  } else if (figures.events != 0) {
    std::fprintf(stderr, "%s events were imported before that\n",
                 with_thousands(figures.events).c_str());
  }
  if (!done) return std::unexpected(in_file(*in, done.error()));
  return (*store)->close();
}

}  // namespace

void add_import(annals::arguments::verb& program, command_line& line) {
  auto verb = program.add_verb("import", "Store what export wrote, in an empty or older copy");
  const auto options = std::make_shared<import_options>();
  verb.add_option("FILE", options->file, "An export; '-' is standard input",
                  {.shows_default = true});
  verb.add_flag("--create", options->create, "Make the store where there is none");
  add_common_options(verb, line);
  verb.footer(
      "Example: annals import backup.ndjson --create --store file:./copy\n"
      "What was interrupted goes on when it is started again.");
  verb.runs([&line, options] { return import(line, *options); });
}

}  // namespace annals_cli
