// What reads of streams and of the store have in common, and those of streams. See reading.h.
#include "reading.h"

#include <algorithm>

#include "annals/limits.h"
#include "annals/stream.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

constexpr std::uint64_t fewest_events = 16;
constexpr std::uint64_t most_events = 1'024;
constexpr std::uint64_t tail_events = 128;       // behind a snapshot, or a version
constexpr std::size_t large_page = 4U << 20U;    // bytes: the next one has fewer events
constexpr std::size_t small_page = 512U << 10U;  // bytes: the next one has more

}  // namespace

void postgres_store::do_read(const read_request& request, sink on_batch,
                             completion<read_end> done) {
  reading one(*this, request, on_batch);
  auto open = check_open();
  auto answer = open ? one.run() : result<read_end>(std::unexpected(open.error()));
  complete(
      [done = std::move(done), answer = std::move(answer)]() mutable { done(std::move(answer)); });
}

result<read_end> reading::run() {
  return whole_store() ? run_store() : run_stream();
}

void reading::adapt(const event_page& page) {
  if (page.bytes() > large_page) page_events_ = std::max(fewest_events, page_events_ / 2);
  if (page.bytes() < small_page) page_events_ = std::min(most_events, page_events_ * 2);
}

// One round trip: the page, and what is asked beside it, see one state of the store.
result<reading::page_pointer> reading::fetch(const command& what, std::vector<rows>* others,
                                             std::span<const command> beside) {
  std::vector<command> all(beside.begin(), beside.end());
  all.push_back(what);
  page_pointer page;
  const auto done =
      store_.with_connection([&](connection& on, clock_reading until) -> outcome<void> {
        auto got = on.run(all, until);
        if (!got) return std::unexpected(got.error());
        page = std::make_unique<event_page>();
        page->load(std::move(got->back()));
        got->pop_back();
        if (others != nullptr) *others = std::move(*got);
        return store_.name_streams(*page, on, until);
      });
  if (!done) return std::unexpected(to_error(done.error(), "reading"));
  adapt(*page);
  return page;
}

bool reading::selected(const event_page& page, const paged_event& event) const {
  const auto& filter = request_.filter;
  if (selects_all(filter)) return true;
  const bool by_tag = std::ranges::any_of(
      filter.matching.items, [](const query_item& item) { return !item.tags.empty(); });
  std::vector<std::string> owned;
  std::vector<std::string_view> tags;
  if (by_tag) tags = page.tags(event, owned);
  return matches(filter, page.category_name(event), event.type, tags);
}

// A large payload was left out of its page: it is fetched, and delivered, by itself.
result<void> reading::fetch_large(event_page& page, std::size_t index) {
  const auto got =
      store_.ask({command{&store_.statements_.payload_at, {bigint(page.events()[index].position)}}},
                 "reading");
  if (!got) return std::unexpected(got.error());
  if (got->at(0).size() == 0)
    return fail(errc::store_corrupt, "the event at position " +
                                         std::to_string(page.events()[index].position) +
                                         " is gone while it is read");
  const auto& found = got->at(0);
  page.set_payload(index, found.bytes(0, found.is_null(0, 0) ? 1 : 0));
  return {};
}

result<void> reading::deliver(event_page& page, std::span<const paged_event> events,
                              const checkpoint& scanned_to, bool report) {
  std::vector<event_view> views;
  const auto hand_over = [&](const checkpoint& up_to) {
    end_.delivered += views.size();
    if (sink_({.events = views, .scanned_to = up_to}) == flow::stop) stopped_ = true;
    if (reports()) end_.scanned_to = up_to;
    views.clear();
  };
  for (const auto& event : events) {
    if (stopped_) return {};
    if (!whole_store() && !selected(page, event)) continue;
    if (!event.large) {
      views.push_back(page.view(event));
      continue;
    }
    const auto before = store_.checkpoint_of(event.position, event.event_id);
    if (!views.empty()) {
      const auto& last = *(&event - 1);
      hand_over(reports() ? store_.checkpoint_of(last.position, last.event_id) : head_);
      if (stopped_) return {};
    }
    const auto index = static_cast<std::size_t>(&event - page.events().data());
    if (auto fetched = fetch_large(page, index); !fetched) return fetched;
    views.push_back(page.view(event));
    hand_over(reports() ? before : head_);
    page.drop_payload(index);
  }
  if (!stopped_ && (!views.empty() || report)) hand_over(reports() ? scanned_to : head_);
  return {};
}

