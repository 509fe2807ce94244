#include "embedded_store.h"

#include "annals/assert.h"
#include "annals/obs.h"
#include "annals/stream.h"
#include "following_store.h"
#include "recovery.h"
#include "staging.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

// Segments in memory: the one that is written, and those that wait for their index.
constexpr std::size_t most_recent_segments = 3;

// More than these few may wait when indexing failed before, or index files were made anew.
result<void> index_older_segments(const store_directory& directory, env& environment,
                                  sealed_beginning& beginning) {
  const auto numbers = list_segments(directory.paths, environment);
  if (!numbers) return std::unexpected(numbers.error());
  if (numbers->back() <= beginning.content.segments.size() + most_recent_segments) return {};
  indexer now(
      beginning.context, beginning.content, beginning.sealed,
      [&](std::shared_ptr<const sealed_log> sealed) { beginning.sealed = std::move(sealed); });
  while (numbers->back() > now.content().segments.size() + most_recent_segments)
    if (auto indexed = now.index_next(); !indexed) return indexed;
  beginning.content = now.content();
  return {};
}

}  // namespace

embedded_store::embedded_store(env& environment, store_directory directory,
                               const embedded_options& options, sealed_beginning beginning,
                               std::unique_ptr<log_index> index, recovered_log recovered,
                               std::unique_ptr<shared_state> tells)
    : indexed_store(environment, std::move(directory), std::move(index), role::writer,
                    options.durability) {
  log_ = std::make_shared<commit_log>(environment, directory_.paths, options, directory_.store_id,
                                      std::move(recovered.end), std::move(tells), completions_,
                                      notifier_);
  log_->on_new_segment = [this](std::shared_ptr<segment> next) {
    index_->begin_segment(std::move(next));
  };
  indexer_ = std::make_unique<indexer>(
      std::move(beginning.context), std::move(beginning.content), std::move(beginning.sealed),
      [this](std::shared_ptr<const sealed_log> sealed) { settle(std::move(sealed)); });
  log_->on_sealed = [this](sealed_end end) { want_index(std::move(end)); };
}

void embedded_store::settle(std::shared_ptr<const sealed_log> sealed) {
  std::vector<std::shared_ptr<recent_segment>> dropped;
  const lock_type lock(log_->mutex());
  dropped = index_->settle(std::move(sealed));
}

void embedded_store::want_index(sealed_end end) {
  if (!end.sums) return indexer_->want(end.number);
  const auto& recent = index_->recent();
  const auto of = std::ranges::find(recent, end.number, &recent_segment::number);
  ANNALS_ASSERT(of != recent.end(), "a segment stays in memory until it is indexed");
  indexer_->want(end.number, sealed_content{.content = *of,
                                            .seal = end.seal,
                                            .seal_crc = end.seal_crc,
                                            .clock = end.clock,
                                            .sums = std::move(*end.sums)});
}

bool embedded_store::has_room(std::size_t frame_bytes) {
  if (!log_->has_room(frame_bytes)) return false;
  return !log_->begins_segment(frame_bytes) || index_->recent().size() <= most_recent_segments;
}

// Memory is bounded by the segments that have no index yet.
result<void> embedded_store::make_room(lock_type& lock, std::size_t frame_bytes) {
  if (!log_->has_room(frame_bytes)) return log_->make_room(lock, frame_bytes);
  lock.unlock();
  auto waited = indexer_->wait_for(most_recent_segments - 1);
  lock.lock();
  return waited;
}

result<embedded_store::room_kind> embedded_store::find_room(lock_type& lock,
                                                            std::size_t frame_bytes, bool& full) {
  if (has_room(frame_bytes)) return room_kind::usual;
  if (full && log_->has_room_held_back(frame_bytes)) return room_kind::held_back;
  if (auto made = make_room(lock, frame_bytes); !made) {
    if (full || made.error().code() != errc::disk_full) return std::unexpected(made.error());
    full = true;
  }
  return room_kind::none_yet;
}

