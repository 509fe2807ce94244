#include "index_match.h"

#include <algorithm>

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

class index_matching {
 public:
  index_matching(const mapped_segment& in, const segment_replay& replay, const segment_terms& terms)
      : in_(in), index_(in.index()), replay_(replay), rest_(terms.all()) {}

  result<set_sums> run() {
    auto matched = index_.check(
        [this](std::uint64_t hash, const postings& of, std::span<const std::uint32_t> places) {
          return match(hash, of, places);
        });
    if (matched) matched = match_end();
    if (matched) matched = match_places();
    if (matched) matched = match_names();
    if (!matched) return std::unexpected(matched.error());
    return links_;
  }

 private:
  using term = segment_terms::term;

  std::unexpected<error> says(std::string_view what) const {
    return index_damaged(in_.index_path(), what);
  }

  std::uint64_t hash_of(const term& one) const noexcept {
    return one.hash >> (64 - index_.hash_bits());
  }

  // Entries and terms ascend by hash. Of some whose hashes begin alike, any may be the entry's.
  result<void> match(std::uint64_t hash, const postings& of,
                     std::span<const std::uint32_t> places) {
    if (hash != hash_) {
      if (!alike_.empty()) return lacks(*alike_.front());
      hash_ = hash;
      for (; !rest_.empty() && hash_of(rest_.front()) == hash; rest_ = rest_.subspan(1))
        alike_.push_back(&rest_.front());
      if (!rest_.empty() && hash_of(rest_.front()) < hash) return lacks(rest_.front());
    }
    std::uint64_t marks = 0;
    for (const auto place : places) marks += place_mark(place);
    const auto found =
        std::ranges::find_if(alike_, [&](const term* one) { return is_of(of, marks, *one); });
    if (found == alike_.end())
      return alike_.empty() ? says("it has terms that the segment does not have")
                            : lacks(*alike_.front());
    if ((*found)->kind != term_kind::stream && of.link != 0)
      links_.add(linked_term{(*found)->hash, (*found)->twin, static_cast<std::uint64_t>(of.kind),
                             of.link});
    alike_.erase(found);
    return {};
  }

  static bool is_of(const postings& of, std::uint64_t marks, const term& one) {
    if (of.kind != one.kind || of.count != one.at.count || of.last != one.at.last ||
        marks != one.at.marks)
      return false;
    if (one.stream == nullptr) return true;
    const auto& before = one.stream->second.before;
    return of.first_version == before.version + 1 && of.link == before.last.segment();
  }

  std::unexpected<error> lacks(const term& one) const {
    const auto what = one.kind == term_kind::stream     ? "stream " + one.stream->first.to_string()
                      : one.kind == term_kind::type     ? "a type"
                      : one.kind == term_kind::category ? "a category"
                                                        : "a tag";
    return says("it does not say of " + what + " what the segment holds");
  }

  result<void> match_end() const {
    if (!alike_.empty()) return lacks(*alike_.front());
    if (!rest_.empty()) return lacks(rest_.front());
    return {};
  }

  result<void> match_places() const {
    for (std::uint64_t ordinal = 0; ordinal < index_.events(); ordinal += events_per_place) {
      const auto place = index_.place_near(ordinal);
      if (!place) return std::unexpected(place.error());
      const auto item = in_.item_at(std::uint64_t{*place} * 8);
      if (!item || item->kind() != item_kind::event ||
          item->as<event_item>().sequence != index_.first_sequence() + ordinal)
        return says("it has an event elsewhere than the segment");
    }
    return {};
  }

  // Each that it has is one of the segment, and they are as many.
  result<void> match_names() const {
    name_cursor cursor(index_);
    for (;;) {
      const auto more = cursor.next();
      if (!more) return std::unexpected(more.error());
      if (!*more) break;
      const auto item = in_.item_at(std::uint64_t{cursor.place()} * 8);
      if (!item || name_in(*item) != cursor.name())
        return says("it has a name that does not stand in the segment where it says");
    }
    std::uint64_t named = 0;
    for (const auto& [key, one] : replay_.streams())
      named += one.now.name.segment() == in_.number() ? 1U : 0U;
    if (named != index_.names()) return says("it does not have the names that the segment has");
    return {};
  }

  const mapped_segment& in_;
  const segment_index& index_;
  const segment_replay& replay_;
  std::span<const term> rest_;        // that no entry has come to yet
  std::vector<const term*> alike_{};  // of the current hash, without an entry so far
  std::uint64_t hash_ = UINT64_MAX;
  set_sums links_{};
};

}  // namespace

result<set_sums> match_index(const mapped_segment& in, const segment_replay& replay,
                             const segment_terms& terms) {
  return index_matching(in, replay, terms).run();
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
