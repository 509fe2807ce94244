#include <algorithm>
#include <cstdio>

#include "annals/terminal.h"
#include "orders/import_run.h"
#include "orders/summary.h"
#include "orders/verbs.h"

namespace orders {
namespace {

constexpr std::size_t lines_shown = 10;

struct demo_options {
  std::string file{};
  bool skip_bad = false;
};

/// What was done, how it ended, and its figures.
struct main_job {
  std::vector<figure> figures{};
  annals::result<void> outcome{};
};

annals::result<main_job> import_or_generate(annals::event_store& store, const demo_options& options,
                                            order_projection& models) {
  if (!options.file.empty()) {
    const auto report = run_import(store, options.file, options.skip_bad, models);
    if (!report) return std::unexpected(report.error());
    return main_job{figures_of(*report, models.model(), models.seen().in(0).sequence),
                    outcome_of(*report, options.file)};
  }
  const auto report = generate(store, default_seed, default_generated_orders);
  if (!report) return std::unexpected(report.error());
  if (const auto folded = models.catch_up(); !folded) return std::unexpected(folded.error());
  return main_job{figures_of(*report, models.model(), models.seen().in(0).sequence), {}};
}

struct replay_outcome {
  std::uint64_t events = 0;
  double seconds = 0;
};

/// Folds all events into fresh read models and compares them with those that followed the store.
///
/// Errors:  store_corrupt when they differ: one history, two outcomes.
annals::result<replay_outcome> replay(annals::event_store& store, const order_projection& models) {
  const auto started = store.environment().monotonic();
  order_projection fresh(store, "order");
  const auto folded = fresh.catch_up();
  if (!folded) return std::unexpected(folded.error());
  const auto took = store.environment().monotonic() - started;
  if (fresh.model() != models.model() || fresh.seen() != models.seen())
    return annals::fail(annals::errc::store_corrupt,
                        "replaying the store gave other read models than following it; run "
                        "annals verify");
  return replay_outcome{*folded, static_cast<double>(took.count()) / 1e9};
}

void print_demo(const command_line& line, const main_job& job, const read_models& models,
                const replay_outcome& replayed) {
  print_figures(job.figures);
  print_statuses(models);
  print_revenue("Revenue by country", "country", models.by_country, lines_shown);
  print_revenue("Revenue by day", "day", models.by_day, lines_shown);
  print_top_customers(models, lines_shown);
  const auto rate = static_cast<std::uint64_t>(static_cast<double>(replayed.events) /
                                               std::max(replayed.seconds, 1e-9));
  std::printf("\nReplayed %s events into fresh read models in %.3f s (%s/s): they are equal.\n",
              annals::terminal::with_thousands(replayed.events).c_str(), replayed.seconds,
              annals::terminal::with_thousands(rate).c_str());
  const auto id = models.by_id.empty() ? uuid{} : models.by_id.begin()->first;
  const std::string store = line.store == "file:./data"
                                ? ""
                                : " --store " + annals::terminal::without_password(line.store);
  std::printf(
      "\nTry next:\n"
      "  build/release/bin/orders show %s%s\n"
      "  build/release/bin/orders query customers%s\n"
      "  build/release/bin/annals read --all --limit 5%s\n",
      id.to_string().c_str(), store.c_str(), store.c_str(), store.c_str());
}

void write_demo(const main_job& job, const read_models& models, const replay_outcome& replayed) {
  annals::json::writer out;
  out.begin_object();
  write_figures(out, job.figures);
  out.key("orders_by_status");
  write_statuses(out, models);
  out.key("revenue_by_country");
  write_revenue(out, models.by_country);
  out.key("revenue_by_day");
  write_revenue(out, models.by_day);
  out.key("top_customers");
  write_top_customers(out, models, lines_shown);
  out.member("replayed_events", replayed.events).member("replay_equal", true);
  print_document(out.end_object());
}

annals::result<void> demonstrate(const command_line& line, const demo_options& options) {
  watch_interrupts();
  auto store = open_for_writing(line);
  if (!store) return std::unexpected(store.error());
  order_projection models(**store, "order");
  const auto job = import_or_generate(**store, options, models);
  if (!job) return std::unexpected(job.error());
  const auto replayed = replay(**store, models);
  if (!replayed) return std::unexpected(replayed.error());
  if (line.json) {
    write_demo(*job, models.model(), *replayed);
  } else {
    print_demo(line, *job, models.model(), *replayed);
  }
  if (auto closed = (*store)->close(); !closed) return closed;
  return job->outcome;
}

}  // namespace

void add_demo(annals::arguments::verb& program, command_line& line) {
  auto verb = program.add_verb(
      "demo", "Import a file (or generate orders), show the read models, replay and compare");
  const auto options = std::make_shared<demo_options>();
  verb.add_option("FILE", options->file, "An Online Retail file; without, orders are generated");
  verb.add_flag("--skip-bad", options->skip_bad, "Leave malformed lines out, count and list them");
  add_common_options(verb, line);
  verb.footer("Example: orders demo online-retail.csv.gz");
  verb.runs([&line, options] { return demonstrate(line, *options); });
}

}  // namespace orders
