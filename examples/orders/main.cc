#include <csignal>

#include "annals/terminal.h"
#include "orders/verbs.h"

namespace orders {
namespace {

constexpr int usage_exit_code = 2;

constexpr const char* exit_codes =
    "Exit codes: 0 done, 2 usage, 3 not found, 4 conflict, 5 rejected, 6 malformed input, 7 file,\n"
    "8 no store or too new, 9 in use, 10 damaged, 11 disk full, 12 storage failed, 13 try later,\n"
    "14 in doubt (docs/errors.md).";

int run(int argc, char** argv) {
  CLI::App app("Orders on Annals: import, generate, show and query them.", "orders");
  app.require_subcommand(1);
  app.footer(std::string("Example: orders import orders.csv --store file:./data\n") + exit_codes);
  command_line line;
  add_import(app, line);
  add_generate(app, line);
  add_show(app, line);
  add_query(app, line);
  add_demo(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? 0 : usage_exit_code;
  }
  auto done = line.run();
  if (done) done = annals::terminal::flush_output();
  return done ? 0 : annals::terminal::report("orders", done.error());
}

}  // namespace
}  // namespace orders

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file size limit then answers as a full disk does
  return orders::run(argc, argv);
}
