#include "log_join.h"

#include <algorithm>
#include <ranges>

#include "bytes.h"
#include "xxh3.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

using origin = segment_replay::origin;

/// The newest place of a stream or command in the runs; 0: none. The log is asked only where two
/// terms have one hash.
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

/// One indexed segment on its way.
class looking_up {
 public:
  looking_up(const sealed_log& sealed, segment_replay& of) : sealed_(sealed), of_(of) {}

  indexed_part run() {
    for (const auto& [key, one] : of_.streams()) look_at(key, one);
    for (const auto& [id, place] : of_.commands()) {
      const auto newest = newest_in_runs(sealed_, term_kind::command, id);
      doubt_unless(newest && *newest == place);
    }
    for (const auto& [key, place] : of_.retained()) {
      const auto newest = newest_in_runs(sealed_, term_kind::retention, key);
      doubt_unless(newest && (*newest == place || newest->segment() > place.segment()));
    }
    of_.keep(std::move(kept_));
    return part_;
  }

 private:
  void doubt_unless(bool fits) { part_.doubtful = part_.doubtful || !fits; }

  void look_at(const uuid& key, const segment_replay::stream& one) {
    const bool named_before = one.from == origin::begins;
    if (named_before || (one.from == origin::named && !one.has_events())) kept_.emplace(key, one);
    if (!one.has_events() && one.from == origin::named) return;
    const auto newest = newest_in_runs(sealed_, term_kind::stream, key);
    if (!newest) return doubt_unless(false);
    if (!one.has_events()) return doubt_unless(fits_retained(key, one, *newest));
    if (one.from == origin::goes_on || one.from == origin::retained)
      part_.goes_on.add(key, one.before);
    if (*newest == one.now.last) return;
    doubt_unless(newest->segment() > one.now.last.segment());
    part_.goes_on_to.add(key, one.now);
  }

  /// True when the stream had come as far as its change of retention says, and went on only behind.
  bool fits_retained(const uuid& key, const segment_replay::stream& one, lsn newest) const {
    const auto& before = one.before;
    const auto event = sealed_.event_item_at(before.last);
    if (!event || event->stream_key != key ||
        before != stream_end{event->version, before.last, event->name, event->category})
      return false;
    if (newest == before.last) return true;
    if (newest < before.last) return false;
    const auto pieces = sealed_.pieces_of(key, newest, {before.version + 1});
    return pieces && !pieces->empty() && pieces->front().in->number() > one.first.segment();
  }

  const sealed_log& sealed_;
  segment_replay& of_;
  segment_replay::stream_map kept_{};
  indexed_part part_{};
};

}  // namespace

void stream_sums::add(const uuid& key, const stream_end& end) {
  struct {
    uuid key{};
    std::uint64_t version = 0;
    lsn last{};
    lsn name{};
    std::uint64_t category = 0;
  } const whole{key, end.version, end.last, end.name, end.category};
  static_assert(std::has_unique_object_representations_v<decltype(whole)>);
  for (std::size_t i = 0; i < parts.size(); ++i)
    parts[i] += xxh3_64(i, std::as_bytes(std::span(&whole, 1)));
}

indexed_part look_up(const sealed_log& sealed, segment_replay& of) {
  return looking_up(sealed, of).run();
}

// The first one in the log is told, in whatever order they are found.
void log_join::contradict(lsn place, std::string what) {
  if (!first_ || place < first_->place) first_ = contradiction{place, std::move(what)};
}

result<std::optional<contradiction>> log_join::add(const segment_replay& of, bool indexed) {
  add_texts(types_, of.types(), "an event type is unknown");
  add_texts(categories_, of.categories(), "a category is unknown");
  // Before the streams, as what they are named for stands in an earlier segment.
  for (const auto& [key, place] : of.mentioned()) {
    const auto known = find(key, indexed);
    if (!known) return std::unexpected(known.error());
    if (!*known) contradict(place, "a command names an unknown stream");
  }
  for (const auto& [key, one] : of.streams())
    if (auto added = add_stream(key, one, indexed); !added) return std::unexpected(added.error());
  if (!indexed)
    for (const auto& [id, place] : of.commands())
      if (auto added = add_command(id, place); !added) return std::unexpected(added.error());
  return first_;
}

