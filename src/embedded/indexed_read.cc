// Reads of an embedded store: the sealed segments by their index files, then the recent ones by the
// index in memory, or the other way round. See indexed_store.h.
#include <algorithm>

#include "annals/limits.h"
#include "annals/stream.h"
#include "indexed_store.h"
#include "recent_walk.h"
#include "sealed_reader.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::size_t events_per_turn = 1024;       // looked up while the mutex is held once
constexpr std::size_t events_per_batch = 512;       // handed to the sink at once
constexpr std::size_t bytes_per_batch = 1U << 20U;  // of log held for them

}  // namespace

/// One read, from its first look at the index to its last batch.
class indexed_store::read_run {
 public:
  read_run(indexed_store& store, log_view seen, const read_request& request, sink& on_batch)
      : store_(store),
        seen_(std::move(seen)),
        request_(request),
        sink_(on_batch),
        recent_(files_of(seen_), store.tail(), seen_.durable),
        sealed_(seen_.sealed),
        now_(store.environment().now()),
        forwards_(request.direction == direction::forwards),
        whole_store_(request.stream.empty()),
        filtered_(!selects_all(request.filter)) {}

  result<read_end> run() {
    {
      const lock_type lock(store_.mutex());
      retains_ = store_.index_->has_retention();
    }
    auto done = whole_store_ ? begin_store() : begin_stream();
    if (!done) return std::unexpected(done.error());
    const bool nothing = first_ > last_;
    end_.complete = nothing || request_.limit > 0;
    if (reports()) {
      auto before = checkpoint_before(first_);
      if (!before) return std::unexpected(before.error());
      end_.scanned_to = scanned_to_ = std::move(*before);
    }
    if (!nothing && request_.limit > 0) done = read_all();
    if (!done) return std::unexpected(done.error());
    if (reports() && end_.complete) {
      auto at_end = checkpoint_before(last_seen());
      if (!at_end) return std::unexpected(at_end.error());
      end_.scanned_to = std::move(*at_end);
    }
    return end_;
  }

 private:
  static std::vector<std::shared_ptr<segment>> files_of(const log_view& seen) {
    std::vector<std::shared_ptr<segment>> files;
    files.reserve(seen.recent.size());
    for (const auto& one : seen.recent) files.push_back(one->file());
    return files;
  }

  // Forward reads of the whole store tell how far they have come.
  bool reports() const noexcept { return whole_store_ && forwards_; }
  std::uint64_t last_seen() const noexcept {
    return std::max(last_, request_.after.in(0).sequence) + 1;
  }
  result<checkpoint> checkpoint_before(std::uint64_t sequence) {
    return store_.checkpoint_at(seen_, std::min(sequence - 1, seen_.last_sequence));
  }

  result<void> begin_store() {
    if (auto checked = store_.check_history(seen_, request_.after); !checked) return checked;
    auto head = store_.checkpoint_at(seen_, seen_.last_sequence);
    if (!head) return std::unexpected(head.error());
    end_.scanned_to = std::move(*head);
    first_ = std::max({request_.first, request_.after.in(0).sequence + 1, std::uint64_t{1}});
    last_ = std::min(request_.last, seen_.last_sequence);
    sealed_end_ = seen_.sealed->last_sequence();
    return {};
  }

  bool wants_snapshot() const noexcept { return request_.snapshot.accept && forwards_; }
  wanted_next next_of_stream() const {
    wanted_next next{followed_by::its_events, {}};
    if (wants_snapshot()) next.snapshot = request_.snapshot.shape;
    return next;
  }

  result<void> begin_stream() {
    auto head = store_.checkpoint_at(seen_, seen_.last_sequence);
    if (!head) return std::unexpected(head.error());
    end_.scanned_to = std::move(*head);
    auto found =
        store_.find(seen_, request_.stream, stream_key_of(request_.stream), next_of_stream());
    if (!found) return std::unexpected(found.error());
    if (!*found) return {};  // reads as empty
    stream_ = std::move(**found);
    end_.stream_version = stream_.newest;
    end_.gone = stream_.kept.gone;
    const auto kept = store_.first_kept(seen_, stream_, now_);
    if (!kept) return std::unexpected(kept.error());
    end_.first_kept = *kept;
    sealed_end_ = stream_.sealed.number;
    list_recent_versions();
    first_ = std::max<std::uint64_t>(request_.from.number, 1);
    last_ = std::min<std::uint64_t>(request_.to.number, stream_.newest.number);
    if (auto started = start_from_snapshot(); !started) return started;
    skip_removed();
    return {};
  }

