#include "orders/import_run.h"
#include "orders/summary.h"
#include "orders/verbs.h"

namespace orders {
namespace {

annals::result<void> import_file(const command_line& line, const std::string& path, bool skip_bad) {
  watch_interrupts();
  auto store = open_for_writing(line);
  if (!store) return std::unexpected(store.error());
  order_projection models(**store, "order");
  const auto report = run_import(**store, path, skip_bad, models);
  if (!report) return std::unexpected(report.error());
  const auto figures = figures_of(*report, models.model(), models.seen().in(0).sequence);
  if (line.json) {
    annals::json::writer out;
    out.begin_object();
    write_figures(out, figures);
    print_document(out.end_object());
  } else {
    print_figures(figures);
  }
  return outcome_of(*report, path);
}

}  // namespace

void add_import(annals::arguments::verb& program, command_line& line) {
  auto verb = program.add_verb("import", "Import an Online Retail file, plain or gzip");
  const auto path = std::make_shared<std::string>();
  const auto skip_bad = std::make_shared<bool>(false);
  verb.add_option("FILE", *path, "The file", {.required = true});
  verb.add_flag("--skip-bad", *skip_bad, "Leave malformed lines out, count and list them");
  add_common_options(verb, line);
  verb.footer("Example: orders import online-retail.csv.gz --store file:./data");
  verb.runs([&line, path, skip_bad] { return import_file(line, *path, *skip_bad); });
}

}  // namespace orders
