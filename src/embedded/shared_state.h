#pragma once

#include <atomic>
#include <memory>

#include "segment.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// The file STATE: what the writing process tells readers in other processes, in memory that they
/// share. Worth something only since the machine was started, see `counts()`. A reader without
/// leave to write to it is not woken: it looks every two milliseconds.
///
/// Threads: any.
/// Source:  docs/format.md, "STATE"; docs/adr/0022-readers.md.
class shared_state {
 public:
  /// For the writer, which holds the store's lock: made anew where there is none, or one of another
  /// store or start of the machine.
  ///
  /// Errors:  disk_full, database_error.
  static result<std::unique_ptr<shared_state>> make(env& environment, const store_paths& paths,
                                                    const uuid& store_id);
  /// For a reader; null where there is no such file, or one that is cut off.
  ///
  /// Errors:  database_error.
  static result<std::unique_ptr<shared_state>> find(env& environment, const store_paths& paths,
                                                    const uuid& store_id);

  /// True when it is of this store and of this start of the machine, and a writer has published.
  bool counts() const noexcept;
  /// All before this place is acknowledged and on disk.
  lsn durable() const noexcept;
  /// For the writer, one thread at a time: sets durable(). No system call.
  void publish(lsn durable) noexcept;
  /// For the writer, after publish(), likewise: wakes those who wait. No system call when nobody
  /// does.
  void wake_waiting();

  /// What wait() compares with; changes with every publish().
  std::uint32_t changes() const noexcept;
  /// Returns when there was a publish() since `seen`, or after `timeout`; now and then earlier.
  void wait(std::uint32_t seen, std::chrono::nanoseconds timeout);
  /// Ends every wait, in this process and others, for nothing.
  void interrupt();

 private:
  struct content;

  shared_state(std::unique_ptr<shared_page> page, bool writable, const uuid& store_id,
               const uuid& boot_id)
      : page_(std::move(page)), writable_(writable), store_id_(store_id), boot_id_(boot_id) {}
  content& at() const noexcept;
  bool is_ours() const noexcept;
  void make_ours() noexcept;
  bool move_on() noexcept;

  std::unique_ptr<shared_page> page_;
  bool writable_;
  uuid store_id_;
  uuid boot_id_;
  bool owes_wake_up_ = false;  // the writer's
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
