#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "annals/env.h"
#include "annals/history.h"
#include "annals/requests.h"

namespace annals {
inline namespace v1 {

/// Ends a wait of notify_past when destroyed: afterwards its completion does not start any more.
class wait_handle {
 public:
  virtual ~wait_handle() = default;
};

/// Where events are kept. Every engine implements this class and passes one conformance suite
/// (`annals/testing/conformance.h`).
///
/// Public calls check limits, arguments and re-entrancy, once, then call the engine's `do_…`.
/// A completion runs exactly once: on the store's completion thread or, where no I/O is needed,
/// inside the call; never on another caller's thread, never under a lock; completions of one
/// thread's calls run in commit order, and the event is readable before its completion runs. A
/// completion may start any call that takes a completion. Blocking in it, or destroying the store,
/// is a bug and asserted; throwing terminates.
///
/// Threads: all calls from any thread. Calls of one thread are staged in call order.
/// Source:  docs/architecture.md, "The seams"; docs/consistency.md.
class event_store {
 public:
  event_store(const event_store&) = delete;
  event_store& operator=(const event_store&) = delete;
  virtual ~event_store();

  /// What this store is, and which clauses it refuses. Fixed while it is open.
  const store_info& info() const noexcept { return info_; }
  /// The env that the store lives in: its clock, randomness and threads.
  env& environment() const noexcept { return env_; }

  /// Appends events to one or several streams, all or nothing.
  ///
  /// The command id is looked up first: known gives the first result with `already_applied`, known
  /// with another digest is refused. Then every expectation is checked, then every condition. `any`
  /// and `exists` are for single-stream appends. Zero events with a command id are remembered.
  /// With consecutive `at(v)`, many appends to one stream may be in flight; when one fails, the
  /// later ones fail with it. An answer that rests on staged data waits until that is durable.
  ///
  /// Errors:  version_conflict, condition_failed, command_id_reused, stream_gone,
  ///          stream_key_collision: refused, nothing stored, `error::why()` names clause, event and
  ///          position. invalid_argument, limit_exceeded, unsupported, overloaded, shutting_down,
  ///          store_failed, disk_full: nothing stored. in_doubt, database_error: unknown; send the
  ///          same command id again after reopening.
  /// Blocks:  (blocking form) until durable; waits where the completion form answers overloaded.
  /// Cost:    one flush, shared by everything in flight.
  result<appended> append(const append_request& request);
  void append(const append_request& request, completion<appended> done);

  /// Reads a stream or the whole store, in order. Never skips: once a sequence was seen, nothing
  /// before it in that partition appears later. Events in flight are not seen.
  ///
  /// The sink runs inside the call, or (completion form, engines that wait for I/O) on the
  /// completion thread. A batch and all it points to live until the sink returns; 64 bytes after
  /// every payload are readable. A stream never written reads as empty.
  ///
  /// Errors:  checkpoint_diverged; store_corrupt or database_error, after the intact events before
  ///          the damage were delivered; invalid_argument; limit_exceeded. What the sink throws
  ///          passes through on the caller's own thread.
  result<read_end> read(const read_request& request, sink on_batch);
  void read(const read_request& request, sink on_batch, completion<read_end> done);

  /// Completes once the store holds something after `seen`, with what it then holds. A hint: the
  /// reader reads and finds out. Fires at once when that is so already.
  ///
  /// Threads: the completion runs on the completion thread. Destroying the handle ends the wait,
  ///          and waits for a completion that is running on another thread.
  std::unique_ptr<wait_handle> notify_past(const checkpoint& seen, completion<checkpoint> done);

  /// The result of the append that carried this command id, or none.
  result<std::optional<command_record>> find_command(const uuid& command_id);

  /// Keeps a state of a stream. May be lost at a crash: then more is replayed.
  ///
  /// Errors:  invalid_argument when the stream has not reached the version; limit_exceeded.
  result<void> save_snapshot(const snapshot_write& write);
  /// The newest snapshot of a shape, or none.
  result<std::optional<snapshot>> load_snapshot(std::string_view stream, std::uint64_t shape);

  /// Changes which events of a stream are kept; reads obey at once, space is reclaimed later.
  ///
  /// Errors:  aggregate_not_found for a stream never written; invalid_argument for a truncation
  ///          past the end.
  result<void> retain(std::string_view stream, const retention_change& change);

  result<std::vector<stream_info>> list_streams(const list_request& request);

  /// Stores one append of another store with its ids, times, clock readings, versions and
  /// positions. Privileged: for import, copy, follow and restore.
  ///
  /// Errors:  invalid_argument when positions, versions or clock readings do not follow what is
  ///          there; nothing is stored then.
  result<void> import(const import_request& request);
  /// Stores entries of another store's history, in order: appends as above, and retention. Each is
  /// stored whole or not at all; the first that is refused ends it, those before it are stored.
  ///
  /// Units:   at most limits::appends_in_flight entries of limits::appends_in_flight_bytes at once.
  /// Errors:  those of the form above; overloaded: nothing is stored, wait for completions.
  /// Cost:    one flush, shared by everything in flight.
  void import(std::span<const history_entry> entries, completion<void> done);

  /// Reads all that was stored, in the order in which it was: every append with its context and
  /// command id, and every change of retention; what retention hides too, until its space is
  /// reclaimed. What is in flight is not seen. Imported in this order it makes an equal store.
  ///
  /// Errors:  store_corrupt or database_error, after the intact entries before the damage.
  /// Threads: the sink runs inside the call; an entry lives until the sink returns.
  /// Source:  docs/adr/0023-export-import.md.
  result<void> read_history(history_sink on_entry);

  /// What the store holds now, as a checkpoint.
  result<checkpoint> head();

  /// Refuses new calls (shutting_down), completes what was accepted, returns. Idempotent; every
  /// engine's destructor calls it.
  ///
  /// Errors:  those of the last writes.
  result<void> close();

 protected:
  event_store(env& environment, store_info info);

  /// Who asked for an append: a thread that will be lent by do_lend, or one that goes on.
  enum class caller : std::uint8_t { waits, goes_on };

  /// The base class passes on checked requests. Completions of callers that go on run through
  /// `complete()` below, or on the completion thread; those of callers that wait are the base
  /// class's own and may run anywhere, at once.
  virtual void do_append(const append_request& request, caller who, completion<appended> done) = 0;
  virtual void do_read(const read_request& request, sink on_batch, completion<read_end> done) = 0;
  virtual std::unique_ptr<wait_handle> do_notify_past(const checkpoint& seen,
                                                      completion<checkpoint> done) = 0;
  virtual result<std::optional<command_record>> do_find_command(const uuid& command_id) = 0;
  virtual result<void> do_save_snapshot(const snapshot_write& write) = 0;
  virtual result<std::optional<snapshot>> do_load_snapshot(std::string_view stream,
                                                           std::uint64_t shape) = 0;
  virtual result<void> do_retain(std::string_view stream, const retention_change& change) = 0;
  virtual result<std::vector<stream_info>> do_list_streams(const list_request& request) = 0;
  virtual void do_import(std::span<const history_entry> entries, caller who,
                         completion<void> done) = 0;
  virtual result<void> do_read_history(history_sink on_entry) = 0;
  virtual result<checkpoint> do_head() = 0;
  virtual result<void> do_close() = 0;
  /// Lends the calling thread, blocked in its own append, to the engine until `done` is not zero.
  /// The engine may lead groups on it, never run foreign completions. Returns when `done` is set.
  virtual void do_lend(const std::atomic<std::uint32_t>& done) = 0;

  store_info info_;  // engines fill it in while they open

 private:
  env& env_;
};

/// True on a thread that is running a completion.
bool inside_completion() noexcept;

/// Runs a completion as the contract wants it: marked as such for the re-entrancy checks, and, when
/// this thread is already inside one, after that one has returned, so that a chain of completions
/// does not grow the stack. For engines.
void complete(std::move_only_function<void()> run);

/// The digest of an append request, for engines: of streams, expectations, events and conditions,
/// without trace context and without ids and times that the store makes.
uuid digest_of(const append_request& request);

}  // namespace v1
}  // namespace annals
