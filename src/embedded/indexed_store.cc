#include "indexed_store.h"

#include <algorithm>

#include "annals/stream.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

// Streams looked at while the mutex is held once.
constexpr std::size_t streams_per_turn = 4096;

}  // namespace

indexed_store::indexed_store(env& environment, store_directory directory,
                             std::unique_ptr<log_index> index, role plays)
    : event_store(environment, {.store_id = directory.store_id,
                                .engine = "embedded",
                                .address = "file:" + directory.paths.root,
                                .durability = durability::power_loss}),
      directory_(std::move(directory)),
      index_(std::move(index)),
      completions_(environment),
      notifier_(environment, completions_),
      snapshots_(environment, directory_.paths, directory_.store_id, plays) {}

result<std::optional<command_record>> indexed_store::do_find_command(const uuid& command_id) {
  if (auto caught = catch_up(); !caught) return std::unexpected(caught.error());
  const lock_type lock(mutex());
  if (auto open = check_open(); !open) return std::unexpected(open.error());
  const auto* known = index_->find_command(command_id);
  if (known == nullptr || known->place >= durable()) return std::optional<command_record>{};
  return std::optional(record_of(*known));
}

std::unique_ptr<wait_handle> indexed_store::do_notify_past(const checkpoint& seen,
                                                           completion<checkpoint> done) {
  if (auto caught = catch_up(); !caught) return notifier_.refuse(caught.error(), std::move(done));
  checkpoint head;
  {
    const lock_type lock(mutex());
    if (auto open = check_open(); !open) return notifier_.refuse(open.error(), std::move(done));
    if (auto ours = check_history(seen); !ours)
      return notifier_.refuse(ours.error(), std::move(done));
    head = durable_head();
  }
  auto handle = notifier_.add(seen.in(0).sequence, head, std::move(done));
  const lock_type lock(mutex());
  // An append, or close(), may have come between the two.
  notifier_.advance(durable_head());
  if (closed_) notifier_.close();
  return handle;
}

result<void> indexed_store::check_open() const {
  if (closed_) return fail(errc::shutting_down, "the store is closed; open it again");
  return {};
}

result<checkpoint> indexed_store::do_head() {
  if (auto caught = catch_up(); !caught) return std::unexpected(caught.error());
  const lock_type lock(mutex());
  if (auto open = check_open(); !open) return std::unexpected(open.error());
  return durable_head();
}

checkpoint indexed_store::checkpoint_at(std::uint64_t sequence) const {
  if (sequence == 0) return {};
  return {info().store_id,
          {.sequence = sequence, .fingerprint = fingerprint_of(index_->event(sequence).id)}};
}

wanted_event indexed_store::wanted(std::uint64_t sequence) const {
  const auto& event = index_->event(sequence);
  return {.sequence = sequence,
          .place = event.place,
          .id = event.id,
          .stream = &index_->stream_of(event),
          .type = index_->types.text_of(event.type)};
}

result<std::optional<snapshot>> indexed_store::do_load_snapshot(std::string_view stream,
                                                                std::uint64_t shape) {
  if (auto caught = catch_up(); !caught) return std::unexpected(caught.error());
  const uuid key = stream_key_of(stream);
  {
    const lock_type lock(mutex());
    if (auto open = check_open(); !open) return std::unexpected(open.error());
    if (const auto found = find(stream, key); !found) return std::unexpected(found.error());
  }
  return usable_snapshot(key, shape);
}

// One that names another last event than the stream has there is of another history.
result<std::optional<snapshot>> indexed_store::usable_snapshot(const uuid& key,
                                                               std::uint64_t shape) {
  auto loaded = snapshots_.load(key, shape);
  if (!loaded || !*loaded) return loaded;
  const lock_type lock(mutex());
  const auto* stream = index_->find(key);
  const auto version = (*loaded)->version.number;
  const bool ours = stream != nullptr && version >= 1 && version <= stream->newest().number &&
                    index_->event(stream->sequences[version - 1]).id == (*loaded)->last_event;
  if (!ours) return std::optional<snapshot>{};
  return loaded;
}

stream_info indexed_store::info_of(const stream_entry& stream, time_point now) const {
  const auto newest = stream.newest_at(durable_sequence());
  return {.name = stream.name,
          .key = stream.key,
          .version = newest,
          .first_kept = index_->first_kept(stream, newest, now),
          .last = {.sequence = stream.sequences[newest.number - 1]},
          .gone = stream.kept.gone};
}

result<std::vector<stream_info>> indexed_store::do_list_streams(const list_request& request) {
  if (auto caught = catch_up(); !caught) return std::unexpected(caught.error());
  std::vector<const stream_entry*> page;
  const auto by_name = [](const stream_entry* a, const stream_entry* b) {
    return a->name < b->name;
  };
  std::size_t looked_at = 0;
  for (bool more = true; more;) {
    const lock_type lock(mutex());
    if (auto open = check_open(); !open) return std::unexpected(open.error());
    const std::size_t end = std::min(index_->streams(), looked_at + streams_per_turn);
    for (; looked_at < end; ++looked_at) {
      const auto& stream = index_->stream(static_cast<std::uint32_t>(looked_at));
      if (stream.newest_at(durable_sequence()).number == 0) continue;
      if (!request.after.empty() && stream.name <= request.after) continue;
      if (!stream.name.starts_with(request.prefix)) continue;
      if (request.category && category_of(stream.name) != *request.category) continue;
      page.push_back(&stream);
      std::ranges::push_heap(page, by_name);  // the greatest name in front
      if (page.size() <= request.limit) continue;
      std::ranges::pop_heap(page, by_name);
      page.pop_back();
    }
    more = looked_at < index_->streams();
  }
  std::ranges::sort_heap(page, by_name);
  const auto now = environment().now();
  std::vector<stream_info> streams;
  streams.reserve(page.size());
  const lock_type lock(mutex());
  for (const auto* stream : page) streams.push_back(info_of(*stream, now));
  return streams;
}

// Staged events count: a checkpoint that names one was learnt from a completion or a reader.
result<void> indexed_store::check_history(const checkpoint& seen) const {
  if (seen.is_start()) return {};
  const auto mark = seen.in(0);
  const bool ours = seen.store_id() == info().store_id && mark.sequence > 0 &&
                    mark.sequence <= index_->events() &&
                    fingerprint_of(index_->event(mark.sequence).id) == mark.fingerprint;
  if (ours) return {};
  // It was acknowledged, or else nobody would have such a checkpoint; but that is not proven yet.
  if (seen.store_id() == info().store_id && mark.sequence > index_->events() && !knows_its_end())
    return fail(errc::in_doubt, "position " + std::to_string(mark.sequence) +
                                    " is behind what the log proves, " +
                                    std::to_string(index_->events()) +
                                    "; once the store is opened for writing its end is known");
  return std::unexpected(checkpoint_diverged(seen, info()));
}

result<stream_entry*> indexed_store::find(std::string_view name, const uuid& key) {
  auto* found = index_->find(key);
  if (found != nullptr && found->name != name)
    return std::unexpected(stream_key_collision(name, found->name));
  return found;
}

command_record indexed_store::record_of(const command_entry& command) const {
  return {command.result, command.digest, command.stream ? command.stream->name : std::string{}};
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
