#include <cstdio>

#include "annals/terminal.h"
#include "event_lines.h"

namespace annals_cli {
namespace {

struct read_options {
  std::string stream{};
  bool all = false;
  std::uint64_t from = 1;
  std::uint64_t to = UINT64_MAX;
  bool backwards = false;
  filter_options filter{};
  std::uint64_t limit = UINT64_MAX;
  std::string after{};
};

annals::result<void> read(const command_line& line, const read_options& options) {
  if (options.all == !options.stream.empty())
    return annals::fail(annals::errc::invalid_argument,
                        "say which stream to read, or --all; see annals read --help");
  const auto after = annals::checkpoint::parse(options.after.empty() ? "start" : options.after);
  if (!after) return std::unexpected(after.error());
  const auto store = open_store(line);
  if (!store) return std::unexpected(store.error());
  const event_filter filter(options.filter);
  annals::read_request request{.stream = options.stream, .after = *after};
  if (options.all) {
    request.first = options.from;
    request.last = options.to;
  } else {
    request.from = {options.from};
    request.to = {options.to};
  }
  request.filter = filter.filter();
  request.direction =
      options.backwards ? annals::direction::backwards : annals::direction::forwards;
  request.limit = options.limit;

  annals::result<void> printed;
  const auto end = (*store)->read(request, [&](const annals::event_batch& batch) {
    printed = print_batch(batch, line.json);
    return printed ? annals::flow::more : annals::flow::stop;
  });
  if (!printed) return printed;
  if (!end) return std::unexpected(end.error());
  if (!options.all && end->stream_version.number == 0)
    return annals::fail(annals::errc::aggregate_not_found,
                        "stream " + options.stream + " has no events in " +
                            annals::terminal::without_password(line.store));
  if (end->removed != 0)
    std::fprintf(stderr, "%s events were removed by retention\n",
                 annals::terminal::with_thousands(end->removed).c_str());
  return {};
}

}  // namespace

void add_read(annals::arguments::verb& program, command_line& line) {
  auto verb = program.add_verb("read", "Print the events of a stream, or of the whole store");
  const auto options = std::make_shared<read_options>();
  verb.add_option("STREAM", options->stream, "Name of the stream");
  verb.add_flag("--all", options->all, "The whole store");
  verb.add_option("--from", options->from, "First version (with --all: position)");
  verb.add_option("--to", options->to, "Last version (with --all: position)");
  verb.add_flag("--backwards", options->backwards, "Newest first");
  add_filter_options(verb, options->filter);
  verb.add_option("--limit", options->limit, "At most so many events");
  verb.add_option("--after", options->after,
                  "With --all: after this checkpoint, as stat prints it");
  add_common_options(verb, line);
  verb.footer("Example: annals read --all --type order_paid --limit 5 --json");
  verb.runs([&line, options] { return read(line, *options); });
}

}  // namespace annals_cli
