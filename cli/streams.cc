#include <cstdio>

#include "annals/limits.h"
#include "annals/terminal.h"
#include "verbs.h"

namespace annals_cli {
namespace {

constexpr std::size_t default_page = 100;  // names

struct streams_options {
  std::optional<std::string> category{};
  std::string prefix{};
  std::string after{};
  std::size_t limit = default_page;
};

void write_stream(annals::json::writer& out, const annals::stream_info& s) {
  out.begin_object().member("stream", s.name).member("stream_key", s.key.to_string());
  out.member("version", s.version.number).member("first_kept", s.first_kept.number);
  out.member("last_position", s.last.to_string()).member("gone", s.gone).end_object();
}

annals::result<void> list(const command_line& line, const streams_options& options) {
  const auto store = open_store(line);
  if (!store) return std::unexpected(store.error());
  annals::list_request request{
      .prefix = options.prefix, .after = options.after, .limit = options.limit};
  if (options.category) request.category = *options.category;
  const auto page = (*store)->list_streams(request);
  if (!page) return std::unexpected(page.error());
  if (line.json) {
    for (const auto& s : *page) {
      annals::json::writer out;
      write_stream(out, s);
      if (auto printed = print_line(out); !printed) return printed;
    }
    return {};
  }
  using annals::terminal::align;
  annals::terminal::table t(
      {{"stream"}, {"version", align::right}, {"last position", align::right}, {""}});
  for (const auto& s : *page)
    t.row({s.name, annals::terminal::with_thousands(s.version.number),
           annals::terminal::with_thousands(s.last.sequence), s.gone ? "tombstone" : ""});
  t.print(stdout);
  if (page->size() == options.limit)
    std::printf("… for more: --after '%s'\n",
                annals::terminal::printable(page->back().name).c_str());
  return {};
}

}  // namespace

void add_streams(annals::arguments::verb& program, command_line& line) {
  auto verb = program.add_verb("streams", "List streams by name");
  const auto options = std::make_shared<streams_options>();
  verb.add_option("--category", options->category, "Only streams of this category");
  verb.add_option("--prefix", options->prefix, "Only names that start so");
  verb.add_option("--after", options->after, "Start after this name: the next page");
  verb.add_option("--limit", options->limit, "Names on a page",
                  {.shows_default = true, .range = {{1, annals::limits::streams_per_page}}});
  add_common_options(verb, line);
  verb.footer("Example: annals streams --category order --limit 20");
  verb.runs([&line, options] { return list(line, *options); });
}

}  // namespace annals_cli
