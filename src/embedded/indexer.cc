#include "indexer.h"

#include <algorithm>
#include <set>

#include "annals/background.h"
#include "annals/obs.h"
#include "recovery.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

// Two neighbours are joined when the older is at most so many times the newer: few runs, each term
// written anew a few times in all.
constexpr std::uint64_t join_ratio = 2;

}  // namespace

result<std::shared_ptr<const sealed_log>> open_sealed_log(
    const std::shared_ptr<const sealed_context>& context, const manifest& content,
    const sealed_log* before) {
  sealed_log::segment_list segments;
  segments.reserve(content.segments.size());
  for (const auto& facts : content.segments) {
    const auto i = segments.size();
    if (before != nullptr && i < before->segments()) {
      segments.push_back(before->all()[i]);
    } else {
      segments.push_back(std::make_shared<mapped_segment>(context, facts));
    }
  }
  sealed_log::run_list runs;
  for (const auto& known : content.runs) {
    const auto same = [&](const auto& run) { return run->facts() == known.file; };
    if (before != nullptr) {
      const auto there = std::ranges::find_if(before->runs(), same);
      if (there != before->runs().end()) {
        runs.push_back(*there);
        continue;
      }
    }
    const auto path = context->paths.run(known.first_segment, known.last_segment);
    auto run = index_run::open(context->environment, path,
                               {.store_id = context->store_id,
                                .hash_seed = context->hash_seed,
                                .first_segment = known.first_segment,
                                .last_segment = known.last_segment});
    if (!run) return std::unexpected(run.error());
    if (run->facts() != known.file)
      return index_damaged(path, "this is another file than the one that MANIFEST names");
    runs.push_back(std::make_shared<index_run>(std::move(*run)));
  }
  return std::make_shared<sealed_log>(context, std::move(segments), std::move(runs), content.types,
                                      content.categories);
}

result<void> remove_unnamed_indexes(const sealed_context& context, const manifest& content) {
  const auto names = context.environment.list(context.paths.indexes());
  if (!names) return std::unexpected(names.error());
  std::set<std::string> named;
  for (const auto& one : content.segments) named.insert(context.paths.segment_index(one.number));
  for (const auto& one : content.runs)
    named.insert(context.paths.run(one.first_segment, one.last_segment));
  for (const auto& name : *names) {
    const auto path = context.paths.indexes() + '/' + name;
    const bool ours = name.ends_with(".six") || name.ends_with(".run") || name.ends_with(".tmp");
    if (!ours || named.contains(path)) continue;
    if (auto removed = context.environment.remove(path); !removed) return removed;
  }
  return {};
}

result<manifest> rebuild_indexes(const std::shared_ptr<const sealed_context>& context,
                                 const manifest& content,
                                 const std::function<void(std::uint64_t)>& progress) {
  manifest empty{.store_id = content.store_id, .hash_seed = content.hash_seed};
  auto nothing = open_sealed_log(context, empty, nullptr);
  if (!nothing) return std::unexpected(nothing.error());
  indexer again(context, std::move(empty), std::move(*nothing), [](const auto&) {});
  for (const auto& known : content.segments) {
    progress(known.number);
    if (auto indexed = again.index_next(); !indexed) return std::unexpected(indexed.error());
    const auto& found = again.content().segments.back();
    if (found.digest != known.digest || found.seal != known.seal)
      return corrupt_log(context->paths.segment(known.number) +
                         ": this is not what was sealed, by the digest in MANIFEST");
  }
  return again.content();
}

void indexer::want(std::uint64_t number, std::optional<sealed_content> of) {
  {
    const std::scoped_lock lock(mutex_);
    if (number <= wanted_ || stopping_) return;
    wanted_ = number;
    if (of) given_.emplace(number, std::make_shared<sealed_content>(std::move(*of)));
    failed_.reset();
    if (!thread_) {
      done_ = content_.segments.size();
      thread_ = context_->environment.spawn("annals-index", [this] { run(); });
    }
  }
  ++changes_;
  context_->environment.wake_all(changes_);
}

result<void> indexer::wait_for(std::uint64_t waiting) {
  {
    const std::scoped_lock lock(mutex_);
    failed_.reset();
  }
  ++changes_;
  context_->environment.wake_all(changes_);
  for (;;) {
    const auto changes = changes_.load();
    {
      const std::scoped_lock lock(mutex_);
      if (wanted_ <= done_ + waiting || stopping_) return {};
      if (failed_) return std::unexpected(*failed_);
    }
    context_->environment.park(changes_, changes);
  }
}

void indexer::stop() {
  std::unique_ptr<thread> ended;
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    ended = std::move(thread_);
  }
  ++changes_;
  context_->environment.wake_all(changes_);
  ended.reset();  // joins
}

