#include <csignal>

#include "annals/terminal.h"
#include "interrupts.h"
#include "verbs.h"

namespace annals_cli {
namespace {

constexpr int usage_exit_code = 2;

constexpr const char* exit_codes =
    "Exit codes: 0 done, 2 usage, 3 not found, 4 conflict, 6 malformed input, 7 output or file,\n"
    "8 no store or too new, 9 in use, 10 damaged, 11 disk full, 12 storage failed, 13 try later\n"
    "(docs/errors.md).";

int run(int argc, char** argv) {
  CLI::App app("Looks into Annals stores.", "annals");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("annals ") + ANNALS_VERSION);
  app.footer(std::string("Example: annals read --all --limit 5 --store file:./data\n") +
             exit_codes);
  command_line line;
  add_stat(app, line);
  add_streams(app, line);
  add_read(app, line);
  add_tail(app, line);
  add_verify(app, line);
  add_repair(app, line);
  add_doctor(app, line);
  add_migrate(app, line);
  add_append(app, line);
  add_export(app, line);
  add_import(app, line);
  add_schema(app, line);
  add_completion(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? 0 : usage_exit_code;
  }
  auto done = line.run();
  if (done) done = annals::terminal::flush_output();
  if (done) return 0;
  const int code = annals::terminal::report("annals", done.error());
  if (done.error().code() == annals::errc::shutting_down) end_by_interrupt();
  return code;
}

}  // namespace
}  // namespace annals_cli

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file size limit then answers as a full disk does
  return annals_cli::run(argc, argv);
}
