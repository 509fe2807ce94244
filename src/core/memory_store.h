#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <unordered_map>

#include "annals/engine.h"
#include "memory_event.h"

namespace annals {
inline namespace v1 {

/// The memory engine: a log in a deque, an index of streams, one mutex. See memory.h.
class memory_store final : public event_store {
 public:
  memory_store(env& environment, const uuid& store_id);
  ~memory_store() override;

 private:
  struct stream {
    std::string name{};
    uuid key{};
    std::vector<std::uint64_t> sequences{};  // of version 1, 2, …
    retention kept{};
    std::map<std::uint64_t, std::shared_ptr<const snapshot>> snapshots{};  // by shape

    annals::version version() const noexcept { return {sequences.size()}; }
  };
  /// One entry of the history: an append, or, without what events have in common, new retention.
  struct step {
    std::shared_ptr<const memory_append> common{};
    std::uint64_t first = 0;  // sequences; 0: no events
    std::uint64_t last = 0;
    uuid digest{};
    std::string stream{};  // the first listed, or the one retained
    retention kept{};
  };
  /// Where a read stands; everything before `next` (after it, backwards) has been looked at.
  struct cursor {
    const read_request& request;
    const stream* of_stream = nullptr;  // null: the whole store
    std::uint64_t next = 0;             // version or sequence
    std::uint64_t first = 1;            // the range, both included; empty when first > last
    std::uint64_t last = 0;
    std::uint64_t unreported = 0;  // events looked at since the sink heard of it
    time_point now{};
    std::vector<event_view> batch{};
    read_end end{};
  };

  void do_append(const append_request& request, caller who, completion<appended> done) override;
  void do_read(const read_request& request, sink on_batch, completion<read_end> done) override;
  std::unique_ptr<wait_handle> do_notify_past(const checkpoint& seen,
                                              completion<checkpoint> done) override;
  result<std::optional<command_record>> do_find_command(const uuid& command_id) override;
  result<void> do_save_snapshot(const snapshot_write& write) override;
  result<std::optional<snapshot>> do_load_snapshot(std::string_view name,
                                                   std::uint64_t shape) override;
  result<void> do_retain(std::string_view name, const retention_change& change) override;
  result<std::vector<stream_info>> do_list_streams(const list_request& request) override;
  void do_import(std::span<const history_entry> entries, caller who,
                 completion<void> done) override;
  result<void> do_read_history(history_sink on_entry) override;
  result<checkpoint> do_head() override;
  result<void> do_close() override;
  void do_lend(const std::atomic<std::uint32_t>& done) override;

  // All below with the mutex held.
  result<appended> append_now(const append_request& request);
  result<void> check_expectations(const append_request& request) const;
  result<void> check_condition(std::size_t index, const append_condition& condition) const;
  result<void> check_history(const checkpoint& seen) const;
  result<void> check_follows(const import_request& request) const;
  result<void> import_now(const import_request& request);
  result<void> import_now(const retained_stream& retained);
  void remember(const appended& stored, const std::shared_ptr<const memory_append>& common,
                const uuid& digest, std::string_view first_listed);
  result<const stream*> find(std::string_view name) const;
  stream& find_or_make(std::string_view name);
  void store_event(stream& to, const new_event& event, hlc recorded, time_point now,
                   const std::shared_ptr<const memory_append>& common);
  breaking_event describe(std::uint64_t sequence) const;
  breaking_event newest_of(std::string_view name, const stream* of) const;
  checkpoint checkpoint_at(std::uint64_t sequence) const;
  std::shared_ptr<const snapshot> snapshot_of(const stream& of, std::uint64_t shape) const;
  result<void> begin(cursor& at);
  bool collect(cursor& at) const;
  bool is_hidden(const memory_event& event, time_point now) const;
  version first_kept_of(const stream& of, time_point now) const;

  static std::unexpected<error> closed_error();

  // Without it.
  void start_from_snapshot(cursor& at, const stream& of);
  result<read_end> run_read(cursor& at, sink& on_batch);

  mutable std::mutex mutex_{};
  std::deque<memory_event> events_{};  // by sequence, from 1
  std::unordered_map<uuid, stream> streams_{};
  std::map<std::string_view, stream*> by_name_{};
  std::unordered_map<uuid, command_record> commands_{};
  std::deque<step> steps_{};
  hlc last_recorded_{};
  bool closed_ = false;
  completion_thread completions_;
  notifier notifier_;
};

}  // namespace v1
}  // namespace annals
