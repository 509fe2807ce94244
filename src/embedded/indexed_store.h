#pragma once

#include "annals/engine.h"
#include "log_index.h"
#include "log_reader.h"
#include "snapshot_files.h"
#include "store_directory.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// The log as it was when a call began. What recent segments hold is looked at under the mutex, as
/// far as `last_sequence`.
struct log_view {
  std::shared_ptr<const sealed_log> sealed{};
  recent_list recent{};
  lsn durable{};
  std::uint64_t last_sequence = 0;

  // Held.
  /// The recent segment that holds an event; null: it is sealed.
  const recent_segment* holder_of(std::uint64_t sequence) const noexcept;
  /// What the newest recent segment that has a stream knows of it; null: none has.
  const recent_stream* find(const uuid& key) const;
  /// The same of the oldest one.
  const recent_stream* find_oldest(const uuid& key) const;
  /// True when no recent segment has an entry of a stream that is not known.
  bool knows(const uuid& key) const;
  /// Fills in what entries of a stream do not know, from what the sealed segments tell.
  void learn(const uuid& key, stream_head older) const;
};

/// A stream as a reader sees it.
struct seen_stream {
  uuid key{};
  std::string name{};
  version newest{};
  lsn last_sealed{};  ///< its newest event in the sealed segments; 0: it has none there
  version sealed{};   ///< the version of that event
  std::uint64_t last_sequence = 0;
  retention kept{};
};

/// What comes after a look-up of a stream: the disk is asked for it meanwhile.
struct wanted_next {
  followed_by after = followed_by::nothing;
  std::optional<std::uint64_t> snapshot{};  ///< of this shape
};

/// What answers reads of an embedded store: an index of the log, the log's segments, and snapshots
/// beside it. How far the log goes, and whether it can be written, is for those to say who derive:
/// the one process that writes, and the many that follow it.
class indexed_store : public event_store {
 protected:
  using lock_type = std::unique_lock<std::mutex>;

  indexed_store(env& environment, store_directory directory, std::unique_ptr<log_index> index,
                role plays, durability promised);

  /// Guards the index, and what "held" says below.
  virtual std::mutex& mutex() noexcept = 0;
  virtual lsn durable() const noexcept = 0;                     // held
  virtual std::uint64_t durable_sequence() const noexcept = 0;  // held
  virtual checkpoint durable_head() = 0;                        // held
  virtual const tail_image& tail() const noexcept = 0;
  /// False while events behind the last one may or may not be acknowledged.
  virtual bool knows_its_end() const noexcept = 0;  // held
  /// Called first in every call that reads: the index holds afterwards what was acknowledged then.
  virtual result<void> catch_up() = 0;

  void do_read(const read_request& request, sink on_batch, completion<read_end> done) override;
  std::unique_ptr<wait_handle> do_notify_past(const checkpoint& seen,
                                              completion<checkpoint> done) override;
  result<std::optional<command_record>> do_find_command(const uuid& command_id) override;
  result<std::optional<snapshot>> do_load_snapshot(std::string_view stream,
                                                   std::uint64_t shape) override;
  result<std::vector<stream_info>> do_list_streams(const list_request& request) override;
  result<void> do_read_history(history_sink on_entry) override;
  result<checkpoint> do_head() override;

  // Held.
  result<void> check_open() const;
  log_view view();

  // Not held.
  /// What stands at a position: its id and place.
  result<event_entry> event_at(const log_view& seen, std::uint64_t sequence);
  result<event_entry> event_at(const log_view& seen, const seen_stream& of, version number,
                               followed_by next = followed_by::nothing);
  result<checkpoint> checkpoint_at(const log_view& seen, std::uint64_t sequence);
  result<void> check_history(const log_view& seen, const checkpoint& mark);
  /// A stream; none when it was never written. Another name with its key is an error.
  result<std::optional<seen_stream>> find(const log_view& seen, std::string_view name,
                                          const uuid& key, const wanted_next& next = {});
  result<std::optional<seen_stream>> find(const log_view& seen, const uuid& key,
                                          const wanted_next& next = {});
  result<retention> retention_of(const log_view& seen, const uuid& key);
  /// The first version that retention does not hide.
  result<version> first_kept(const log_view& seen, const seen_stream& of, time_point now);
  result<command_record> record_of(const log_view& seen, const command_entry& command);
  /// Fills in what recent entries of a stream do not know.
  result<void> know(const log_view& seen, const uuid& key, const wanted_next& next = {});
  /// What the sealed segments say of a stream.
  result<std::optional<stream_head>> find_sealed(const log_view& seen, const uuid& key,
                                                 const wanted_next& next);

  store_directory directory_;
  std::unique_ptr<log_index> index_;
  completion_thread completions_;
  notifier notifier_;
  snapshot_files snapshots_;
  bool closed_ = false;  // guarded by mutex()

 private:
  class read_run;
  class history_run;

  result<stream_info> info_of(const log_view& seen, const seen_stream& stream, time_point now);
  result<std::optional<snapshot>> usable_snapshot(const log_view& seen, const seen_stream& stream,
                                                  std::uint64_t shape);
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
