#include <algorithm>

#include "annals/limits.h"
#include "memory_store.h"

namespace annals {
inline namespace v1 {
namespace {

// Events looked at while the mutex is held once.
constexpr std::uint64_t events_per_turn = 1024;

}  // namespace

void memory_store::do_read(const read_request& request, sink on_batch, completion<read_end> done) {
  cursor at{.request = request};
  result<void> begun;
  {
    const std::scoped_lock lock(mutex_);
    begun = begin(at);
  }
  result<read_end> answer = begun ? run_read(at, on_batch) : std::unexpected(begun.error());
  complete(
      [done = std::move(done), answer = std::move(answer)]() mutable { done(std::move(answer)); });
}

result<void> memory_store::begin(cursor& at) {
  const auto& request = at.request;
  if (closed_) return fail(errc::shutting_down, "the store is closed; open it again");
  at.now = environment().now();
  at.end.scanned_to = checkpoint_at(events_.size());
  if (request.stream.empty()) {
    if (auto checked = check_history(request.after); !checked) return checked;
    at.first = std::max(request.first, request.after.in(0).sequence + 1);
    at.last = std::min<std::uint64_t>(request.last, events_.size());
  } else {
    const auto found = find(request.stream);
    if (!found) return std::unexpected(found.error());
    if (*found == nullptr) return {};  // first > last: reads as empty
    at.of_stream = *found;
    at.end.stream_version = (*found)->version();
    at.end.first_kept = first_kept_of(**found, at.now);
    at.end.gone = (*found)->kept.gone;
    at.first = std::max<std::uint64_t>(request.from.number, 1);
    at.last = std::min(request.to.number, (*found)->version().number);
  }
  return {};
}

void memory_store::start_from_snapshot(cursor& at, const stream& of) {
  const auto& wanted = at.request.snapshot;
  if (!wanted.accept || at.request.direction == direction::backwards) return;
  std::shared_ptr<const snapshot> kept;
  {
    const std::scoped_lock lock(mutex_);
    kept = snapshot_of(of, wanted.shape);
  }
  if (!kept || kept->version.number > at.last) return;
  if ((*wanted.accept)({kept->version, kept->last_event, kept->shape, kept->state}))
    at.first = std::max(at.first, kept->version.number + 1);
}

result<read_end> memory_store::run_read(cursor& at, sink& on_batch) {
  if (at.of_stream) start_from_snapshot(at, *at.of_stream);
  const bool forwards = at.request.direction == direction::forwards;
  const bool reports = at.of_stream == nullptr && forwards && at.request.stream.empty();
  at.next = forwards ? at.first : at.last;
  bool more = at.first <= at.last && at.request.limit > 0;
  if (at.request.limit == 0) {
    at.end.complete = at.first > at.last;
    if (reports) at.end.scanned_to = at.request.after;
    return at.end;
  }
  while (more) {
    at.batch.clear();
    event_batch batch;
    {
      const std::scoped_lock lock(mutex_);
      more = collect(at);
      batch.scanned_to = reports ? checkpoint_at(at.next - 1) : at.end.scanned_to;
    }
    batch.events = at.batch;
    if (at.batch.empty() && at.unreported < limits::events_between_scan_reports) continue;
    at.unreported = 0;
    at.end.delivered += at.batch.size();
    if (on_batch(batch) == flow::stop) {
      at.end.complete = false;
      more = false;
    }
    if (reports) at.end.scanned_to = batch.scanned_to;
  }
  if (reports && at.end.complete) {
    const std::scoped_lock lock(mutex_);
    at.end.scanned_to = checkpoint_at(std::max(at.last, at.request.after.in(0).sequence));
  }
  return at.end;
}

// Looks at some more events; false when there is nothing left to look at.
bool memory_store::collect(cursor& at) const {
  const bool forwards = at.request.direction == direction::forwards;
  for (std::uint64_t looked_at = 0; looked_at < events_per_turn; ++looked_at) {
    const auto sequence = at.of_stream ? at.of_stream->sequences[at.next - 1] : at.next;
    const bool at_end = at.next == (forwards ? at.last : at.first);
    at.next += forwards ? 1 : std::uint64_t(-1);
    ++at.unreported;
    const auto& event = events_[sequence - 1];
    if (is_hidden(event, at.now)) {
      ++at.end.removed;
    } else if (matches(at.request.filter, event.category(), event.type(), event.tags())) {
      at.batch.push_back(event.view());
      if (at.end.delivered + at.batch.size() == at.request.limit) {
        at.end.complete = at_end;
        return false;
      }
    }
    if (at_end) return false;
  }
  return true;
}

bool memory_store::is_hidden(const memory_event& event, time_point now) const {
  const auto& of = streams_.find(event.facts().stream_key)->second;
  return !of.kept.keeps_all() &&
         of.kept.hides(event.at_version(), event.facts().recorded, of.version(), now);
}

version memory_store::first_kept_of(const stream& of, time_point now) const {
  if (of.kept.keeps_all()) return {1};
  const auto hidden = [&](std::uint64_t sequence) { return is_hidden(events_[sequence - 1], now); };
  // What is hidden is a prefix: versions and recorded times only grow.
  const auto first = std::ranges::partition_point(of.sequences, hidden);
  return {static_cast<std::uint64_t>(first - of.sequences.begin()) + 1};
}

}  // namespace v1
}  // namespace annals