  // In a view the versions behind the sealed ones are in the recent segments.
  void list_recent_versions() {
    const lock_type lock(store_.mutex());
    for (const auto& one : seen_.recent) {
      const auto* stream = std::as_const(*one).find(stream_.key);
      if (stream == nullptr) continue;
      const auto newest = one->newest_at(*stream, seen_.last_sequence);
      for (std::uint64_t number = stream->before + 1; number <= newest.number; ++number)
        sequences_.push_back(one->sequence_of(*stream, {number}));
    }
  }

  result<void> start_from_snapshot() {
    const auto& wanted = request_.snapshot;
    if (!wants_snapshot()) return {};
    const auto kept = store_.usable_snapshot(seen_, stream_, wanted.shape);
    if (!kept) return std::unexpected(kept.error());
    if (!*kept || (*kept)->version.number > last_) return {};
    if ((*wanted.accept)({(*kept)->version, (*kept)->last_event, (*kept)->shape, (*kept)->state}))
      first_ = std::max(first_, (*kept)->version.number + 1);
    return {};
  }

  // What retention removed of a stream is a prefix.
  void skip_removed() {
    if (first_ > last_ || end_.first_kept.number <= first_) return;
    const std::uint64_t kept_from = std::min(end_.first_kept.number, last_ + 1);
    end_.removed = kept_from - first_;
    first_ = kept_from;
  }

  // Numbers are positions, or versions of the stream; up to `sealed_end_` they are sealed.
  result<void> read_all() {
    const auto sealed_last = std::min(last_, sealed_end_);
    const auto recent_first = std::max(first_, sealed_end_ + 1);
    result<void> done;
    if (forwards_ && first_ <= sealed_last) done = read_sealed(first_, sealed_last);
    if (done && !stopped_ && recent_first <= last_) done = read_recent(recent_first, last_);
    if (done && !stopped_ && !forwards_ && first_ <= sealed_last)
      done = read_sealed(first_, sealed_last);
    return done;
  }

  // The recent segments.

  result<void> read_recent(std::uint64_t first, std::uint64_t last) {
    if (is_walked(first, last)) {
      auto walked = walk_recent(first, last);
      if (walked || stopped_ || walked.error().code() != errc::store_corrupt) return walked;
      // What the mapping shows may be at fault: the rest is read from the file, event by event.
      first = std::max(first, scanned_to_.in(0).sequence + 1);
      if (first > last) return {};
    }
    return pick_recent(first, last);
  }

  // Few events are found sooner by the index; what is still being written, readers of other
  // processes do not map.
  bool is_walked(std::uint64_t first, std::uint64_t last) const {
    return reports() && !retains() && last - first >= events_per_turn &&
           std::ranges::none_of(seen_.recent,
                                [](const auto& one) { return one->file()->direct != nullptr; });
  }

  result<void> walk_recent(std::uint64_t first, std::uint64_t last) {
    lsn place;
    {
      const lock_type lock(store_.mutex());
      place = seen_.holder_of(first)->event(first).place;
    }
    auto& walk = walk_.emplace(recent_walk::log_part{seen_.sealed, files_of(seen_), seen_.durable,
                                                     store_.tail().up_to(seen_.durable)},
                               store_.mutex(), store_.index_->types, store_.index_->categories);
    auto walked = walk.read({place, first, last, &request_.filter},
                            [&](const view_lender::turn& turn) { return take(turn); });
    if (!walked && !batch_.empty()) flush(last_mark_);
    return walked;
  }

  result<void> pick_recent(std::uint64_t first, std::uint64_t last) {
    next_ = forwards_ ? first : last;
    for (bool more = true; more && !stopped_;) {
      const auto looked = look_up(forwards_ ? last : first);
      if (!looked) return std::unexpected(looked.error());
      more = *looked;
      if (auto named = name_streams(); !named) return named;
      if (auto delivered = deliver(); !delivered) return delivered;
    }
    return {};
  }

  /// Collects the next events to load; false when there are none behind them.
  result<bool> look_up(std::uint64_t end) {
    found_.clear();
    lock_type lock(store_.mutex());
    for (std::size_t looked_at = 0; looked_at < events_per_turn; ++looked_at) {
      const std::uint64_t at = next_;
      const auto sequence =
          whole_store_ ? at : sequences_[static_cast<std::size_t>(at - sealed_end_ - 1)];
      if (auto known = know_retention(lock, sequence); !known)
        return std::unexpected(known.error());
      next_ += forwards_ ? 1 : std::uint64_t(-1);
      ++unreported_;
      look_at(sequence);
      looked_up_to(at);
      if (at == end) return false;
    }
    return true;
  }

