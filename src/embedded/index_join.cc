#include <array>

#include "annals/assert.h"
#include "index_run.h"
#include "run_block.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

// Terms of one kind with one hash. With a secret seed two are a wonder; more come from damage, and
// comparing them pair by pair in the log would take for ever.
constexpr std::size_t most_of_one_hash = 64;

bool is_of(const run_slot& slot, std::uint64_t hash, term_kind kind) noexcept {
  return slot.hash == hash && slot.kind == kind;
}

bool comes_before(const run_slot& a, const run_slot& b) noexcept {
  return a.hash != b.hash ? a.hash < b.hash : a.kind < b.kind;
}

/// The slots of two runs in their order, those that count.
class merged_slots {
 public:
  merged_slots(const index_run& older, const index_run& newer, const same_term& same)
      : older_{run_cursor(older)}, newer_{run_cursor(newer)}, same_(same) {}

  /// The next slots, all of one hash and kind; none at the end.
  result<std::span<const run_slot>> next() {
    found_.clear();
    for (auto* from : {&older_, &newer_})
      if (auto begun = from->begin(); !begun) return std::unexpected(begun.error());
    if (!older_.there && !newer_.there) return std::span<const run_slot>{};
    const bool older_first =
        older_.there && (!newer_.there || !comes_before(newer_.at.slot(), older_.at.slot()));
    const auto first = older_first ? older_.at.slot() : newer_.at.slot();
    if (auto taken = take(newer_, first.hash, first.kind); !taken)
      return std::unexpected(taken.error());
    const auto newer_ones = found_.size();
    if (auto taken = take(older_, first.hash, first.kind); !taken)
      return std::unexpected(taken.error());
    if (newer_ones > 0 && found_.size() > newer_ones)
      if (auto settled = settle(newer_ones); !settled) return std::unexpected(settled.error());
    return std::span<const run_slot>(found_);
  }

 private:
  struct side {
    run_cursor at;
    bool begun = false;
    bool there = false;

    result<void> begin() { return begun ? result<void>{} : step(); }
    result<void> step() {
      begun = true;
      const auto more = at.next();
      if (!more) return std::unexpected(more.error());
      there = *more;
      return {};
    }
  };

  result<void> take(side& from, std::uint64_t hash, term_kind kind) {
    while (from.there && is_of(from.at.slot(), hash, kind)) {
      if (found_.size() == most_of_one_hash)
        return fail(errc::store_corrupt,
                    "the runs have more than " + std::to_string(most_of_one_hash) +
                        " slots of one hash; they can be made again from the log: annals repair");
      found_.push_back(from.at.slot());
      if (auto stepped = from.step(); !stepped) return stepped;
    }
    return {};
  }

  // Drops the older ones that a newer one replaces.
  result<void> settle(std::size_t newer_ones) {
    const bool ambiguous =
        std::ranges::any_of(found_, [](const run_slot& s) { return s.ambiguous; });
    if (!ambiguous) {
      found_.resize(newer_ones);
      return {};
    }
    auto kept = newer_ones;
    for (auto old = newer_ones; old < found_.size(); ++old) {
      bool replaced = false;
      for (std::size_t i = 0; i < newer_ones && !replaced; ++i) {
        const auto same = same_(found_[old], found_[i]);
        if (!same) return std::unexpected(same.error());
        replaced = *same;
      }
      if (!replaced) found_[kept++] = found_[old];
    }
    found_.resize(kept);
    for (auto& slot : found_) slot.ambiguous = true;
    return {};
  }

  side older_;
  side newer_;
  const same_term& same_;
  std::vector<run_slot> found_{};
};

/// Calls `each(slot)`, which answers a result, with all slots of the joined run.
template <class Each>
result<void> for_each_merged(const index_run& older, const index_run& newer, const same_term& same,
                             Each&& each) {
  merged_slots slots(older, newer, same);
  for (;;) {
    const auto some = slots.next();
    if (!some) return std::unexpected(some.error());
    if (some->empty()) return {};
    for (const auto& slot : *some)
      if (auto done = each(slot); !done) return done;
  }
}

}  // namespace

result<checked_file_facts> join(env& environment, const std::string& path, const index_run& older,
                                const index_run& newer, const same_term& same) {
  ANNALS_ASSERT(older.last_segment() + 1 == newer.first_segment(), "the runs are neighbours");
  std::uint64_t slots = 0;
  const auto count = [&](const run_slot&) {
    ++slots;
    return result<void>{};
  };
  if (auto counted = for_each_merged(older, newer, same, count); !counted)
    return std::unexpected(counted.error());
  auto file = checked_file_writer::create(environment, path);
  if (!file) return std::unexpected(file.error());
  run_writer writer(std::move(*file), slots);
  const auto write = [&](const run_slot& slot) {
    return writer.add({slot.hash, stored_value(slot)});
  };
  if (auto written = for_each_merged(older, newer, same, write); !written)
    return std::unexpected(written.error());
  return writer.finish({.store_id = older.store_id(),
                        .hash_seed = older.hash_seed(),
                        .first_segment = older.first_segment(),
                        .last_segment = newer.last_segment()});
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
