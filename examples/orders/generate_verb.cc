#include "orders/summary.h"
#include "orders/verbs.h"

namespace orders {
namespace {

annals::result<void> generate_orders(const command_line& line, std::uint64_t seed,
                                     std::uint64_t count) {
  auto store = open_for_writing(line);
  if (!store) return std::unexpected(store.error());
  const auto report = generate(**store, seed, count);
  if (!report) return std::unexpected(report.error());
  order_projection models(**store, "order");
  if (const auto folded = models.catch_up(); !folded) return std::unexpected(folded.error());
  const auto figures = figures_of(*report, models.model(), models.seen().in(0).sequence);
  if (line.json) {
    annals::json::writer out;
    out.begin_object();
    write_figures(out, figures);
    print_document(out.end_object());
  } else {
    print_figures(figures);
  }
  return {};
}

}  // namespace

void add_generate(annals::arguments::verb& program, command_line& line) {
  auto verb = program.add_verb("generate", "Make up orders from a seed");
  const auto seed = std::make_shared<std::uint64_t>(default_seed);
  const auto count = std::make_shared<std::uint64_t>(default_generated_orders);
  verb.add_option("--seed", *seed, "The same seed makes the same orders", {.shows_default = true});
  verb.add_option("--orders", *count, "How many",
                  {.shows_default = true, .range = {{1, most_generated_orders}}});
  add_common_options(verb, line);
  verb.footer("Example: orders generate --orders 100 --store file:./data");
  verb.runs([&line, seed, count] { return generate_orders(line, *seed, *count); });
}

}  // namespace orders