command reading::stream_page(std::uint64_t from, std::uint64_t to, std::uint64_t most) const {
  const auto& of = store_.statements_;
  return {forwards() ? &of.stream_forwards : &of.stream_backwards,
          {parameter::of_uuid(place_.key), parameter::of_uuid(place_.aggregate_id), bigint(from),
           bigint(to), bigint(most)}};
}

// What retention hides is a prefix of the stream; `kept_from` is the first version behind it.
void reading::count_removed(std::uint64_t kept_from) {
  const auto until = std::min(last_, kept_from - 1);
  if (first_ <= until) end_.removed = until - first_ + 1;
}

result<read_end> reading::run_stream() {
  place_ = place_of(request_.stream);
  auto more = begin_stream();
  if (!more) return std::unexpected(more.error());
  if (!*more) return end_;
  return stream_pages();
}

// Everything that a read of a small stream needs comes with the first round trip. False where there
// is no stream.
result<bool> reading::begin_stream() {
  first_ = std::max<std::uint64_t>(request_.from.number, 1);
  if (wants_tail()) {
    const auto seen = begin_tail();
    if (!seen) return std::unexpected(seen.error());
    if (*seen != tail::unclear) return *seen == tail::whole;
  }
  return begin_any_stream();
}

// What comes behind a snapshot, or behind what a reader has, is few events as a rule.
bool reading::wants_tail() const noexcept {
  return forwards() && request_.to == version::max() && request_.limit > tail_events &&
         (request_.snapshot.accept != nullptr) == (first_ == 1);
}

// One small statement says all there is to know of a stream that has no retention and whose end is
// on its page (ADR 0037). The page begins one version before those that are wanted, at the
// snapshot where there is one. That event is the snapshot's own or it is not of this history, and
// where nothing comes behind it, it is the newest. Of other streams it says nothing, but a full
// page of events stays.
result<reading::tail> reading::begin_tail() {
  const auto& of = store_.statements_;
  const auto shape = request_.snapshot.accept == nullptr
                         ? parameter::null(type::int8)
                         : parameter::of_int8(same_bits(request_.snapshot.shape));
  constexpr auto most = tail_events + 1;
  const command all[] = {{&of.head, {}},
                         {&of.tail,
                          {parameter::of_uuid(place_.key), parameter::of_text(request_.stream),
                           bigint(first_ - 1), bigint(most), shape}}};
  bool found = false;
  page_pointer page;
  const auto done =
      store_.with_connection([&](connection& on, clock_reading until) -> outcome<void> {
        auto got = on.run(all, until);
        if (!got) return std::unexpected(got.error());
        end_.scanned_to = head_ = store_.head_in(got->front());
        page = std::make_unique<event_page>();
        auto& answer = got->back();
        found = answer.size() != 0;
        if (!found || answer.is_null(0, 0) || !answer.boolean(0, event_column_count)) return {};
        page->load(std::move(answer));
        return store_.name_streams(*page, on, until);
      });
  if (!done) return std::unexpected(to_error(done.error(), "reading"));
  if (!found) return tail::no_stream;
  const auto events = page->events();
  if (events.empty()) return tail::unclear;
  adapt(*page);
  constexpr int state = event_column_count + 1;
  const auto& before = events.front();
  if (!page->answer().is_null(0, state)) {
    snapshot_seen_ = true;
    take_snapshot({before.version}, before.event_id, page->answer().bytes(0, state));
  }
  last_ = events.back().version;
  const bool full = events.size() == most;
  if (before.version <= first_) kept_pages_.push_back(std::move(page));
  if (full) return tail::unclear;
  end_.stream_version = {last_};
  return tail::whole;
}

