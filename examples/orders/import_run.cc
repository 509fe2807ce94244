#include "orders/import_run.h"

#include <cstdio>

#include "annals/terminal.h"
#include "orders/verbs.h"

namespace orders {

annals::result<import_report> run_import(annals::event_store& store, const std::string& path,
                                         bool skip_bad, order_projection& models) {
  std::optional<annals::terminal::progress> bar;
  annals::result<std::uint64_t> followed = std::uint64_t{0};
  import_options options{.skip_bad = skip_bad, .stop = &interrupted()};
  options.on_bad = [&](const bad_line& line) {
    std::fprintf(stderr, "left out: %s\n",
                 annals::terminal::printable(line.to_string(path)).c_str());
  };
  options.on_progress = [&](std::uint64_t done, std::uint64_t total, std::uint64_t invoices) {
    if (!bar) bar.emplace("importing " + path, total, "invoices");
    bar->advance_to(done, invoices);
    if (followed) followed = models.catch_up();
  };
  auto report = import_retail(store, path, options);
  bar.reset();
  if (!report) return report;
  if (followed) followed = models.catch_up();
  if (!followed) return std::unexpected(followed.error());
  for (const auto& problem : report->problems)
    std::fprintf(stderr, "refused: %s, line %llu: %s\n", path.c_str(),
                 static_cast<unsigned long long>(problem.line),
                 annals::terminal::printable(problem.message).c_str());
  if (report->refused > report->problems.size())
    std::fprintf(stderr, "refused: and %llu more\n",
                 static_cast<unsigned long long>(report->refused - report->problems.size()));
  return report;
}

annals::result<void> outcome_of(const import_report& report, const std::string& path) {
  if (report.ended_by) return std::unexpected(*report.ended_by);
  if (report.interrupted)
    return annals::fail(
        annals::errc::shutting_down,
        "interrupted; all that was begun is stored. Import " + path + " again to go on from there");
  if (report.refused == 0) return {};
  return annals::fail(report.problems.front().code, std::to_string(report.refused) +
                                                        " commands of " + path +
                                                        " were refused; they are listed above");
}

}  // namespace orders
