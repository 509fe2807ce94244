#include <csignal>

#include "annals/terminal.h"
#include "interrupts.h"
#include "verbs.h"

namespace annals_cli {
namespace {

constexpr const char* exit_codes =
    "Exit codes: 0 done, 2 usage, 3 not found, 4 conflict, 6 malformed input, 7 output or file,\n"
    "8 no store or too new, 9 in use, 10 damaged, 11 disk full, 12 storage failed, 13 try later\n"
    "(docs/errors.md).";

int run(int argc, char** argv) {
  annals::arguments::program program("annals", "Looks into Annals stores.");
  program.add_version(std::string("annals ") + ANNALS_VERSION);
  program.footer(std::string("Example: annals read --all --limit 5 --store file:./data\n") +
                 exit_codes);
  command_line line;
  add_stat(program, line);
  add_streams(program, line);
  add_read(program, line);
  add_tail(program, line);
  add_verify(program, line);
  add_repair(program, line);
  add_doctor(program, line);
  add_migrate(program, line);
  add_append(program, line);
  add_export(program, line);
  add_import(program, line);
  add_schema(program, line);
  add_completion(program);
  const auto work = program.parse(argc, argv);
  if (!work) return work.error();
  auto done = (*work)();
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