// What the store holds, the stream, the snapshot, and the first page behind it.
result<bool> reading::begin_any_stream() {
  const auto& of = store_.statements_;
  const bool wants_snapshot = request_.snapshot.accept != nullptr && !snapshot_seen_;
  const auto from = kept_pages_.empty() ? first_ : last_ + 1;
  const auto most = std::min(page_events_, request_.limit);
  auto page = stream_page(from, request_.to.number, most);
  std::vector<command> beside{{&of.head, {}}, {&of.stream, {parameter::of_uuid(place_.key)}}};
  if (wants_snapshot) {
    const auto shape = parameter::of_int8(same_bits(request_.snapshot.shape));
    beside.push_back(
        {&of.snapshot,
         {parameter::of_uuid(place_.key), parameter::of_uuid(place_.aggregate_id), shape}});
    page.what = &of.after_snapshot;
    page.parameters.push_back(shape);
  }
  std::vector<rows> answers;
  auto first = fetch(page, &answers, beside);
  if (!first) return std::unexpected(first.error());
  head_ = store_.head_in(answers[0]);
  end_.scanned_to = head_;
  stream_ = store_.stream_in(answers[1]);
  if (!stream_) return false;
  if (stream_->name != request_.stream)
    return std::unexpected(stream_key_collision(request_.stream, stream_->name));
  stream_->aggregate_id = place_.aggregate_id;
  end_.stream_version = stream_->newest;
  end_.gone = stream_->kept.gone;
  const auto kept = store_.first_kept(*stream_, now_);
  if (!kept) return std::unexpected(kept.error());
  end_.first_kept = *kept;
  last_ = std::min(request_.to.number, stream_->newest.number);
  if (wants_snapshot && answers[2].size() != 0) {
    const auto& kept_one = answers[2];
    const version at{static_cast<std::uint64_t>(kept_one.int8(0, 0))};
    if (at.number <= last_) take_snapshot(at, kept_one.uuid(0, 1), kept_one.bytes(0, 2));
  }
  kept_pages_.push_back(std::move(*first));
  return true;
}

void reading::take_snapshot(version at, const uuid& last_event, std::string_view state) {
  const snapshot_view shown{.version = at,
                            .last_event = last_event,
                            .shape = request_.snapshot.shape,
                            .state = std::as_bytes(std::span(state))};
  if ((*request_.snapshot.accept)(shown)) first_ = std::max(first_, at.number + 1);
}

// Those that came with what the read began with may end before what is kept of the stream, or begin
// behind it, where a snapshot was not accepted.
reading::page_pointer reading::kept_page(std::uint64_t from) {
  while (!kept_pages_.empty()) {
    auto page = std::move(kept_pages_.front());
    kept_pages_.pop_front();
    const auto events = page->events();
    if (events.empty()) continue;
    if (!forwards() || (events.front().version <= from && from <= events.back().version))
      return page;
  }
  return nullptr;
}

result<read_end> reading::stream_pages() {
  const bool empty = first_ > last_;
  if (request_.limit == 0) {
    end_.complete = empty;
    return end_;
  }
  if (forwards()) count_removed(end_.first_kept.number);
  auto from = std::max(first_, end_.first_kept.number);
  auto to = last_;
  while (from <= to && !stopped_ && left() > 0) {
    auto page = kept_page(from);
    if (!page) {
      auto next = fetch(stream_page(from, to, page_events_), nullptr, {});
      if (!next) return std::unexpected(next.error());
      page = std::move(*next);
    }
    auto events = page->events();
    if (events.empty()) {
      return fail(errc::store_corrupt, "versions " + std::to_string(from) + " to " +
                                           std::to_string(to) + " of stream " +
                                           std::string(request_.stream) + " are missing");
    }
    // What retention hides may be on the page, and what was appended since the read began.
    const auto kept = std::ranges::subrange(
        std::ranges::find_if(events,
                             [&](const auto& e) { return e.version >= from && e.version <= to; }),
        events.end());
    std::size_t count = 0;
    for (const auto& event : kept) {
      if (event.version < from || event.version > to) break;
      ++count;
    }
    auto wanted = std::span(kept.begin(), count);
    if (auto cut = cut_to_limit(*page, wanted); cut < wanted.size()) wanted = wanted.first(cut);
    const auto last_seen = wanted.empty() ? 0 : wanted.back().version;
    if (auto delivered = deliver(*page, wanted, head_, false); !delivered)
      return std::unexpected(delivered.error());
    if (wanted.empty()) break;
    forwards() ? from = last_seen + 1 : to = last_seen - 1;
  }
  const bool all_seen = from > to;
  end_.complete = !stopped_ && all_seen;
  if (!forwards() && end_.complete) count_removed(end_.first_kept.number);
  return end_;
}

// How many of the events may be delivered under the limit, those that are not selected included.
std::size_t reading::cut_to_limit(const event_page& page,
                                  std::span<const paged_event> events) const {
  std::uint64_t taken = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (!selected(page, events[i])) continue;
    if (++taken == left()) return i + 1;
  }
  return events.size();
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
