// Reads of an embedded store. See indexed_store.h.
#include <algorithm>

#include "annals/limits.h"
#include "annals/stream.h"
#include "indexed_store.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::uint64_t events_per_turn = 1024;     // looked up while the mutex is held once
constexpr std::size_t events_per_batch = 512;       // handed to the sink at once
constexpr std::size_t bytes_per_batch = 1U << 20U;  // of log held for them

}  // namespace

/// One read, from its first look at the index to its last batch.
class indexed_store::read_run {
 public:
  read_run(indexed_store& store, const read_request& request, sink& on_batch)
      : store_(store),
        request_(request),
        sink_(on_batch),
        reader_(store.segments_, store.tail()),
        now_(store.environment().now()),
        forwards_(request.direction == direction::forwards),
        whole_store_(request.stream.empty()),
        filtered_(!selects_all(request.filter)),
        filters_tags_(std::ranges::any_of(request.filter.matching.items,
                                          [](const auto& item) { return !item.tags.empty(); })) {}

  result<read_end> run() {
    if (auto begun = whole_store_ ? begin_store() : begin_stream(); !begun)
      return std::unexpected(begun.error());
    const bool nothing = first_ > last_;
    end_.complete = nothing || request_.limit > 0;
    next_ = forwards_ ? first_ : last_;
    if (reports()) end_.scanned_to = scanned_to_ = checkpoint_before(first_);
    bool more = !nothing && request_.limit > 0;
    while (more) {
      more = look_up();
      if (auto delivered = deliver(); !delivered) return std::unexpected(delivered.error());
      more = more && !stopped_;
    }
    if (reports() && end_.complete) end_.scanned_to = checkpoint_before(last_seen());
    return end_;
  }

 private:
  // Forward reads of the whole store tell how far they have come.
  bool reports() const noexcept { return whole_store_ && forwards_; }
  std::uint64_t last_seen() const noexcept {
    return std::max(last_, request_.after.in(0).sequence) + 1;
  }
  checkpoint checkpoint_before(std::uint64_t sequence) const {
    const lock_type lock(store_.mutex());
    return store_.checkpoint_at(std::min(sequence - 1, store_.durable_sequence()));
  }

  result<void> begin_store() {
    const lock_type lock(store_.mutex());
    if (auto open = store_.check_open(); !open) return open;
    if (auto checked = store_.check_history(request_.after); !checked) return checked;
    end_.scanned_to = store_.durable_head();
    first_ = std::max({request_.first, request_.after.in(0).sequence + 1, std::uint64_t{1}});
    last_ = std::min(request_.last, store_.durable_sequence());
    return {};
  }

  result<void> begin_stream() {
    {
      const lock_type lock(store_.mutex());
      if (auto open = store_.check_open(); !open) return open;
      end_.scanned_to = store_.durable_head();
      const auto found = store_.find(request_.stream, stream_key_of(request_.stream));
      if (!found) return std::unexpected(found.error());
      stream_ = *found;
      if (stream_ == nullptr) return {};  // reads as empty
      const auto newest = stream_->newest_at(store_.durable_sequence());
      sequences_.assign(stream_->sequences.begin(),
                        stream_->sequences.begin() + static_cast<std::ptrdiff_t>(newest.number));
      end_.stream_version = newest;
      end_.gone = stream_->kept.gone;
      end_.first_kept = store_.index_->first_kept(*stream_, newest, now_);
    }
    first_ = std::max<std::uint64_t>(request_.from.number, 1);
    last_ = std::min<std::uint64_t>(request_.to.number, sequences_.size());
    if (auto started = start_from_snapshot(); !started) return started;
    skip_removed();
    return {};
  }

