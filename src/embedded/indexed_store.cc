#include "indexed_store.h"

#include <algorithm>
#include <ranges>

#include "annals/stream.h"
#include "recovery.h"

namespace annals {
inline namespace v1 {
namespace embedded {

const recent_segment* log_view::holder_of(std::uint64_t sequence) const noexcept {
  for (const auto& one : recent | std::views::reverse)
    if (one->holds(sequence)) return one.get();
  return nullptr;
}

const recent_stream* log_view::find(const uuid& key) const {
  for (const auto& one : recent | std::views::reverse)
    if (const auto* found = std::as_const(*one).find(key)) return found;
  return nullptr;
}

const recent_stream* log_view::find_oldest(const uuid& key) const {
  for (const auto& one : recent)
    if (const auto* found = std::as_const(*one).find(key)) return found;
  return nullptr;
}

bool log_view::knows(const uuid& key) const {
  return std::ranges::all_of(recent, [&](const auto& one) {
    const auto* stream = std::as_const(*one).find(key);
    return stream == nullptr || stream->known;
  });
}

void log_view::learn(const uuid& key, stream_head older) const {
  for (const auto& one : recent) {
    auto* stream = one->find(key);
    if (stream == nullptr) continue;
    if (!stream->known) {
      stream->known = true;
      stream->name = older.name;
      stream->previous_sequence = older.last_sequence;
      stream->previous_id = older.last_id;
      stream->older = older.kept;
    }
    if (const auto* changed = one->find_retention(key, lsn::greatest())) older.kept = *changed;
    if (stream->events.empty()) continue;
    older.last_sequence = one->newest_sequence_of(*stream);
    older.last_id = one->newest_of(*stream).id;
  }
}

indexed_store::indexed_store(env& environment, store_directory directory,
                             std::unique_ptr<log_index> index, role plays, durability promised)
    : event_store(environment, {.store_id = directory.store_id,
                                .engine = "embedded",
                                .address = "file:" + directory.paths.root,
                                .durability = promised}),
      directory_(std::move(directory)),
      index_(std::move(index)),
      completions_(environment),
      notifier_(environment, completions_),
      snapshots_(environment, directory_.paths, directory_.store_id, plays) {}

result<void> indexed_store::check_open() const {
  if (closed_) return fail(errc::shutting_down, "the store is closed; open it again");
  return {};
}

log_view indexed_store::view() {
  return {index_->sealed(), index_->recent(), durable(), durable_sequence()};
}

result<std::optional<command_record>> indexed_store::do_find_command(const uuid& command_id) {
  if (auto caught = catch_up(); !caught) return std::unexpected(caught.error());
  log_view seen;
  std::optional<command_entry> known;
  {
    const lock_type lock(mutex());
    if (auto open = check_open(); !open) return std::unexpected(open.error());
    seen = view();
    if (const auto* found = index_->find_command(command_id)) known = *found;
  }
  if (known && known->place >= seen.durable) return std::optional<command_record>{};
  if (!known) {
    auto sealed = seen.sealed->find_command(command_id);
    if (!sealed) return std::unexpected(sealed.error());
    known = *sealed;
  }
  if (!known) return std::optional<command_record>{};
  auto record = record_of(seen, *known);
  if (!record) return std::unexpected(record.error());
  return std::optional(std::move(*record));
}

std::unique_ptr<wait_handle> indexed_store::do_notify_past(const checkpoint& seen,
                                                           completion<checkpoint> done) {
  if (auto caught = catch_up(); !caught) return notifier_.refuse(caught.error(), std::move(done));
  checkpoint head;
  log_view now;
  {
    const lock_type lock(mutex());
    if (auto open = check_open(); !open) return notifier_.refuse(open.error(), std::move(done));
    now = view();
    head = durable_head();
  }
  if (auto ours = check_history(now, seen); !ours)
    return notifier_.refuse(ours.error(), std::move(done));
  auto handle = notifier_.add(seen.in(0).sequence, head, std::move(done));
  const lock_type lock(mutex());
  // An append, or close(), may have come between the two.
  notifier_.advance(durable_head());
  if (closed_) notifier_.close();
  return handle;
}

result<checkpoint> indexed_store::do_head() {
  if (auto caught = catch_up(); !caught) return std::unexpected(caught.error());
  const lock_type lock(mutex());
  if (auto open = check_open(); !open) return std::unexpected(open.error());
  return durable_head();
}

result<event_entry> indexed_store::event_at(const log_view& seen, std::uint64_t sequence) {
  {
    const lock_type lock(mutex());
    if (const auto* holder = seen.holder_of(sequence)) return holder->event(sequence);
  }
  return seen.sealed->event_at(sequence);
}

result<event_entry> indexed_store::event_at(const log_view& seen, const seen_stream& of,
                                            version number, followed_by next) {
  if (number <= of.sealed) return seen.sealed->event_at(of.key, of.last_sealed, number, next);
  const lock_type lock(mutex());
  for (const auto& one : seen.recent | std::views::reverse)
    if (const auto* stream = std::as_const(*one).find(of.key))
      if (number.number > stream->before) return one->event(one->sequence_of(*stream, number));
  return seen.sealed->event_at(of.key, of.last_sealed, number, next);
}

result<checkpoint> indexed_store::checkpoint_at(const log_view& seen, std::uint64_t sequence) {
  if (sequence == 0) return checkpoint{};
  const auto event = event_at(seen, sequence);
  if (!event) return std::unexpected(event.error());
  return checkpoint(info().store_id,
                    {.sequence = sequence, .fingerprint = fingerprint_of(event->id)});
}

// Staged events count: a checkpoint that names one was learnt from a completion or a reader.
result<void> indexed_store::check_history(const log_view& seen, const checkpoint& mark) {
  if (mark.is_start()) return {};
  const auto at = mark.in(0);
  std::uint64_t last = 0;
  bool knows_end = true;
  {
    const lock_type lock(mutex());
    last = seen.recent.empty() ? seen.sealed->last_sequence() : seen.recent.back()->last_sequence();
    knows_end = knows_its_end();
  }
  if (mark.store_id() == info().store_id && at.sequence > 0 && at.sequence <= last) {
    const auto event = event_at(seen, at.sequence);
    if (!event) return std::unexpected(event.error());
    if (fingerprint_of(event->id) == at.fingerprint) return {};
  }
  // It was acknowledged, or else nobody would have such a checkpoint; but that is not proven yet.
  if (mark.store_id() == info().store_id && at.sequence > last && !knows_end)
    return fail(errc::in_doubt, "position " + std::to_string(at.sequence) +
                                    " is behind what the log proves, " + std::to_string(last) +
                                    "; once the store is opened for writing its end is known");
  return std::unexpected(checkpoint_diverged(mark, info()));
}

// The index may have moved on from the view: its recent segments may be other ones by now.
result<void> indexed_store::know(const log_view& seen, const uuid& key, const wanted_next& next) {
  lsn name_place{};  // of a stream that had a name before what was scanned, and no events
  {
    const lock_type lock(mutex());
    if (seen.knows(key)) return {};
    if (const auto* oldest = seen.find_oldest(key); oldest->before == 0)
      name_place = oldest->name_place;
  }
  if (name_place != lsn{}) {
    const auto name = seen.sealed->name_at(name_place, key);
    if (!name) return std::unexpected(name.error());
    const lock_type lock(mutex());
    seen.learn(key, {.name = *name});
    return {};
  }
  const auto head = find_sealed(seen, key, next);
  if (!head) return std::unexpected(head.error());
  if (!*head)
    return corrupt_log(directory_.paths.root + ": stream " + key.to_string() +
                       " goes on in the log, but its beginning is not found");
  const lock_type lock(mutex());
  seen.learn(key, **head);
  return {};
}

result<std::optional<stream_head>> indexed_store::find_sealed(const log_view& seen, const uuid& key,
                                                              const wanted_next& next) {
  if (next.after == followed_by::nothing) return seen.sealed->find_stream(key);  // as appends do
  const auto comes_from_disk = seen.sealed->expect_stream(key);
  if (comes_from_disk && next.snapshot) snapshots_.expect(key, *next.snapshot);
  return seen.sealed->find_stream(key, next.after);
}

result<std::optional<seen_stream>> indexed_store::find(const log_view& seen, const uuid& key,
                                                       const wanted_next& next) {
  if (auto known = know(seen, key, next); !known) return std::unexpected(known.error());
  std::optional<seen_stream> found;
  bool begins_here = false;
  {
    const lock_type lock(mutex());
    for (const auto& one : seen.recent | std::views::reverse) {
      const auto* stream = std::as_const(*one).find(key);
      if (stream == nullptr) continue;
      if (!found) found = seen_stream{.key = key, .name = stream->name};
      const auto newest = one->newest_at(*stream, seen.last_sequence);
      begins_here = stream->before == 0;
      if (newest.number > stream->before && found->newest.number == 0) {
        found->newest = newest;
        found->last_sequence = one->sequence_of(*stream, newest);
      }
    }
  }
  if (begins_here && found->newest.number == 0) return std::optional<seen_stream>{};
  if (found && begins_here) {
    auto kept = retention_of(seen, key);
    if (!kept) return std::unexpected(kept.error());
    found->kept = *kept;
    return found;
  }
  const auto head = find_sealed(seen, key, next);
  if (!head) return std::unexpected(head.error());
  if (!*head) return found;
  if (!found) found = seen_stream{.key = key, .name = std::string((*head)->name)};
  found->last_sealed = (*head)->last;
  found->sealed = (*head)->newest;
  if (found->newest.number == 0) {
    found->newest = (*head)->newest;
    found->last_sequence = (*head)->last_sequence;
  }
  auto kept = retention_of(seen, key);
  if (!kept) return std::unexpected(kept.error());
  found->kept = *kept;
  return found;
}

result<std::optional<seen_stream>> indexed_store::find(const log_view& seen, std::string_view name,
                                                       const uuid& key, const wanted_next& next) {
  auto found = find(seen, key, next);
  if (found && *found && (*found)->name != name)
    return std::unexpected(stream_key_collision(name, (*found)->name));
  return found;
}

result<retention> indexed_store::retention_of(const log_view& seen, const uuid& key) {
  {
    const lock_type lock(mutex());
    for (const auto& one : seen.recent | std::views::reverse)
      if (const auto* changed = one->find_retention(key, seen.durable)) return *changed;
  }
  if (!seen.sealed->has_retention()) return retention{};
  const auto sealed = seen.sealed->find_retention(key);
  if (!sealed) return std::unexpected(sealed.error());
  return sealed->value_or(retention{});
}

// What is hidden is a prefix: versions and recorded times only grow.
result<version> indexed_store::first_kept(const log_view& seen, const seen_stream& of,
                                          time_point now) {
  if (of.kept.keeps_all()) return version{1};
  std::uint64_t low = 1;
  std::uint64_t high = of.newest.number + 1;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    hlc recorded{};
    if (of.kept.max_age.count() != 0) {
      const auto event = event_at(seen, of, {middle});
      if (!event) return std::unexpected(event.error());
      recorded = event->recorded;
    }
    if (of.kept.hides({middle}, recorded, of.newest, now)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return version{low};
}

result<command_record> indexed_store::record_of(const log_view& seen,
                                                const command_entry& command) {
  command_record record{command.result, command.digest, {}};
  if (command.stream.is_nil()) return record;
  if (auto known = know(seen, command.stream); !known) return std::unexpected(known.error());
  {
    const lock_type lock(mutex());
    if (const auto* stream = seen.find(command.stream)) {
      record.stream = stream->name;
      return record;
    }
  }
  auto name = seen.sealed->name_of(command);
  if (!name) return std::unexpected(name.error());
  record.stream = std::move(*name);
  return record;
}

result<std::optional<snapshot>> indexed_store::do_load_snapshot(std::string_view stream,
                                                                std::uint64_t shape) {
  if (auto caught = catch_up(); !caught) return std::unexpected(caught.error());
  log_view seen;
  {
    const lock_type lock(mutex());
    if (auto open = check_open(); !open) return std::unexpected(open.error());
    seen = view();
  }
  const auto found = find(seen, stream, stream_key_of(stream), {followed_by::its_events, shape});
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::optional<snapshot>{};
  return usable_snapshot(seen, **found, shape);
}

// One that names another last event than the stream has there is of another history.
result<std::optional<snapshot>> indexed_store::usable_snapshot(const log_view& seen,
                                                               const seen_stream& stream,
                                                               std::uint64_t shape) {
  return snapshots_.load(stream.key, shape, [&](const snapshot& found) -> result<bool> {
    if (found.version.number < 1 || found.version > stream.newest) return false;
    const auto event = event_at(seen, stream, found.version, followed_by::its_events);
    if (!event) return std::unexpected(event.error());
    return event->id == found.last_event;
  });
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
