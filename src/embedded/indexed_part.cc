#include "indexed_part.h"

#include <algorithm>
#include <ranges>

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

using origin = segment_replay::origin;

/// How the newest place that a segment has of a term stands in the runs.
enum class standing : std::uint8_t { missing, newest, superseded };

/// One indexed segment on its way.
class looking_up {
 public:
  looking_up(const sealed_log& sealed, std::uint64_t segment, segment_replay& of,
             const segment_terms& terms)
      : sealed_(sealed), segment_(segment), of_(of), terms_(terms) {}

  indexed_part run() {
    own_ = std::ranges::find_if(sealed_.runs(),
                                [&](const auto& run) { return run->last_segment() >= segment_; });
    for (const auto& [key, one] : of_.streams()) look_before(key, one);
    for (const auto& term : terms_.all()) look_at(term);
    look_at_commands();
    for (const auto& [key, place] : of_.retained())
      doubt_unless(look(term_kind::retention, key, place) != standing::missing);
    of_.keep(std::move(kept_));
    return part_;
  }

 private:
  void doubt_unless(bool fits) { part_.doubtful = part_.doubtful || !fits; }

  void look_before(const uuid& key, const segment_replay::stream& one) {
    const bool named_before = one.from == origin::begins;
    if (named_before || (one.from == origin::named && !one.has_events())) kept_.emplace(key, one);
    if (one.has_events()) {
      if (one.from == origin::goes_on || one.from == origin::retained)
        part_.goes_on.add(stream_at(key, one.before));
    } else if (one.from != origin::named) {
      doubt_unless(fits_retained(key, one));
    }
  }

  /// True when the stream had come as far as its change of retention says, and went on only behind.
  bool fits_retained(const uuid& key, const segment_replay::stream& one) const {
    const auto newest = newest_in_runs(sealed_, term_kind::stream, key);
    if (!newest) return false;
    const auto& before = one.before;
    const auto event = sealed_.event_item_at(before.last);
    if (!event || event->stream_key != key ||
        before != stream_end{event->version, before.last, event->name, event->category})
      return false;
    if (*newest == before.last) return true;
    if (*newest < before.last) return false;
    const auto pieces = sealed_.pieces_of(key, *newest, {before.version + 1});
    return pieces && !pieces->empty() && pieces->front().in->number() > one.first.segment();
  }

  void look_at(const segment_terms::term& term) {
    const auto place = lsn::at(segment_, std::uint64_t{term.at.last} * 8);
    const auto is_of = [&](const run_slot& slot) { return is_of_term(slot, term, place); };
    const auto stands = look(term.kind, term.hash, place, is_of);
    doubt_unless(stands != standing::missing);
    if (stands != standing::superseded) return;
    if (term.stream != nullptr) {
      part_.goes_on_to.add(stream_at(term.stream->first, term.stream->second.now));
    } else {
      part_.linked.add(
          linked_term{term.hash, term.twin, static_cast<std::uint64_t>(term.kind), segment_});
    }
  }

  auto is_of_id(const uuid& id) const {
    return [this, &id](const run_slot& slot) {
      const auto is = sealed_.is_of(slot, term_bytes(id));
      return is && *is;
    };
  }

  // Sorted, as slots are: in a run the next one is near then.
  void look_at_commands() {
    std::vector<std::pair<std::uint64_t, const std::pair<const uuid, lsn>*>> sorted;
    sorted.reserve(of_.commands().size());
    for (const auto& each : of_.commands())
      sorted.emplace_back(
          term_hash(sealed_.hash_seed(), term_kind::command, term_bytes(each.first)), &each);
    std::ranges::sort(sorted);
    for (const auto& [hash, each] : sorted)
      doubt_unless(look(term_kind::command, hash, each->second, is_of_id(each->first)) ==
                   standing::newest);
  }

  // The bytes of the term stand only in the log.
  bool is_of_term(const run_slot& slot, const segment_terms::term& term, lsn place) const {
    if (term.kind != term_kind::tag) {
      const auto bytes = sealed_.id_at({.kind = term.kind, .newest = place});
      const auto is = bytes ? sealed_.is_of(slot, *bytes) : std::unexpected(bytes.error());
      return is && *is;
    }
    const auto event = sealed_.item_at(slot.newest);
    bool has = false;
    if (event && event->kind() == item_kind::event)
      for_each_tag(*event, [&](std::string_view tag) {
        has = has || (segment_terms::twin_of(terms_.hash_seed(), term.kind, term_bytes(tag)) ==
                          term.twin &&
                      term_hash(terms_.hash_seed(), term.kind, term_bytes(tag)) == term.hash);
      });
    return has;
  }

  standing look(term_kind kind, const uuid& id, lsn place) {
    const auto hash = term_hash(sealed_.hash_seed(), kind, term_bytes(id));
    return look(kind, hash, place, is_of_id(id));
  }

  // Its own run must know the place, unless that knows one in a later segment; the log is asked
  // only where two terms have one hash.
  template <class IsOf>
  standing look(term_kind kind, std::uint64_t hash, lsn place, IsOf&& is_of) {
    bool is_there = false;
    for (auto run = own_; run != sealed_.runs().end(); ++run) {
      if ((*run)->count(kind) == 0) continue;
      slots_.clear();
      if (!(*run)->find(hash, kind, slots_)) return standing::missing;
      for (const auto& slot : slots_) {
        if (slot.newest.segment() > segment_ && (!slot.ambiguous || is_of(slot)))
          return is_there || run == own_ ? standing::superseded : standing::missing;
        if (slot.newest != place) continue;
        is_there = true;
        part_.slots += slot.ambiguous ? 0U : 1U;
      }
    }
    return is_there ? standing::newest : standing::missing;
  }

  struct stream_at {
    stream_at(const uuid& of, const stream_end& end)
        : key(of), version(end.version), last(end.last), name(end.name), category(end.category) {}

    uuid key;
    std::uint64_t version;
    lsn last;
    lsn name;
    std::uint64_t category;
  };

  const sealed_log& sealed_;
  std::uint64_t segment_;
  segment_replay& of_;
  const segment_terms& terms_;
  sealed_log::run_list::const_iterator own_{};  // the run that knows the segment
  std::vector<run_slot> slots_{};               // of one look-up
  segment_replay::stream_map kept_{};
  indexed_part part_{};
};

}  // namespace

indexed_part look_up(const sealed_log& sealed, std::uint64_t segment, segment_replay& of,
                     const segment_terms& terms) {
  return looking_up(sealed, segment, of, terms).run();
}

result<lsn> newest_in_runs(const sealed_log& log, term_kind kind, const uuid& id) {
  const auto hash = term_hash(log.hash_seed(), kind, term_bytes(id));
  std::vector<run_slot> slots;
  for (const auto& run : log.runs() | std::views::reverse) {
    if (run->count(kind) == 0) continue;
    slots.clear();
    if (auto looked = run->find(hash, kind, slots); !looked) return std::unexpected(looked.error());
    if (slots.size() == 1 && !slots.front().ambiguous) return slots.front().newest;
    for (const auto& slot : slots) {
      const auto is = log.is_of(slot, term_bytes(id));
      if (!is) return std::unexpected(is.error());
      if (*is) return slot.newest;
    }
  }
  return lsn{};
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
