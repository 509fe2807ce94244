#include "embedded_store.h"

#include <algorithm>

#include "annals/assert.h"
#include "annals/obs.h"
#include "annals/stream.h"
#include "recovery.h"
#include "staging.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

// Streams looked at while the mutex is held once.
constexpr std::size_t streams_per_turn = 4096;

}  // namespace

embedded_store::embedded_store(env& environment, store_directory directory,
                               const embedded_options& options, std::unique_ptr<log_index> index,
                               recovered_log recovered)
    : event_store(environment, {.store_id = directory.store_id,
                                .engine = "embedded",
                                .address = "file:" + directory.paths.root,
                                .durability = durability::power_loss}),
      directory_(std::move(directory)),
      options_(options),
      index_(std::move(index)),
      completions_(environment),
      notifier_(environment, completions_),
      snapshots_(environment, directory_.paths, directory_.store_id, options.read_only) {
  for (auto& one : recovered.segments) segments_.add(std::move(one));
  log_ = std::make_shared<commit_log>(environment, directory_.paths, options.segment_bytes,
                                      directory_.store_id, std::move(recovered.end), completions_,
                                      notifier_);
  log_->on_new_segment = [this](std::shared_ptr<segment> next) { segments_.add(std::move(next)); };
}

embedded_store::~embedded_store() {
  ANNALS_ASSERT(!inside_completion(), "a store destroyed inside a completion");
  // Whoever must hear of the last writes calls close() before.
  if (const auto closed = do_close(); !closed) obs::info(closed.error().message());
}

result<void> embedded_store::start(const std::optional<repair_item>& repaired) {
  if (auto opened = snapshots_.open(); !opened) return opened;
  if (options_.read_only) return {};
  lock_type lock(log_->mutex());
  while (!log_->has_room(opened_frame_bytes))
    if (auto room = log_->make_room(lock, opened_frame_bytes); !room) return room;
  stage_opened(*log_, repaired);
  auto stored = wait_for(std::move(lock), {});
  if (!stored) return std::unexpected(stored.error());
  return {};
}

result<std::optional<command_record>> embedded_store::do_find_command(const uuid& command_id) {
  const lock_type lock(log_->mutex());
  if (auto open = check_open(); !open) return std::unexpected(open.error());
  const auto* known = index_->find_command(command_id);
  if (known == nullptr || known->place >= log_->durable()) return std::optional<command_record>{};
  return std::optional(record_of(*known));
}

std::unique_ptr<wait_handle> embedded_store::do_notify_past(const checkpoint& seen,
                                                            completion<checkpoint> done) {
  checkpoint head;
  {
    const lock_type lock(log_->mutex());
    if (auto open = check_open(); !open) return notifier_.refuse(open.error(), std::move(done));
    if (auto ours = check_history(seen); !ours)
      return notifier_.refuse(ours.error(), std::move(done));
    head = log_->durable_head();
  }
  auto handle = notifier_.add(seen.in(0).sequence, head, std::move(done));
  const lock_type lock(log_->mutex());
  // An append, or close(), may have come between the two.
  notifier_.advance(log_->durable_head());
  if (closed_) notifier_.close();
  return handle;
}

result<void> embedded_store::check_open() const {
  if (closed_) return fail(errc::shutting_down, "the store is closed; open it again");
  return {};
}

result<checkpoint> embedded_store::do_head() {
  const lock_type lock(log_->mutex());
  if (auto open = check_open(); !open) return std::unexpected(open.error());
  return log_->durable_head();
}

checkpoint embedded_store::checkpoint_at(std::uint64_t sequence) const {
  if (sequence == 0) return {};
  return {info().store_id,
          {.sequence = sequence, .fingerprint = fingerprint_of(index_->event(sequence).id)}};
}

wanted_event embedded_store::wanted(std::uint64_t sequence) const {
  const auto& event = index_->event(sequence);
  return {.sequence = sequence,
          .place = event.place,
          .id = event.id,
          .stream = &index_->stream_of(event),
          .type = index_->types.text_of(event.type)};
}