  result<void> start_from_snapshot() {
    const auto& wanted = request_.snapshot;
    if (!wanted.accept || !forwards_) return {};
    const auto kept = store_.usable_snapshot(stream_->key, wanted.shape);
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

  /// Collects the next events to load; false when there are none behind them.
  bool look_up() {
    found_.clear();
    const lock_type lock(store_.mutex());
    for (std::uint64_t looked_at = 0; looked_at < events_per_turn; ++looked_at) {
      const std::uint64_t at = next_;
      const bool at_end = at == (forwards_ ? last_ : first_);
      next_ += forwards_ ? 1 : std::uint64_t(-1);
      ++unreported_;
      look_at(whole_store_ ? at : sequences_[at - 1]);
      if (at_end) {
        looked_up_to(at);
        return false;
      }
    }
    looked_up_to(forwards_ ? next_ - 1 : next_ + 1);
    return true;
  }

  void looked_up_to(std::uint64_t at) {
    if (reports()) scanned_to_ = store_.checkpoint_at(at);
  }

  void look_at(std::uint64_t sequence) {
    auto event = store_.wanted(sequence);
    if (whole_store_ &&
        store_.index_->hides(sequence, event.stream->newest_at(store_.durable_sequence()), now_)) {
      ++end_.removed;
    } else if (!filtered_ || may_match(event)) {
      found_.push_back(event);
    }
  }

  // By what the index knows: category and type.
  bool may_match(const wanted_event& event) const {
    const auto& filter = request_.filter;
    const auto holds = [](std::span<const std::string_view> texts, std::string_view text) {
      return texts.empty() || std::ranges::find(texts, text) != texts.end();
    };
    if (!holds(filter.categories, store_.index_->categories.text_of(event.stream->category)))
      return false;
    const auto& items = filter.matching.items;
    return items.empty() || std::ranges::any_of(items, [&](const query_item& item) {
             return holds(item.types, event.type);
           });
  }

  bool matches_tags(const wanted_event& event, const item_view& item) {
    if (!filters_tags_) return true;
    tags_.clear();
    for_each_tag(item, [&](std::string_view tag) { tags_.push_back(tag); });
    return matches(request_.filter.matching, event.type, tags_);
  }

  /// Loads what look_up found and hands it to the sink.
  result<void> deliver() {
    for (std::size_t i = 0; i < found_.size() && !stopped_; ++i) {
      const auto ahead = std::span(found_).subspan(i);
      auto item = reader_.load(ahead);
      if (!item) {
        if (!batch_.empty()) flush(mark_of(found_[i - 1]));
        return std::unexpected(item.error());
      }
      const auto& event = found_[i];
      if (!matches_tags(event, *item)) continue;
      batch_.push_back(reader_.view(*item, event));
      if (end_.delivered + batch_.size() == request_.limit) {
        end_.complete = event.sequence == last_wanted();
        flush(mark_of(event));
        stopped_ = true;
      } else if (batch_.size() >= events_per_batch || reader_.held() >= bytes_per_batch) {
        flush(mark_of(event));
      }
    }
    if (stopped_) return {};
    if (!batch_.empty() || unreported_ >= limits::events_between_scan_reports) flush(scanned_to_);
    reader_.release();
    return {};
  }

  std::uint64_t last_wanted() const {
    const std::uint64_t at = forwards_ ? last_ : first_;
    return whole_store_ ? at : sequences_[at - 1];
  }

  checkpoint mark_of(const wanted_event& event) const {
    if (!reports()) return end_.scanned_to;
    return {store_.info().store_id,
            {.sequence = event.sequence, .fingerprint = fingerprint_of(event.id)}};
  }

  void flush(const checkpoint& scanned_to) {
    unreported_ = 0;
    end_.delivered += batch_.size();
    const event_batch batch{batch_, reports() ? scanned_to : end_.scanned_to};
    if (sink_(batch) == flow::stop) {
      stopped_ = true;
      end_.complete = false;
    }
    if (reports()) end_.scanned_to = scanned_to;
    batch_.clear();
    reader_.release();
  }

  indexed_store& store_;
  const read_request& request_;
  sink& sink_;
  log_reader reader_;
  time_point now_;
  bool forwards_;
  bool whole_store_;
  bool filtered_;
  bool filters_tags_;
  const stream_entry* stream_ = nullptr;
  std::vector<std::uint64_t> sequences_{};  // of the stream's versions
  std::uint64_t first_ = 1;                 // versions or sequences, both included
  std::uint64_t last_ = 0;
  std::uint64_t next_ = 0;
  std::uint64_t unreported_ = 0;  // events looked at since the sink heard of it
  std::vector<wanted_event> found_{};
  std::vector<event_view> batch_{};
  std::vector<std::string_view> tags_{};
  checkpoint scanned_to_{};
  bool stopped_ = false;
  read_end end_{};
};

void indexed_store::do_read(const read_request& request, sink on_batch, completion<read_end> done) {
  result<read_end> answer;
  if (const auto caught = catch_up(); caught) {
    answer = read_run(*this, request, on_batch).run();
  } else {
    answer = std::unexpected(caught.error());
  }
  complete(
      [done = std::move(done), answer = std::move(answer)]() mutable { done(std::move(answer)); });
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
