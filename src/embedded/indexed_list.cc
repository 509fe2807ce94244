// Lists of streams. See indexed_store.h.
#include <algorithm>

#include "annals/stream.h"
#include "indexed_store.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

/// Names that recent segments have first, ascending, up to `limit`. Held.
std::vector<std::string> recent_names(const log_view& seen, std::string_view prefix,
                                      std::string_view after, std::size_t limit) {
  std::vector<std::string_view> names;  // a heap, the greatest in front
  for (const auto& one : seen.recent)
    for (const auto& stream : one->streams()) {
      if (stream.name_place.segment() != one->number()) continue;
      if (!after.empty() && stream.name <= after) continue;
      if (!stream.name.starts_with(prefix)) continue;
      names.push_back(stream.name);
      std::ranges::push_heap(names);
      if (names.size() <= limit) continue;
      std::ranges::pop_heap(names);
      names.pop_back();
    }
  std::ranges::sort_heap(names);
  return {names.begin(), names.end()};
}

/// What all names of a category and with a prefix begin with; none: there is no such name.
std::optional<std::string> beginning_of(const list_request& request) {
  if (!request.category || request.category->empty()) return std::string(request.prefix);
  auto of_category = std::string(*request.category) + '-';
  if (request.prefix.starts_with(of_category)) return std::string(request.prefix);
  if (of_category.starts_with(request.prefix)) return of_category;
  return std::nullopt;
}

}  // namespace

result<stream_info> indexed_store::info_of(const log_view& seen, const seen_stream& stream,
                                           time_point now) {
  const auto kept = first_kept(seen, stream, now);
  if (!kept) return std::unexpected(kept.error());
  return stream_info{.name = stream.name,
                     .key = stream.key,
                     .version = stream.newest,
                     .first_kept = *kept,
                     .last = {.sequence = stream.last_sequence},
                     .gone = stream.kept.gone};
}

// Names without events, of commands alone, are left out: more are asked for until the page is full.
result<std::vector<stream_info>> indexed_store::do_list_streams(const list_request& request) {
  if (auto caught = catch_up(); !caught) return std::unexpected(caught.error());
  std::vector<stream_info> page;
  const auto beginning = beginning_of(request);
  const auto now = environment().now();
  std::string after(request.after);
  while (beginning && page.size() < request.limit) {
    const std::size_t wanted = request.limit - page.size();
    log_view seen;
    std::vector<std::string> names;
    {
      const lock_type lock(mutex());
      if (auto open = check_open(); !open) return std::unexpected(open.error());
      seen = view();
      names = recent_names(seen, *beginning, after, wanted);
    }
    const auto sealed = seen.sealed->names(*beginning, after, wanted);
    if (!sealed) return std::unexpected(sealed.error());
    std::vector<std::string> joined;
    std::ranges::set_union(names, *sealed, std::back_inserter(joined));
    if (joined.empty()) return page;
    if (joined.size() > wanted) joined.resize(wanted);
    for (const auto& name : joined) {
      if (request.category && category_of(name) != *request.category) continue;
      const auto stream = find(seen, name, stream_key_of(name));
      if (!stream) return std::unexpected(stream.error());
      if (!*stream || (*stream)->newest.number == 0) continue;
      auto info = info_of(seen, **stream, now);
      if (!info) return std::unexpected(info.error());
      page.push_back(std::move(*info));
    }
    after = joined.back();
  }
  if (!beginning) {
    const lock_type lock(mutex());
    if (auto open = check_open(); !open) return std::unexpected(open.error());
  }
  return page;
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
