#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "annals/result.h"
#include "annals/time.h"
#include "annals/uuid.h"

namespace annals {
inline namespace v1 {

/// How a file is opened.
enum class file_mode : std::uint8_t {
  read,    ///< must exist
  write,   ///< read and write; must exist
  create,  ///< read and write; must not exist
};

/// How writes to a file reach the disk.
enum class write_through : std::uint8_t {
  none,        ///< buffered; durable after sync()
  unbuffered,  ///< past the page cache (O_DIRECT) where possible; durable after sync()
  durable,     ///< each write is durable when it returns (O_DSYNC); unbuffered where possible
};

/// How a file is locked.
enum class lock_kind : std::uint8_t { shared, exclusive };

/// The beginning of a file in memory, given back by its destructor.
///
/// Threads: any.
class mapping {
 public:
  virtual ~mapping() = default;

  /// Only what was fetched may be looked at; what is written to the file meanwhile may show or not.
  virtual std::span<const std::byte> bytes() const noexcept = 0;
  /// Brings a range into memory, so that a disk that cannot be read answers here.
  ///
  /// Errors:  database_error, with path, offset and the system's reason.
  virtual result<void> fetch(std::uint64_t offset, std::size_t length) = 0;
  /// Says that a range will be fetched soon; returns at once.
  virtual void expect(std::uint64_t offset, std::size_t length) noexcept = 0;
  /// Whether all that was looked at was what the file holds: what was fetched may leave memory, and
  /// then be unreadable or cut off. Zeros stand there instead, from then on.
  ///
  /// Errors:  database_error, with path and offset.
  virtual result<void> check() const { return {}; }
};

/// An open file. Offsets, lengths and addresses of an unbuffered file are multiples of
/// `alignment()`.
///
/// Errors:  every call may answer database_error or disk_full, with path, offset and the system's
///          reason; after a failed write or sync nothing is known of what reached the disk.
/// Threads: distinct ranges may be read and written at once.
class file {
 public:
  virtual ~file() = default;

  /// Reads up to `out.size()` bytes; fewer only at the end of the file.
  virtual result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) = 0;
  /// Writes all of `bytes`.
  virtual result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
  /// Makes content and size durable.
  virtual result<void> sync() = 0;
  virtual result<std::uint64_t> size() = 0;
  virtual result<void> truncate(std::uint64_t size) = 0;
  /// Locks the file until it is closed: many may hold shared locks, or one the exclusive one, which
  /// needs a file opened for writing. False when others hold what is in the way.
  virtual result<bool> try_lock(lock_kind kind) = 0;
  /// Says that some bytes will be read soon, which may have to come from the disk; returns at once.
  /// Unless overridden, nothing happens.
  virtual void expect(std::uint64_t offset, std::size_t length) noexcept;
  /// Asks the system to forget what it keeps of the file in memory, so that reads show what the
  /// disk holds. What waits to be written stays, and the system may keep more. Unless overridden,
  /// nothing happens.
  virtual void drop_cache() noexcept {}
  /// The first `length` bytes, which the file must have, for as long as the mapping lives, also
  /// when the file is closed before. Unless overridden, a copy of them.
  virtual result<std::unique_ptr<mapping>> map(std::uint64_t length);
  /// Units:   bytes; 1 for buffered files, also where the file system knows no others.
  virtual std::size_t alignment() const noexcept = 0;
};

/// A page of memory that processes share through a file, with words in it to park on. Never synced:
/// it speaks of this start of the machine only.
///
/// Threads: any; what stands in it is read and written as atomics.
class shared_page {
 public:
  static constexpr std::size_t size = 4096;  // bytes

  virtual ~shared_page() = default;

  /// The page; not to be written to when it was opened for reading.
  virtual std::byte* data() noexcept = 0;
  /// As env::park, across processes.
  virtual void park(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                    std::optional<std::chrono::nanoseconds> timeout) = 0;
  virtual void wake_all(const std::atomic<std::uint32_t>& word) = 0;
};

/// What the system says of the file system that a directory is on.
struct volume_facts {
  std::string kind{};            ///< "ext4", "tmpfs"; in hexadecimal where the name is not known
  std::uint64_t free_bytes = 0;  ///< for this user
};

/// A lock on a file, given back by its destructor or by the end of the process.
class file_lock {
 public:
  virtual ~file_lock() = default;
};

/// A running thread; the destructor joins it.
class thread {
 public:
  virtual ~thread() = default;
  virtual void join() = 0;
};

/// How a thread stands against others that want processor and disk.
enum class thread_priority : std::uint8_t {
  normal,
  idle,  ///< only what nobody else wants, as far as the system can; it may stand still for long
};

/// What the library keeps for a thread. An env that runs several threads on one of the system's
/// gives each a state of its own, and enters it when it turns to that thread.
struct thread_state {
  bool completing = false;                                    ///< a completion is running
  std::deque<std::move_only_function<void()>> completions{};  ///< that came up meanwhile
  const void* awaited = nullptr;  ///< the wait of notify_past whose completion is running

