#pragma once

#include "indexed_store.h"
#include "log_follower.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// The embedded engine in a process that only reads, beside one that writes or none: before each
/// call it reads what has been acknowledged meanwhile, and from the first notify_past on a thread
/// of its own waits for news.
class following_store final : public indexed_store {
 public:
  following_store(env& environment, store_directory directory, sealed_beginning beginning);
  ~following_store() override;

  /// Reads the snapshots and the log.
  result<void> start();

 private:
  void do_append(const append_request& request, caller who, completion<appended> done) override;
  std::unique_ptr<wait_handle> do_notify_past(const checkpoint& seen,
                                              completion<checkpoint> done) override;
  result<void> do_save_snapshot(const snapshot_write& write) override;
  result<void> do_retain(std::string_view stream, const retention_change& change) override;
  void do_import(std::span<const history_entry> entries, caller who,
                 completion<void> done) override;
  result<void> do_close() override;
  void do_lend(const std::atomic<std::uint32_t>&) override {}  // no append waits

  std::mutex& mutex() noexcept override { return mutex_; }
  lsn durable() const noexcept override { return follower_.place(); }
  std::uint64_t durable_sequence() const noexcept override { return index_->last_sequence(); }
  checkpoint durable_head() override;
  const tail_image& tail() const noexcept override { return no_tail_; }
  bool knows_its_end() const noexcept override { return follower_.is_told(); }
  result<void> catch_up() override;

  result<void> refresh();
  error refusal();
  bool is_closed();
  std::shared_ptr<shared_state> state();
  void follow();
  void wake_follower();

  std::mutex mutex_{};
  std::mutex following_{};  // one catches up at a time; taken before mutex_
  std::shared_ptr<const sealed_context> context_;
  log_follower follower_;
  std::optional<std::chrono::nanoseconds> refreshed_{};  // when; guarded by following_
  tail_image no_tail_{};
  std::unique_ptr<thread> thread_{};        // guarded by mutex_
  std::atomic<std::uint32_t> requests_{0};  // the thread parks on it while nobody waits
  std::atomic<bool> stopping_{false};
};

/// Opens a store for reading only.
///
/// Errors:  not_a_store, store_too_new, store_corrupt, database_error.
result<std::unique_ptr<event_store>> open_following(const std::string& directory, env& environment);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
