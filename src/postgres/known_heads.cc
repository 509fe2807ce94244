#include "known_heads.h"

#include <algorithm>

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

constexpr std::size_t most_remembered = 100'000;  // streams

/// Where an expectation holds of a version that is known. Else the server tells the loser why.
bool holds(const expect& expected, std::uint64_t version) noexcept {
  switch (expected.what()) {
    case expect::kind::any: return true;
    case expect::kind::none: return version == 0;
    case expect::kind::exists: return version != 0;
    case expect::kind::at: return expected.version().number == version;
  }
  return false;
}

/// The version a writer believes in, for the server to confirm; none where it believes in none.
std::optional<std::uint64_t> believed(const expect& expected) noexcept {
  if (expected.what() == expect::kind::none) return 0;
  if (expected.what() == expect::kind::at) return expected.version().number;
  return std::nullopt;
}

/// As the statement of groups has it: later than the one before, and not before `earliest`.
std::int64_t next_reading(std::int64_t before, std::uint64_t earliest) noexcept {
  return std::max(before + 1, turned_reading(earliest));
}

}  // namespace

std::optional<optimistic_group> known_heads::place(
    std::span<const append_draft* const> group, std::span<const std::int32_t> category_ids) const {
  if (newest_.position == 0 || !alone_) return std::nullopt;
  optimistic_group made{.before = newest_, .after = newest_};
  std::unordered_map<uuid, std::size_t> places;
  made.members.reserve(group.size());
  std::size_t checks = 0;
  for (const auto* draft : group) {
    if (draft->events.empty()) return std::nullopt;
    const auto first = checks;
    if (!draft->continues) checks += draft->checks.size();
    if (!add_streams(made, places, *draft, category_ids.subspan(first, checks - first)))
      return std::nullopt;
    const auto place_of_check = [&](std::int32_t check) {
      return places.at(draft->checks[static_cast<std::size_t>(check)].key);
    };
    auto& newest = made.after;
    appended stored{.first = {.sequence = newest.position + 1}};
    std::int32_t offset = 0;
    for (const auto& event : draft->events) {
      const auto stream = place_of_check(event.check);
      newest = {newest.position + 1, event.id, next_reading(newest.reading, draft->earliest)};
      made.events.push_back({&event, stream, ++made.streams[stream].now, newest.reading, offset++});
    }
    stored.last = {.sequence = newest.position};
    stored.stream_version = {made.streams[place_of_check(0)].now};
    made.members.push_back({draft, stored});
  }
  return made;
}

// An append that continues another has no category ids of its own: its stream is there already.
bool known_heads::add_streams(optimistic_group& to, std::unordered_map<uuid, std::size_t>& places,
                              const append_draft& draft,
                              std::span<const std::int32_t> category_ids) const {
  for (std::size_t i = 0; i < draft.checks.size(); ++i) {
    const auto& check = draft.checks[i];
    const auto [place, fresh] = places.try_emplace(check.key, to.streams.size());
    if (fresh) {
      const auto known = heads_.find(check.key);
      if (known != heads_.end() && known->second.name != check.name) return false;
      const auto version =
          known != heads_.end() ? std::optional(known->second.version) : believed(check.expected);
      if (!version || *version > INT64_MAX || category_ids.size() <= i) return false;
      to.streams.push_back({&check, category_ids[i], *version, *version, known == heads_.end()});
    }
    if (!holds(check.expected, to.streams[place->second].now)) return false;
  }
  return true;
}

void known_heads::learn(const optimistic_group& sent) {
  newest_ = sent.after;
  for (const auto& one : sent.streams)
    if (one.now != 0) remember(*one.check, one.now);
}

void known_heads::unlearn(const optimistic_group& refused) {
  newest_ = refused.before;
  for (const auto& one : refused.streams)
    if (one.asked)
      heads_.erase(one.check->key);
    else
      remember(*one.check, one.before);
}

// Where another has appended, its events may be of any stream.
void known_heads::learn(std::span<const append_draft* const> group, const std::vector<bool>& stored,
                        const group_answer& told) {
  alone_ = newest_.position == 0 || told.newest == newest_;
  if (told.newest != newest_) heads_.clear();
  newest_ = told.newest;
  std::size_t checks = 0;
  std::size_t before = 0;  // where those of the append in hand begin
  for (std::size_t m = 0; m < group.size(); ++m) {
    const auto& draft = *group[m];
    if (!draft.continues) {
      before = checks;
      checks += draft.checks.size();
    }
    if (stored[m])
      for (const auto& event : draft.events)
        newest_ = {newest_.position + 1, event.id, next_reading(newest_.reading, draft.earliest)};
    else if (draft.continues)
      continue;
    for (std::size_t i = 0; i < draft.checks.size(); ++i) {
      const auto& found = told.checks[before + i];
      if (found.fault == fault::key_collision || found.fault == fault::gone) continue;
      const auto written = stored[m] ? draft.before + draft.checks[i].events : 0;
      const auto version = found.actual.number + static_cast<std::uint64_t>(written);
      if (version != 0) remember(draft.checks[i], version);
    }
  }
}

void known_heads::remember(const draft_check& of, std::uint64_t version) {
  if (heads_.size() >= most_remembered) heads_.clear();
  auto& known = heads_[of.key];
  if (known.name.empty()) known.name = of.name;
  known.version = version;
}

void known_heads::forget() {
  newest_ = {};
  heads_.clear();
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