result<void> embedded_store::do_save_snapshot(const snapshot_write& write) {
  const uuid key = stream_key_of(write.stream);
  {
    const lock_type lock(log_->mutex());
    if (auto problem = refuses_writes()) return std::unexpected(std::move(*problem));
    const auto found = find(write.stream, key);
    if (!found) return std::unexpected(found.error());
    if (*found == nullptr || (*found)->newest_at(log_->durable_sequence()) < write.version)
      return fail(errc::invalid_argument, "stream " + std::string(write.stream) +
                                              " has not reached version " +
                                              std::to_string(write.version.number));
  }
  return snapshots_.save(key, write);
}

result<std::optional<snapshot>> embedded_store::do_load_snapshot(std::string_view stream,
                                                                 std::uint64_t shape) {
  const uuid key = stream_key_of(stream);
  {
    const lock_type lock(log_->mutex());
    if (auto open = check_open(); !open) return std::unexpected(open.error());
    if (const auto found = find(stream, key); !found) return std::unexpected(found.error());
  }
  return usable_snapshot(key, shape);
}

// One that names another last event than the stream has there is of another history.
result<std::optional<snapshot>> embedded_store::usable_snapshot(const uuid& key,
                                                                std::uint64_t shape) {
  auto loaded = snapshots_.load(key, shape);
  if (!loaded || !*loaded) return loaded;
  const lock_type lock(log_->mutex());
  const auto* stream = index_->find(key);
  const auto version = (*loaded)->version.number;
  const bool ours = stream != nullptr && version >= 1 && version <= stream->newest().number &&
                    index_->event(stream->sequences[version - 1]).id == (*loaded)->last_event;
  if (!ours) return std::optional<snapshot>{};
  return loaded;
}

stream_info embedded_store::info_of(const stream_entry& stream, time_point now) const {
  const auto newest = stream.newest_at(log_->durable_sequence());
  return {.name = stream.name,
          .key = stream.key,
          .version = newest,
          .first_kept = index_->first_kept(stream, newest, now),
          .last = {.sequence = stream.sequences[newest.number - 1]},
          .gone = stream.kept.gone};
}

result<std::vector<stream_info>> embedded_store::do_list_streams(const list_request& request) {
  std::vector<const stream_entry*> page;
  const auto by_name = [](const stream_entry* a, const stream_entry* b) {
    return a->name < b->name;
  };
  std::size_t looked_at = 0;
  for (bool more = true; more;) {
    const lock_type lock(log_->mutex());
    if (auto open = check_open(); !open) return std::unexpected(open.error());
    const std::size_t end = std::min(index_->streams(), looked_at + streams_per_turn);
    for (; looked_at < end; ++looked_at) {
      const auto& stream = index_->stream(static_cast<std::uint32_t>(looked_at));
      if (stream.newest_at(log_->durable_sequence()).number == 0) continue;
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
  const lock_type lock(log_->mutex());
  for (const auto* stream : page) streams.push_back(info_of(*stream, now));
  return streams;
}

result<void> embedded_store::do_close() {
  {
    const lock_type lock(log_->mutex());
    if (std::exchange(closed_, true)) return {};
  }
  const auto end = log_->close();
  notifier_.close();
  completions_.drain();  // they run in order: all that was accepted is complete then
  if (!end) return std::unexpected(end.error());
  if (options_.read_only) return {};
  if (auto flushed = snapshots_.close(); !flushed) return flushed;
  return write_closed(environment(), directory_, end->place(), end->last_sequence);
}

}  // namespace embedded

result<std::unique_ptr<event_store>> open_embedded(const std::string& directory,
                                                   const embedded_options& options,
                                                   env& environment) {
  using namespace embedded;
  constexpr std::uint64_t unit = 1U << 20U;
  if (options.segment_bytes < unit || options.segment_bytes > (std::uint64_t{4} << 30U) ||
      options.segment_bytes % unit != 0)
    return fail(errc::invalid_argument,
                "segment_bytes is 1 MiB to 4 GiB, a multiple of 1 MiB, found " +
                    std::to_string(options.segment_bytes));
  auto found = open_directory(directory, options, environment);
  if (!found) return std::unexpected(found.error());
  auto index = std::make_unique<log_index>();
  auto recovered = recover_log(*found, options, environment, *index);
  if (!recovered) return std::unexpected(recovered.error());
  const auto repaired = recovered->repaired;
  auto store = std::make_unique<embedded_store>(environment, std::move(*found), options,
                                                std::move(index), std::move(*recovered));
  if (auto started = store->start(repaired); !started) return std::unexpected(started.error());
  return store;
}

}  // namespace v1
}  // namespace annals