  /// The calling thread's.
  static thread_state& current() noexcept;
  /// Makes `state` the calling thread's; null: the one it was born with.
  static void enter(thread_state* state) noexcept;
};

/// The world outside the program: files, clocks, randomness and threads. Production uses
/// `posix_env()`; tests inject one that crashes, tears writes, fills the disk and steps clocks.
/// Never park while holding a mutex, nor write to or sync a `durable` file: a simulated world runs
/// all threads on one, and changes between them there.
///
/// Threads: every call may be made from any thread.
class env {
 public:
  virtual ~env() = default;

  // Files. Paths are native; directories must exist unless stated otherwise.
  virtual result<std::unique_ptr<file>> open(const std::string& path, file_mode mode,
                                             write_through through) = 0;
  /// Creates a directory, and its parents, durably. No error when it exists.
  virtual result<void> create_directories(const std::string& path) = 0;
  virtual result<bool> exists(const std::string& path) = 0;
  virtual result<bool> is_directory(const std::string& path) = 0;
  /// The names in a directory, sorted, without "." and "..".
  virtual result<std::vector<std::string>> list(const std::string& path) = 0;
  virtual result<void> rename(const std::string& from, const std::string& to) = 0;
  /// Removes a file, or an empty directory.
  virtual result<void> remove(const std::string& path) = 0;
  /// Makes created, renamed and removed names of a directory durable.
  virtual result<void> sync_directory(const std::string& path) = 0;
  /// Locks a file for this process, creating it; writes the pid into it.
  ///
  /// Errors:  store_in_use, "in use by pid N".
  virtual result<std::unique_ptr<file_lock>> lock(const std::string& path) = 0;
  /// True while a process, this one included, holds the lock on a file.
  virtual result<bool> is_locked(const std::string& path) = 0;
  /// Shares a page through a file: `read` and `write` need it to exist, `create` makes it of zeros.
  virtual result<std::unique_ptr<shared_page>> share(const std::string& path, file_mode mode) = 0;
  /// How many pages of mappings in this process could not be read again; see mapping::check.
  virtual std::uint64_t lost_pages() noexcept { return 0; }
  virtual result<volume_facts> volume(const std::string& path) = 0;
  /// Differs after each start of the machine; nil where that is not known.
  virtual uuid boot_id() = 0;

  // Clocks.
  /// UTC; may step.
  virtual time_point now() = 0;
  /// Never goes back; unrelated to UTC.
  virtual std::chrono::nanoseconds monotonic() = 0;

  // Randomness, good enough for identifiers and salts.
  virtual void random(std::span<std::uint8_t> out) = 0;

  // Threads.
  /// How many threads of this process can run at once; at least 1.
  virtual unsigned processors() noexcept { return 1; }
  virtual std::unique_ptr<thread> spawn(std::string_view name, std::function<void()> body,
                                        thread_priority priority) = 0;
  std::unique_ptr<thread> spawn(std::string_view name, std::function<void()> body) {
    return spawn(name, std::move(body), thread_priority::normal);
  }
  /// Blocks while `word` holds `expected`, until woken or `timeout` has passed. May return early.
  virtual void park(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                    std::optional<std::chrono::nanoseconds> timeout) = 0;
  void park(const std::atomic<std::uint32_t>& word, std::uint32_t expected) {
    park(word, expected, std::nullopt);
  }
  virtual void wake_one(const std::atomic<std::uint32_t>& word) = 0;
  virtual void wake_all(const std::atomic<std::uint32_t>& word) = 0;
  /// Runs `task` on a background thread, `delay` from now or later. Tasks must be short.
  virtual void post(std::chrono::nanoseconds delay, std::move_only_function<void()> task) = 0;
};

/// The operating system's env; lives until the process ends.
env& posix_env();

/// Keeps posix_env() from handling SIGBUS in this process; to be called before it first maps a
/// file. A page of a mapping that cannot be read again then raises the signal where it is looked
/// at. Otherwise the first mapping installs a handler, which passes on what is not about a mapping
/// of this library to the handler that was there before.
///
/// Threads: any.
/// Source:  ADR 0028.
void leave_bus_errors_alone() noexcept;

}  // namespace v1
}  // namespace annals