  // What hides an event of the whole store may stand in a sealed segment.
  result<void> know_retention(lock_type& lock, std::uint64_t sequence) {
    if (!retains() || !whole_store_) return {};
    const auto& holder = *seen_.holder_of(sequence);
    const auto key = holder.stream_of(holder.event(sequence)).key;
    if (seen_.knows(key)) return {};
    lock.unlock();
    auto known = store_.know(seen_, key);
    lock.lock();
    return known;
  }

  void looked_up_to(std::uint64_t at) {
    if (!reports()) return;
    const auto& event = seen_.holder_of(at)->event(at);
    scanned_to_ = mark(at, event.id);
  }

  void look_at(std::uint64_t sequence) {
    const auto& holder = *seen_.holder_of(sequence);
    const auto& event = holder.event(sequence);
    const auto& stream = holder.stream_of(event);
    if (whole_store_ && hides(sequence, event, stream)) {
      ++end_.removed;
      return;
    }
    const auto type = store_.index_->types.text_of(event.type);
    if (filtered_ && !may_match(stream, type)) return;
    found_.push_back({.sequence = sequence,
                      .place = event.place,
                      .id = event.id,
                      .stream = stream.key,
                      .name = stream.name,
                      .type = type});
    names_missing_ = names_missing_ || !stream.known;
  }

  bool hides(std::uint64_t sequence, const event_entry& event, const recent_stream& stream) {
    if (!retains()) return false;
    const auto kept = retention_in_recent(stream);
    if (kept.keeps_all()) return false;
    const auto& holder = *seen_.holder_of(sequence);
    version newest{};
    for (auto one = seen_.recent.rbegin(); one != seen_.recent.rend(); ++one)
      if (const auto* there = std::as_const(**one).find(stream.key)) {
        newest = (*one)->newest_at(*there, seen_.last_sequence);
        break;
      }
    return kept.hides(holder.newest_at(stream, sequence), event.recorded, newest, now_);
  }

  retention retention_in_recent(const recent_stream& stream) const {
    const recent_stream* oldest = &stream;
    for (auto one = seen_.recent.rbegin(); one != seen_.recent.rend(); ++one) {
      const auto* there = std::as_const(**one).find(stream.key);
      if (there == nullptr) continue;
      if (const auto* changed = (*one)->find_retention(stream.key, seen_.durable)) return *changed;
      oldest = there;
    }
    return oldest->older;
  }

  bool retains() const noexcept { return retains_; }

  // By what the index knows: category and type.
  bool may_match(const recent_stream& stream, std::string_view type) const {
    const auto& filter = request_.filter;
    const auto holds = [](std::span<const std::string_view> texts, std::string_view text) {
      return texts.empty() || std::ranges::find(texts, text) != texts.end();
    };
    if (!holds(filter.categories, store_.index_->categories.text_of(stream.category))) return false;
    const auto& items = filter.matching.items;
    return items.empty() || std::ranges::any_of(items, [&](const query_item& item) {
             return holds(item.types, type);
           });
  }

  // Of streams that began before what was scanned on opening, the names are looked up.
  result<void> name_streams() {
    if (!std::exchange(names_missing_, false)) return {};
    for (auto& event : found_) {
      if (!event.name.empty()) continue;
      if (auto known = store_.know(seen_, event.stream); !known) return known;
      const lock_type lock(store_.mutex());
      event.name = seen_.find(event.stream)->name;
    }
    return {};
  }

  bool matches_tags(std::string_view type, const item_view& item) {
    if (!filtered_ || request_.filter.matching.items.empty()) return true;
    tags_.clear();
    for_each_tag(item, [&](std::string_view tag) { tags_.push_back(tag); });
    return matches(request_.filter.matching, type, tags_);
  }

  /// Loads what look_up found and hands it to the sink.
  result<void> deliver() {
    recent_.expect(found_);
    for (std::size_t i = 0; i < found_.size() && !stopped_; ++i) {
      const auto ahead = std::span(found_).subspan(i);
      auto item = recent_.load(ahead);
      if (!item) {
        if (!batch_.empty()) flush(last_mark_);
        return std::unexpected(item.error());
      }
      const auto& event = found_[i];
      if (!matches_tags(event.type, *item)) continue;
      add(recent_.view(*item, event), event.sequence, event.id);
    }
    return end_turn();
  }

  // The sealed segments.

  result<void> read_sealed(std::uint64_t first, std::uint64_t last) {
    const sealed_reader::wish wish{.stream = whole_store_ ? nullptr : &stream_.key,
                                   .last_sealed = stream_.last_sealed,
                                   .first = first,
                                   .last = last,
                                   .backwards = !forwards_,
                                   .filter = &request_.filter};
    auto read = sealed_.read(wish, [&](const view_lender::turn& turn) { return take(turn); });
    if (!read && !batch_.empty()) flush(last_mark_);
    return read;
  }