void log_join::add_texts(std::vector<std::string>& to, const segment_replay::texts& from,
                         std::string_view unknown) {
  if (from.used > to.size()) contradict(from.used_place, std::string(unknown));
  if (from.first != 0 && from.first != to.size() + 1)
    contradict(from.first_place, "a dictionary entry is out of order");
  std::ranges::copy(from.added, std::back_inserter(to));
}

// Of an indexed segment there are only streams that had no events before, or have none.
result<std::optional<stream_end>> log_join::find(const uuid& key, bool indexed) {
  const auto known = ends_.find(key);
  const auto here = known == ends_.end() ? std::nullopt : std::optional(known->second);
  if (indexed || sealed_ == nullptr || (here && here->version != 0)) return here;
  auto there = find_indexed(key);
  if (!there || *there) return there;
  return here;
}

// Read and not mapped, so that going from place to place does not bring all of the log into memory;
// that all of it holds has been seen before.
result<std::optional<stream_end>> log_join::find_indexed(const uuid& key) {
  const auto newest = newest_in_runs(*sealed_, term_kind::stream, key);
  if (!newest) return std::unexpected(newest.error());
  if (*newest == lsn{}) return std::optional<stream_end>{};
  const auto path = sealed_->all()[static_cast<std::size_t>(newest->segment() - 1)]->path();
  if (path != open_path_) {
    auto opened = env_.open(path, file_mode::read, write_through::none);
    if (!opened) return std::unexpected(opened.error());
    open_ = std::move(*opened);
    open_path_ = path;
  }
  event_item event;
  const auto got = open_->read_at(newest->offset(), std::as_writable_bytes(std::span(&event, 1)));
  if (!got) return std::unexpected(got.error());
  if (*got < sizeof event || event.item.kind != static_cast<std::uint16_t>(item_kind::event) ||
      event.stream_key != key)
    return std::optional<stream_end>{};
  return stream_end{
      .version = event.version, .last = *newest, .name = event.name, .category = event.category};
}

result<void> log_join::add_stream(const uuid& key, const segment_replay::stream& one,
                                  bool indexed) {
  const auto known = find(key, indexed);
  if (!known) return std::unexpected(known.error());
  const auto& before = *known;
  if (one.from == origin::named) {
    if (before && before->version != 0) contradict(one.first, "a stream is named twice");
  } else if (!before) {
    contradict(one.first, one.from == origin::retained ? "retention of an unknown stream"
                                                       : "an event is of an unknown stream");
  } else if (before->version != one.before.version) {
    contradict(one.first, one.from == origin::retained
                              ? "retention of another version of a stream"
                              : "version " + std::to_string(one.before.version + 1) +
                                    " of stream " + key.to_string() + " follows version " +
                                    std::to_string(before->version));
  } else if (before->category != one.before.category) {
    contradict(one.first, "an event has another category");
  } else if (*before != one.before) {
    contradict(one.first, "an event does not follow the one before it in its stream");
  }
  if (indexed && one.has_events()) {
    ends_.erase(key);
  } else {
    ends_.insert_or_assign(key, one.now);
  }
  return {};
}

result<void> log_join::add_command(const uuid& id, lsn place) {
  bool twice = !commands_.insert(id).second;
  if (!twice && sealed_ != nullptr) {
    const auto there = newest_in_runs(*sealed_, term_kind::command, id);
    if (!there) return std::unexpected(there.error());
    if (*there != lsn{}) {
      const auto is =
          sealed_->is_of({.kind = term_kind::command, .newest = *there}, term_bytes(id));
      if (!is) return std::unexpected(is.error());
      twice = *is;
    }
  }
  if (twice) contradict(place, "command " + id.to_string() + " stands there twice");
  return {};
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
