#pragma once

#include "commit_log.h"
#include "draft.h"
#include "log_index.h"
#include "log_reader.h"
#include "segment_table.h"
#include "snapshot_files.h"
#include "store_directory.h"

namespace annals {
inline namespace v1 {
namespace embedded {

struct recovered_log;

/// The embedded engine: a commit log, an index of it in memory, and snapshots beside it.
class embedded_store final : public event_store {
 public:
  embedded_store(env& environment, store_directory directory, const embedded_options& options,
                 std::unique_ptr<log_index> index, recovered_log recovered);
  ~embedded_store() override;

  /// Reads the snapshots and writes the first frame of this process.
  result<void> start(const std::optional<repair_item>& repaired);

 private:
  using lock_type = std::unique_lock<std::mutex>;
  class read_run;

  void do_append(const append_request& request, caller who, completion<appended> done) override;
  void do_read(const read_request& request, sink on_batch, completion<read_end> done) override;
  std::unique_ptr<wait_handle> do_notify_past(const checkpoint& seen,
                                              completion<checkpoint> done) override;
  result<std::optional<command_record>> do_find_command(const uuid& command_id) override;
  result<void> do_save_snapshot(const snapshot_write& write) override;
  result<std::optional<snapshot>> do_load_snapshot(std::string_view stream,
                                                   std::uint64_t shape) override;
  result<void> do_retain(std::string_view stream, const retention_change& change) override;
  result<std::vector<stream_info>> do_list_streams(const list_request& request) override;
  result<void> do_import(const import_request& request) override;
  result<checkpoint> do_head() override;
  result<void> do_close() override;
  void do_lend(const std::atomic<std::uint32_t>& done) override { log_->lend(done); }

  /// An answer, and whether it holds only once everything staged is durable.
  struct verdict {
    result<appended> answer{};
    bool rests_on_staged = false;
  };

  // All with the log's mutex held.
  result<void> check_open() const;
  std::optional<error> refuses_writes() const;
  std::optional<verdict> check_append(const append_request& request, const append_draft& draft);
  std::optional<verdict> check_command(const append_draft& draft) const;
  std::optional<verdict> check_stream(std::size_t index, const stream_write& write,
                                      const uuid& key);
  std::optional<verdict> check_condition(std::size_t index, const append_condition& condition,
                                         time_point now);
  std::optional<verdict> check_keys(const append_draft& draft) const;
  result<void> check_history(const checkpoint& seen) const;
  result<void> check_follows(const import_request& request, const append_draft& draft);
  result<stream_entry*> find(std::string_view name, const uuid& key);
  breaking_event describe(std::uint64_t sequence) const;
  command_record record_of(const command_entry& command) const;
  checkpoint checkpoint_at(std::uint64_t sequence) const;
  wanted_event wanted(std::uint64_t sequence) const;
  stream_info info_of(const stream_entry& stream, time_point now) const;
  bool is_durable(std::uint64_t sequence) const { return sequence <= log_->durable_sequence(); }

  // Without it.
  /// Answers without staging: at once, but not before earlier answers.
  void answer_refusal(lock_type lock, caller who, verdict refused, completion<appended> done);
  result<appended> wait_for(lock_type lock, appended staged);
  result<std::optional<snapshot>> usable_snapshot(const uuid& key, std::uint64_t shape);

  store_directory directory_;
  embedded_options options_;
  std::unique_ptr<log_index> index_;
  segment_table segments_{};
  completion_thread completions_;
  notifier notifier_;
  std::shared_ptr<commit_log> log_;
  snapshot_files snapshots_;
  bool closed_ = false;  // guarded by the log's mutex
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