  result<flow> take(const view_lender::turn& turn) {
    unreported_ += turn.looked_at;
    if (reports()) scanned_to_ = mark(turn.scanned_to, turn.scanned_to_id);
    const bool all =
        !(whole_store_ && retains()) && end_.delivered + turn.events.size() < request_.limit;
    if (all) {
      if (!turn.events.empty() || report_is_due()) give(turn.events, scanned_to_);
      return stopped_ ? flow::stop : flow::more;
    }
    for (std::size_t i = 0; i < turn.events.size() && !stopped_; ++i) {
      const auto event = read_as<event_item>(turn.items[i]);
      if (whole_store_ && retains()) {
        const auto hidden = hides(event);
        if (!hidden) return std::unexpected(hidden.error());
        if (*hidden) {
          ++end_.removed;
          continue;
        }
      }
      add(turn.events[i], event.sequence, event.event_id);
    }
    if (auto ended = end_turn(); !ended) return std::unexpected(ended.error());
    return stopped_ ? flow::stop : flow::more;
  }

  result<bool> hides(const event_item& event) {
    const auto kept = store_.retention_of(seen_, event.stream_key);
    if (!kept) return std::unexpected(kept.error());
    if (kept->keeps_all()) return false;
    const auto stream = store_.find(seen_, event.stream_key);
    if (!stream) return std::unexpected(stream.error());
    const version of{event.version};
    return kept->hides(of, {event.recorded}, *stream ? (*stream)->newest : of, now_);
  }

  // Both.

  void add(const event_view& event, std::uint64_t sequence, const uuid& id) {
    batch_.push_back(event);
    last_mark_ = reports() ? mark(sequence, id) : end_.scanned_to;
    if (end_.delivered + batch_.size() == request_.limit) {
      const auto number = whole_store_ ? sequence : event.version().number;
      end_.complete = number == (forwards_ ? last_ : first_);
      flush(last_mark_);
      stopped_ = true;
    } else if (batch_.size() >= events_per_batch || recent_.held() >= bytes_per_batch) {
      flush(last_mark_);
    }
  }

  // What was lent for these events goes back.
  result<void> end_turn() {
    if (!stopped_ && (!batch_.empty() || report_is_due())) flush(scanned_to_);
    recent_.release();
    return recent_.check_pages();
  }

  // The next turn may be the one too many.
  bool report_is_due() const noexcept {
    return unreported_ + view_lender::most_looked_at > limits::events_between_scan_reports;
  }

  checkpoint mark(std::uint64_t sequence, const uuid& id) const {
    return {store_.info().store_id, {.sequence = sequence, .fingerprint = fingerprint_of(id)}};
  }

  void flush(const checkpoint& scanned_to) {
    give(batch_, scanned_to);
    batch_.clear();
    recent_.release();
  }

  void give(std::span<const event_view> events, const checkpoint& scanned_to) {
    unreported_ = 0;
    end_.delivered += events.size();
    const event_batch batch{events, reports() ? scanned_to : end_.scanned_to};
    if (sink_(batch) == flow::stop) {
      stopped_ = true;
      end_.complete = false;
    }
    if (reports()) end_.scanned_to = scanned_to;
  }

  indexed_store& store_;
  log_view seen_;
  const read_request& request_;
  sink& sink_;
  log_reader recent_;
  sealed_reader sealed_;
  std::optional<recent_walk> walk_{};
  time_point now_;
  bool forwards_;
  bool whole_store_;
  bool filtered_;
  bool names_missing_ = false;
  bool retains_ = false;
  seen_stream stream_{};
  std::vector<std::uint64_t> sequences_{};  // of the stream's versions behind `sealed_end_`
  std::uint64_t sealed_end_ = 0;            // the last position, or version, that is sealed
  std::uint64_t first_ = 1;                 // versions or positions, both included
  std::uint64_t last_ = 0;
  std::uint64_t next_ = 0;
  std::uint64_t unreported_ = 0;  // events looked at since the sink heard of it
  std::vector<wanted_event> found_{};
  std::vector<event_view> batch_{};
  std::vector<std::string_view> tags_{};
  checkpoint scanned_to_{};
  checkpoint last_mark_{};
  bool stopped_ = false;
  read_end end_{};
};

void indexed_store::do_read(const read_request& request, sink on_batch, completion<read_end> done) {
  const auto read = [&]() -> result<read_end> {
    if (auto caught = catch_up(); !caught) return std::unexpected(caught.error());
    log_view seen;
    {
      const lock_type lock(mutex());
      if (auto open = check_open(); !open) return std::unexpected(open.error());
      seen = view();
    }
    return read_run(*this, std::move(seen), request, on_batch).run();
  };
  complete([done = std::move(done), answer = read()]() mutable { done(std::move(answer)); });
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
