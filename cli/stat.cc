#include <cstdio>

#include "annals/limits.h"
#include "annals/terminal.h"
#include "verbs.h"

namespace annals_cli {
namespace {

using annals::terminal::with_thousands;

std::string_view name_of(annals::durability kept) {
  switch (kept) {
    case annals::durability::power_loss: return "power loss";
    case annals::durability::os: return "operating system";
    case annals::durability::memory: return "memory";
  }
  return "";
}

/// Counts by paging through the names, so that memory does not grow with the store.
annals::result<std::uint64_t> count_streams(annals::event_store& store) {
  std::uint64_t count = 0;
  std::string after;
  for (;;) {
    const auto page =
        store.list_streams({.after = after, .limit = annals::limits::streams_per_page});
    if (!page) return std::unexpected(page.error());
    count += page->size();
    if (page->size() < annals::limits::streams_per_page) return count;
    after = page->back().name;
  }
}

annals::result<void> stat(const command_line& line) {
  const auto store = open_store(line);
  if (!store) return std::unexpected(store.error());
  const auto& info = (*store)->info();
  const auto head = (*store)->head();
  if (!head) return std::unexpected(head.error());
  const auto streams = count_streams(**store);
  if (!streams) return std::unexpected(streams.error());
  const auto events = head->in(0).sequence;
  if (line.json) {
    annals::json::writer out;
    out.begin_object()
        .member("store", annals::terminal::without_password(line.store))
        .member("store_id", info.store_id.to_string());
    out.member("engine", info.engine).member("durability", name_of(info.durability));
    out.member("events", events).member("streams", *streams);
    out.member("checkpoint", head->to_string()).end_object();
    return print_line(out);
  }
  std::printf(
      "store       %s\nstore id    %s\nengine      %s\nsurvives    %s\nevents      %s\n"
      "streams     %s\ncheckpoint  %s\n",
      annals::terminal::printable(annals::terminal::without_password(line.store)).c_str(),
      info.store_id.to_string().c_str(), info.engine.c_str(),
      std::string(name_of(info.durability)).c_str(), with_thousands(events).c_str(),
      with_thousands(*streams).c_str(), head->to_string().c_str());
  return {};
}

}  // namespace

void add_stat(annals::arguments::verb& program, command_line& line) {
  auto verb = program.add_verb("stat", "What a store holds");
  add_common_options(verb, line);
  verb.footer("Example: annals stat --store file:./data");
  verb.runs([&line] { return stat(line); });
}

}  // namespace annals_cli