embedded_store::~embedded_store() {
  ANNALS_ASSERT(!inside_completion(), "a store destroyed inside a completion");
  // Whoever must hear of the last writes calls close() before.
  if (const auto closed = do_close(); !closed) obs::info(closed.error().message());
}

result<void> embedded_store::start(const std::optional<repair_item>& repaired) {
  if (auto opened = snapshots_.open(); !opened) return opened;
  lock_type lock(log_->mutex());
  bool full = false;
  auto found = find_room(lock, opened_frame_bytes, full);
  while (found && *found == room_kind::none_yet) found = find_room(lock, opened_frame_bytes, full);
  if (!found) return std::unexpected(found.error());
  stage_opened(*log_, repaired, *found == room_kind::held_back);
  // Segments that were sealed and not indexed when the process before ended.
  if (const auto& recent = index_->recent(); recent.size() > 1)
    indexer_->want(recent.back()->number() - 1);
  auto stored = wait_for(std::move(lock), {});
  if (!stored) return std::unexpected(stored.error());
  return {};
}

result<void> embedded_store::do_save_snapshot(const snapshot_write& write) {
  const uuid key = stream_key_of(write.stream);
  log_view seen;
  {
    const lock_type lock(log_->mutex());
    if (auto problem = refuses_writes()) return std::unexpected(std::move(*problem));
    seen = view();
  }
  const auto found = find(seen, write.stream, key);
  if (!found) return std::unexpected(found.error());
  if (!*found || (*found)->newest < write.version)
    return fail(errc::invalid_argument, "stream " + std::string(write.stream) +
                                            " has not reached version " +
                                            std::to_string(write.version.number));
  return snapshots_.save(key, write);
}

result<void> embedded_store::do_close() {
  {
    const lock_type lock(log_->mutex());
    if (std::exchange(closed_, true)) return {};
  }
  const auto end = log_->close();
  indexer_->stop();
  notifier_.close();
  completions_.drain();  // they run in order: all that was accepted is complete then
  if (!end) return std::unexpected(end.error());
  if (auto flushed = snapshots_.close(); !flushed) return flushed;
  return write_closed(environment(), directory_, end->place(), end->last_sequence);
}

}  // namespace embedded

result<std::unique_ptr<event_store>> open_embedded(const std::string& directory,
                                                   const embedded_options& options,
                                                   env& environment) {
  using namespace embedded;
  constexpr std::uint64_t least = 16U << 10U;
  if (options.segment_bytes < least || options.segment_bytes > (std::uint64_t{4} << 30U) ||
      options.segment_bytes % block_bytes != 0)
    return fail(errc::invalid_argument,
                "segment_bytes is 16 KiB to 4 GiB, a multiple of 4 KiB, found " +
                    std::to_string(options.segment_bytes));
  if (options.durability == durability::memory)
    return fail(errc::invalid_argument,
                "durability is power_loss or os; a store in memory is opened with \"memory:\"");
  if (options.read_only) return open_following(directory, environment);
  auto found = open_directory(directory, options, environment);
  if (!found) return std::unexpected(found.error());
  auto beginning = open_beginning(*found, environment, role::writer);
  if (!beginning) return std::unexpected(beginning.error());
  if (auto indexed = index_older_segments(*found, environment, *beginning); !indexed)
    return std::unexpected(indexed.error());
  auto index = std::make_unique<log_index>(beginning->sealed);
  auto recovered = recover_log(*found, environment, *index, written_through(options));
  if (!recovered) return std::unexpected(recovered.error());
  auto tells = shared_state::make(environment, found->paths, found->store_id);
  if (!tells) return std::unexpected(tells.error());
  const auto repaired = recovered->repaired;
  auto store = std::make_unique<embedded_store>(environment, std::move(*found), options,
                                                std::move(*beginning), std::move(index),
                                                std::move(*recovered), std::move(*tells));
  if (auto started = store->start(repaired); !started) return std::unexpected(started.error());
  return store;
}

}  // namespace v1
}  // namespace annals
