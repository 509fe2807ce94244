#pragma once

#include "commit_log.h"
#include "draft.h"
#include "indexed_store.h"
#include "indexer.h"

namespace annals {
inline namespace v1 {
namespace embedded {

struct recovered_log;
struct sealed_beginning;

/// The embedded engine in the process that writes: a commit log beneath what answers reads.
class embedded_store final : public indexed_store {
 public:
  embedded_store(env& environment, store_directory directory, const embedded_options& options,
                 sealed_beginning beginning, std::unique_ptr<log_index> index,
                 recovered_log recovered, std::unique_ptr<shared_state> tells);
  ~embedded_store() override;

  /// Reads the snapshots and writes the first frame of this process.
  result<void> start(const std::optional<repair_item>& repaired);

 private:
  void do_append(const append_request& request, caller who, completion<appended> done) override;
  result<void> do_save_snapshot(const snapshot_write& write) override;
  result<void> do_retain(std::string_view stream, const retention_change& change) override;
  void do_import(std::span<const history_entry> entries, caller who,
                 completion<void> done) override;
  result<void> do_close() override;
  void do_lend(const std::atomic<std::uint32_t>& done) override { log_->lend(done); }

  std::mutex& mutex() noexcept override { return log_->mutex(); }
  lsn durable() const noexcept override { return log_->durable(); }
  std::uint64_t durable_sequence() const noexcept override { return log_->durable_sequence(); }
  checkpoint durable_head() override { return log_->durable_head(); }
  const tail_image& tail() const noexcept override { return log_->tail(); }
  bool knows_its_end() const noexcept override { return true; }
  result<void> catch_up() override { return {}; }  // the index is ahead, if anything

  /// An answer, and whether it holds only once everything staged is durable.
  struct verdict {
    result<appended> answer{};
    bool rests_on_staged = false;
    uuid unknown{};  ///< not nil: a stream that must be known before there is an answer
  };
  /// An earlier append with the same command id.
  struct known_command {
    std::optional<command_record> record{};
    bool rests_on_staged = false;
    uuid unknown{};
  };
  /// What sealed segments tell of an append.
  struct append_facts {
    std::shared_ptr<const sealed_log> from{};
    std::optional<command_record> command{};
    few<std::optional<stream_head>, 2> heads{};            // of streams that no recent segment has
    std::vector<std::optional<breaking_event>> matches{};  // of conditions
  };

  // All with the log's mutex held.
  std::optional<error> refuses_writes() const;
  static error overloaded();
  result<void> stage_retained(lock_type& lock, std::string_view name,
                              const std::function<result<void>(retention&, version)>& change);
  bool lacks(const append_facts& facts, const append_draft& draft,
             std::span<const append_condition> unless) const;
  /// Gives the mutex back meanwhile.
  result<void> look_up(lock_type& lock, append_facts& facts, const append_draft& draft,
                       std::span<const append_condition> unless);
  result<void> know_meanwhile(lock_type& lock, const uuid& key);
  std::optional<verdict> check_append(const append_request& request, const append_draft& draft,
                                      const append_facts& facts);
  known_command find_known(const append_draft& draft, const append_facts& facts);
  std::optional<verdict> check_command(const append_draft& draft, const append_facts& facts);
  std::optional<verdict> check_stream(std::size_t index, const stream_write& write, const uuid& key,
                                      const append_facts& facts);
  std::optional<verdict> check_condition(std::size_t index, const append_condition& condition,
                                         time_point now, const append_facts& facts);
  std::optional<verdict> check_keys(const append_draft& draft) const;
  result<void> check_follows(const import_request& request, const append_draft& draft,
                             const append_facts& facts);
  result<void> check_recent_history(const checkpoint& mark) const;
  std::uint64_t first_recent_match(const query& selects, std::uint64_t after, time_point now) const;
  std::optional<stream_head> newest_head(const uuid& key,
                                         const std::optional<stream_head>* sealed) const;
  retention retention_held(const uuid& key, lsn bound, const retention& sealed) const;
  /// As the log's, but for segments that wait for their index: only so many may.
  bool has_room(std::size_t frame_bytes);
  result<void> make_room(lock_type& lock, std::size_t frame_bytes);
  /// Room for a frame that has to get in on a full disk too. `none_yet`: the mutex was given up,
  /// everything may have changed; `full` is kept from call to call.
  enum class room_kind : std::uint8_t { none_yet, usual, held_back };
  result<room_kind> find_room(lock_type& lock, std::size_t frame_bytes, bool& full);
  bool is_durable(std::uint64_t sequence) const { return sequence <= log_->durable_sequence(); }

  // Without it.
  result<void> look_up(const log_view& seen, const few<bool>& is_recent, append_facts& facts,
                       const append_draft& draft, std::span<const append_condition> unless);
  result<std::optional<breaking_event>> sealed_match(const log_view& seen,
                                                     const append_condition& condition,
                                                     time_point now);
  /// Answers without staging: at once, but not before earlier answers.
  void answer_refusal(lock_type lock, caller who, verdict refused, completion<appended> done);
  result<appended> wait_for(lock_type lock, appended staged);
  /// Stages an entry of another store's history; the mutex is held when it returns.
  result<std::size_t> stage_imported(lock_type& lock, const import_request& request);
  result<std::size_t> stage_imported(lock_type& lock, const retained_stream& retained);

  void want_index(sealed_end end);  // held
  void settle(std::shared_ptr<const sealed_log> sealed);

  std::shared_ptr<commit_log> log_;
  std::unique_ptr<indexer> indexer_;
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
