#pragma once

#include <functional>

#include "append_writer.h"
#include "event_page.h"
#include "pool.h"
#include "store_statements.h"

namespace annals {
inline namespace v1 {
namespace postgres {

class head_watch;

/// The engine on PostgreSQL: one connection that writes, a pool that reads, one that listens.
class postgres_store final : public event_store {
 public:
  struct parts {  // what opening has found
    connect_options connect{};
    sql_names names{};
    postgres_options options{};
    std::unique_ptr<connection> writes{};  ///< null: read-only
    std::uint64_t head = 0;
  };
  postgres_store(env& environment, store_info info, parts opened);
  ~postgres_store() override;

  /// See with_transaction.
  result<appended> append_with(const std::function<result<void>(pg_conn*)>& your_sql,
                               const append_request& request, pg_conn* own);

 private:
  friend class reading;
  friend class history_reading;

  /// A stream as it is stored.
  struct stream_facts {
    std::string name{};
    retention kept{};
    version newest{};
    std::uint64_t last = 0;  ///< position of the newest event
    std::int32_t category = 0;
    uuid aggregate_id{};
  };

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
  void do_import(std::span<const history_entry> entries, caller who,
                 completion<void> done) override;
  result<void> do_read_history(history_sink on_entry) override;
  result<checkpoint> do_head() override;
  result<void> do_close() override;
  void do_lend(const std::atomic<std::uint32_t>& done) override;

  /// Runs statements that only read on a connection of the pool, again on another one when that is
  /// lost, until the deadline.
  result<std::vector<rows>> ask(std::span<const command> commands, std::string_view doing);
  result<std::vector<rows>> ask(std::initializer_list<command> commands, std::string_view doing) {
    return ask(std::span(commands.begin(), commands.size()), doing);
  }
  /// Does something with a connection of the pool, in the same way.
  outcome<void> with_connection(
      const std::function<outcome<void>(connection& on, clock_reading deadline)>& work);
  /// Makes the names of a page's streams known.
  outcome<void> name_streams(event_page& page, connection& on, clock_reading deadline);

  result<void> check_open() const;
  error refuses_writes() const;
  checkpoint checkpoint_of(std::uint64_t position, const uuid& event_id);
  checkpoint head_in(const rows& from);
  /// The checkpoint of a position that the store has.
  result<checkpoint> checkpoint_at(std::uint64_t position);
  result<void> check_seen(const checkpoint& seen, const rows& event_there);
  command event_at(std::uint64_t position) const;
  static std::optional<stream_facts> stream_in(const rows& from, int row = 0);
  result<version> first_kept(const stream_facts& of, time_point now);
  std::chrono::milliseconds deadline() const noexcept { return options_.deadline; }
  result<appended> append_inside(connection& on, const append_draft& draft,
                                 const std::function<result<void>(pg_conn*)>& your_sql);

  connect_options connect_;
  sql_names sql_;
  postgres_options options_;
  store_statements statements_;
  name_book names_;
  completion_thread completions_;
  notifier notifier_;
  pool pool_;
  std::shared_ptr<append_writer> writer_;
  std::unique_ptr<head_watch> watch_;
  std::atomic<bool> closed_{false};
  std::mutex closing_{};
};

}  // namespace postgres
}  // namespace v1
}  // namespace annals
