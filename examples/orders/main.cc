#include <csignal>

#include "annals/terminal.h"
#include "orders/verbs.h"

namespace orders {
namespace {

constexpr const char* exit_codes =
    "Exit codes: 0 done, 2 usage, 3 not found, 4 conflict, 5 rejected, 6 malformed input, 7 file,\n"
    "8 no store or too new, 9 in use, 10 damaged, 11 disk full, 12 storage failed, 13 try later,\n"
    "14 in doubt (docs/errors.md).";

int run(int argc, char** argv) {
  annals::arguments::program program("orders",
                                     "Orders on Annals: import, generate, show and query them.");
  program.footer(std::string("Example: orders import orders.csv --store file:./data\n") +
                 exit_codes);
  command_line line;
  add_import(program, line);
  add_generate(program, line);
  add_show(program, line);
  add_query(program, line);
  add_demo(program, line);
  const auto work = program.parse(argc, argv);
  if (!work) return work.error();
  auto done = (*work)();
  if (done) done = annals::terminal::flush_output();
  return done ? 0 : annals::terminal::report("orders", done.error());
}

}  // namespace
}  // namespace orders

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file size limit then answers as a full disk does
  return orders::run(argc, argv);
}