void indexer::run() {
  work_until(stopping_, changes_, context_->environment, [this]() -> std::optional<idle> {
    {
      const std::scoped_lock lock(mutex_);
      if (done_ >= wanted_ || failed_) return idle{};
    }
    const auto indexed = index_next();
    {
      const std::scoped_lock lock(mutex_);
      done_ = content_.segments.size();
      if (!indexed) failed_ = indexed.error();
    }
    if (!indexed)
      obs::info("a segment could not be indexed: " + std::string(indexed.error().message()));
    ++changes_;
    context_->environment.wake_all(changes_);
    return std::nullopt;
  });
}

std::shared_ptr<const sealed_content> indexer::given(std::uint64_t number) const {
  const std::scoped_lock lock(mutex_);
  const auto found = given_.find(number);
  return found == given_.end() ? nullptr : found->second;
}

result<void> indexer::index_next() {
  const auto number = content_.segments.size() + 1;
  const auto content = given(number);
  auto found = content ? index_segment(*context_, *content, *sealed_)
                       : index_segment(*context_, number, *sealed_);
  if (!found) return std::unexpected(found.error());
  if (auto added = add(std::move(*found)); !added) return added;
  const std::scoped_lock lock(mutex_);
  given_.erase(number);
  return {};
}

// The manifest names the new files, then others may use them, then what it does not name any more
// goes.
result<void> indexer::add(indexed_segment found) {
  const auto number = found.facts.number;
  if (auto there = check_in_place(*context_); !there) return there;
  index_run_builder builder;
  for (const auto& slot : found.slots) builder.add(slot);
  const auto run = builder.write(context_->environment, context_->paths.run(number, number),
                                 {.store_id = context_->store_id,
                                  .hash_seed = context_->hash_seed,
                                  .first_segment = number,
                                  .last_segment = number});
  if (!run) return std::unexpected(run.error());
  const auto before = content_;
  content_.segments.push_back(found.facts);
  content_.runs.push_back({.first_segment = number, .last_segment = number, .file = *run});
  std::ranges::move(found.types, std::back_inserter(content_.types));
  std::ranges::move(found.categories, std::back_inserter(content_.categories));
  const auto settle = [&]() -> result<void> {
    auto sealed = open_sealed_log(context_, content_, sealed_.get());
    if (!sealed) return std::unexpected(sealed.error());
    if (auto joined = join_runs(**sealed); !joined) return joined;
    if (content_.runs.size() != (*sealed)->runs().size()) {
      sealed = open_sealed_log(context_, content_, sealed->get());
      if (!sealed) return std::unexpected(sealed.error());
    }
    if (auto there = check_in_place(*context_); !there) return there;
    if (auto whole = (*sealed)->check_pages(); !whole) return whole;
    if (!leaves_manifest_)
      if (auto written =
              write_manifest(context_->environment, context_->paths.manifest(), content_);
          !written)
        return written;
    sealed_ = std::move(*sealed);
    return {};
  };
  if (auto done = settle(); !done) {
    joined_.clear();
    content_ = before;
    return done;
  }
  settled_(sealed_);
  remove_joined();
  return {};
}

void indexer::remove_joined() {
  for (const auto& old : std::exchange(joined_, {})) {
    const auto path = context_->paths.run(old.first_segment, old.last_segment);
    if (const auto removed = context_->environment.remove(path); !removed)
      obs::info("an index file that is not used any more stays: " +
                std::string(removed.error().message()));
  }
}

result<void> indexer::join_runs(const sealed_log& log) {
  auto runs = log.runs();
  const auto same = [&](const run_slot& older, const run_slot& newer) {
    return are_same_term(log, older, newer);
  };
  while (runs.size() >= 2 && runs[runs.size() - 2]->size() <= join_ratio * runs.back()->size()) {
    const auto newer = runs.back();
    runs.pop_back();
    const auto older = runs.back();
    runs.pop_back();
    for (const auto& one : {older, newer})
      joined_.push_back(
          {.first_segment = one->first_segment(), .last_segment = one->last_segment()});
    const run_identity identity{.store_id = context_->store_id,
                                .hash_seed = context_->hash_seed,
                                .first_segment = older->first_segment(),
                                .last_segment = newer->last_segment()};
    const auto path = context_->paths.run(identity.first_segment, identity.last_segment);
    const auto facts = join(context_->environment, path, *older, *newer, same);
    if (!facts) return std::unexpected(facts.error());
    auto joined = index_run::open(context_->environment, path, identity);
    if (!joined) return std::unexpected(joined.error());
    runs.push_back(std::make_shared<index_run>(std::move(*joined)));
    content_.runs.resize(runs.size() - 1);
    content_.runs.push_back({.first_segment = identity.first_segment,
                             .last_segment = identity.last_segment,
                             .file = *facts});
  }
  return {};
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
