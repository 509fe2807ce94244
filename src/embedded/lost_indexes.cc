#include "lost_indexes.h"

#include <algorithm>
#include <set>

#include "indexer.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

class remaking {
 public:
  remaking(const std::shared_ptr<const sealed_context>& context, const manifest& content,
           const std::function<void(std::uint64_t)>& progress)
      : context_(context), content_(content), progress_(progress) {}

  // In the order of the log: what is made anew asks the index files before it.
  result<bool> run(const lost_indexes& lost) {
    auto segment = lost.segments.begin();
    const auto segments_up_to = [&](std::uint64_t last) -> result<bool> {
      for (; segment != lost.segments.end() && *segment <= last; ++segment) {
        const auto made = make_segment_index(*segment);
        if (!made || !*made) return made;
      }
      return true;
    };
    for (const auto& run : lost.runs) {
      auto made = segments_up_to(run.first_segment - 1);
      if (made && *made) made = make_run(run);
      if (!made || !*made) return made;
      while (segment != lost.segments.end() && *segment <= run.last_segment) ++segment;
    }
    return segments_up_to(content_.segments.size());
  }

 private:
  /// What the manifest said before a segment was indexed; without runs, or with them.
  manifest before(std::uint64_t number, bool runs) const {
    manifest first{.store_id = content_.store_id, .hash_seed = content_.hash_seed};
    first.segments.assign(content_.segments.begin(),
                          content_.segments.begin() + static_cast<std::ptrdiff_t>(number - 1));
    if (runs)
      std::ranges::copy_if(content_.runs, std::back_inserter(first.runs),
                           [&](const auto& run) { return run.last_segment < number; });
    return first;
  }

  const sealed_segment& known(std::uint64_t number) const {
    return content_.segments[static_cast<std::size_t>(number - 1)];
  }

  // The runs know only what came last: earlier segments are asked by their own indexes.
  result<bool> make_segment_index(std::uint64_t number) {
    progress_(number);
    const auto log = open_sealed_log(context_, before(number, false), nullptr);
    if (!log) return std::unexpected(log.error());
    const auto made = index_segment(*context_, number, **log);
    if (!made) return std::unexpected(made.error());
    return made->facts == known(number);
  }

  // The runs before are as they were when its segments were indexed, so that those join as then.
  result<bool> make_run(const known_run& run) {
    auto first = before(run.first_segment, true);
    auto log = open_sealed_log(context_, first, nullptr);
    if (!log) return std::unexpected(log.error());
    indexer again(context_, std::move(first), std::move(*log), [](const auto&) {});
    again.leave_manifest();
    for (auto number = run.first_segment; number <= run.last_segment; ++number) {
      progress_(number);
      if (auto indexed = again.index_next(); !indexed) return std::unexpected(indexed.error());
      if (again.content().segments.back() != known(number)) return false;
    }
    return again.content().runs.back() == run;
  }

  const std::shared_ptr<const sealed_context>& context_;
  const manifest& content_;
  const std::function<void(std::uint64_t)>& progress_;
};

}  // namespace

result<lost_indexes> find_missing_indexes(const sealed_context& context, const manifest& content) {
  const auto names = context.environment.list(context.paths.indexes());
  if (!names) return std::unexpected(names.error());
  const std::set<std::string> there(names->begin(), names->end());
  const auto is_missing = [&](const std::string& path) {
    return !there.contains(path.substr(path.rfind('/') + 1));
  };
  lost_indexes lost;
  for (const auto& one : content.segments)
    if (is_missing(context.paths.segment_index(one.number))) lost.segments.push_back(one.number);
  for (const auto& one : content.runs)
    if (is_missing(context.paths.run(one.first_segment, one.last_segment)))
      lost.runs.push_back(one);
  return lost;
}

result<bool> remake_indexes(const std::shared_ptr<const sealed_context>& context,
                            const manifest& content, const lost_indexes& lost,
                            const std::function<void(std::uint64_t)>& progress) {
  return remaking(context, content, progress).run(lost);
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
