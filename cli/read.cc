#include <cstdio>

#include "annals/stream.h"
#include "annals/terminal.h"
#include "verbs.h"

namespace annals_cli {
namespace {

struct read_options {
  std::string stream{};
  bool all = false;
  std::uint64_t from = 1;
  std::uint64_t to = UINT64_MAX;
  bool backwards = false;
  std::vector<std::string> types{};
  std::vector<std::string> categories{};
  std::vector<std::string> tags{};
  std::uint64_t limit = UINT64_MAX;
  std::string after{};
};

std::vector<std::string_view> views_of(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

void print_event(const annals::event_view& view) {
  const auto header = view.header();
  const bool is_text = view.codec() == annals::codec::json && annals::is_utf8(view.text());
  std::printf("%s  %s  %s@%llu  %s  %s\n", view.position().to_string().c_str(),
              annals::to_rfc3339(header.timestamp).c_str(),
              annals::terminal::printable(view.stream_name()).c_str(),
              static_cast<unsigned long long>(view.version().number),
              annals::terminal::printable(view.type()).c_str(),
              is_text ? annals::terminal::printable(view.text()).c_str()
                      : ("base64 " + to_base64(view.payload())).c_str());
}

annals::result<void> print_batch(const annals::event_batch& batch, bool json) {
  annals::json::writer out;
  for (const auto& view : batch.events) {
    if (json) {
      out.clear();
      write_event(out, view);
      if (auto printed = print_line(out); !printed) return printed;
    } else {
      print_event(view);
    }
  }
  return check_output();
}

annals::result<void> read(const command_line& line, const read_options& options) {
  if (options.all == !options.stream.empty())
    return annals::fail(annals::errc::invalid_argument,
                        "say which stream to read, or --all; see annals read --help");
  const auto after = annals::checkpoint::parse(options.after.empty() ? "start" : options.after);
  if (!after) return std::unexpected(after.error());
  const auto store = open_store(line);
  if (!store) return std::unexpected(store.error());
  const auto types = views_of(options.types);
  const auto tags = views_of(options.tags);
  const auto categories = views_of(options.categories);
  const annals::query_item item{.types = types, .tags = tags};
  annals::read_request request{.stream = options.stream, .after = *after};
  if (options.all) {
    request.first = options.from;
    request.last = options.to;
  } else {
    request.from = {options.from};
    request.to = {options.to};
  }
  request.filter.categories = categories;
  if (!types.empty() || !tags.empty()) request.filter.matching.items = std::span(&item, 1);
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
                        "stream " + options.stream + " has no events in " + line.store);
  if (end->removed != 0)
    std::fprintf(stderr, "%s events were removed by retention\n",
                 annals::terminal::with_thousands(end->removed).c_str());
  return {};
}

}  // namespace

void add_read(CLI::App& app, command_line& line) {
  auto* verb = app.add_subcommand("read", "Print the events of a stream, or of the whole store");
  const auto options = std::make_shared<read_options>();
  verb->add_option("STREAM", options->stream, "Name of the stream");
  verb->add_flag("--all", options->all, "The whole store");
  verb->add_option("--from", options->from, "First version (with --all: position)");
  verb->add_option("--to", options->to, "Last version (with --all: position)");
  verb->add_flag("--backwards", options->backwards, "Newest first");
  verb->add_option("--type", options->types, "Only events of this type; may be repeated")
      ->allow_extra_args(false);
  verb->add_option("--category", options->categories,
                   "Only streams of this category; may be repeated")
      ->allow_extra_args(false);
  verb->add_option("--tag", options->tags,
                   "Only events with this tag (key:value); all of them when repeated")
      ->allow_extra_args(false);
  verb->add_option("--limit", options->limit, "At most so many events");
  verb->add_option("--after", options->after,
                   "With --all: after this checkpoint, as stat prints it");
  add_common_options(*verb, line);
  verb->footer("Example: annals read --all --type order_paid --limit 5 --json");
  verb->callback(
      [&line, options] { line.run = [&line, options] { return read(line, *options); }; });
}

}  // namespace annals_cli
