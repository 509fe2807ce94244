#pragma once

#include "annals/engine.h"
#include "log_index.h"
#include "log_reader.h"
#include "segment_table.h"
#include "snapshot_files.h"
#include "store_directory.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// What answers reads of an embedded store: an index of the log in memory, the log's segments, and
/// snapshots beside it. How far the log goes, and whether it can be written, is for those to say
/// who derive: the one process that writes, and the many that follow it.
class indexed_store : public event_store {
 protected:
  using lock_type = std::unique_lock<std::mutex>;

  indexed_store(env& environment, store_directory directory, std::unique_ptr<log_index> index,
                role plays);

  /// Guards the index, and what "held" says below.
  virtual std::mutex& mutex() noexcept = 0;
  virtual lsn durable() const noexcept = 0;                     // held
  virtual std::uint64_t durable_sequence() const noexcept = 0;  // held
  virtual checkpoint durable_head() const = 0;                  // held
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
  result<void> check_history(const checkpoint& seen) const;
  result<stream_entry*> find(std::string_view name, const uuid& key);
  command_record record_of(const command_entry& command) const;
  checkpoint checkpoint_at(std::uint64_t sequence) const;

  store_directory directory_;
  std::unique_ptr<log_index> index_;
  segment_table segments_{};
  completion_thread completions_;
  notifier notifier_;
  snapshot_files snapshots_;
  bool closed_ = false;  // guarded by mutex()

 private:
  class read_run;
  class history_run;

  wanted_event wanted(std::uint64_t sequence) const;
  stream_info info_of(const stream_entry& stream, time_point now) const;
  result<std::optional<snapshot>> usable_snapshot(const uuid& key, std::uint64_t shape);
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
