#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "annals/store.h"

namespace annals {
inline namespace v1 {

/// How an embedded store is opened.
struct embedded_options {
  bool create = true;      ///< make a new store where the directory is missing or empty
  bool read_only = false;  ///< beside a writer or without one; nothing is changed or repaired
  /// Of new segments: 16 KiB to 4 GiB, a multiple of 4 KiB; below 4 MiB only for tests.
  std::uint64_t segment_bytes = 64U << 20U;
  uuid store_id{};  ///< of a new store, to make it the copy of another; nil: a new one
  /// Or os: an append is acknowledged once the operating system has it, and outlives the process. A
  /// power cut may take the newest ones, back to the beginning of the segment at most; what is left
  /// is a prefix. Each time the store is opened for writing one may say otherwise.
  annals::durability durability = durability::power_loss;
};

/// Opens the store in a directory: an append-only log of checksummed segments. One process at a
/// time writes it; any number read it meanwhile.
///
/// For writing, a torn tail (never acknowledged) is copied to `lost/` and removed. Damage before
/// the end is refused. Opened read-only, each call shows what was acknowledged before it began,
/// in whatever process. Sealed segments and index files are mapped: where such a file cannot be
/// read any more, or was cut off, calls answer database_error naming it. Events that a read lends
/// meanwhile may then show zeros, and that read ends with the error; see leave_bus_errors_alone().
///
/// Errors:  invalid_argument of options out of range; not_a_store, store_too_new, store_in_use ("in
///          use by pid N"; not when read-only),
///          store_corrupt (with segment, offset and positions), disk_full, database_error.
///          Calls of a read-only store also answer not_a_store when it was deleted or replaced, and
///          in_doubt for a checkpoint that, since a power cut, nothing proves.
/// Blocks:  while the log is scanned.
/// Source:  docs/format.md; docs/consistency.md, "Readers in other processes".
result<std::unique_ptr<event_store>> open_embedded(const std::string& directory,
                                                   const embedded_options& options = {},
                                                   env& environment = posix_env());

/// What verify found: counts, and every piece of damage in words.
struct verify_report {
  std::uint64_t segments = 0;
  std::uint64_t frames = 0;
  std::uint64_t events = 0;
  std::uint64_t snapshots = 0;
  std::uint64_t indexes = 0;          ///< index files
  std::uint64_t bytes = 0;            ///< of segments, snapshots and index files
  std::uint64_t torn_tail_bytes = 0;  ///< after the last acknowledged append; not damage
  std::vector<std::string> damage{};  ///< each with segment, offset and positions
};

/// Checks every byte of a store that nobody has open for writing, and changes nothing: each segment
/// by itself, on as many threads as the env has processors, and what segments say of each other.
/// `progress` is called with bytes done and bytes in all, from the calling thread.
///
/// Units:   memory: per thread two segments' worth of 140 bytes per stream and 50 per command; of
///          the log as a whole only its types, categories and streams that never had an event. When
///          index files do not hold, also 100 bytes per stream and 40 per command of the log.
///          Mapped files come on top, which the system may drop.
/// Errors:  not_a_store, store_too_new, store_in_use, database_error. Damage is not an error of the
///          call: it stands in the report.
result<verify_report> verify_embedded(
    const std::string& directory,
    const std::function<void(std::uint64_t done, std::uint64_t total)>& progress = {},
    env& environment = posix_env());

/// What a repair may do.
struct repair_options {
  bool accept_loss =
      false;  ///< cut a damaged log at its first damage; else only what loses nothing
};

/// A stream that loses events, as far as intact frames behind the damage tell.
struct lost_stream {
  std::string name{};  ///< its key where no intact frame has the name
  version first{};
  version last{};

  friend bool operator==(const lost_stream&, const lost_stream&) = default;
};

/// What is lost when the log is cut at its first damage.
struct log_loss {
  std::string file{};                        ///< the segment
  std::uint64_t offset = 0;                  ///< in it; 0: all of it, or it is missing
  std::string reason{};                      ///< what is wrong there
  std::uint64_t first_position = 0;          ///< this one and all behind it
  std::uint64_t last_position = 0;           ///< the last one known of; before the first: none is
  std::uint64_t readable_events = 0;         ///< of them, in intact frames behind the damage
  std::uint64_t streams = 0;                 ///< that the readable ones are of
  std::vector<lost_stream> first_streams{};  ///< the first few of those
  std::uint64_t bytes = 0;                   ///< that are moved aside
};

/// What a repair found and did; files are named by their paths.
struct repair_report {
  std::vector<std::string> damage{};  ///< found before: each with file and place
  std::optional<log_loss> loss{};     ///< what was lost; when nothing was changed, would be
  bool changed = false;               ///< whether the repair wrote anything
  std::vector<std::string> moved{};   ///< files in `lost/`, new
  std::vector<std::string> remade{};  ///< made again from the log
  verify_report after{};              ///< of the repaired store; empty when loss was not accepted
};

/// Makes a store that nobody has open whole again; deletes nothing, but moves what is damaged into
/// `lost/`. What is lost without `accept_loss` is only told, and then nothing is changed. After a
/// crash or an error, the next call goes on.
///
/// Errors:  not_a_store, store_too_new, store_in_use, store_corrupt for `ANNALS`, disk_full,
///          database_error. Damage elsewhere is not an error of the call: it stands in the report.
/// Blocks:  while the log is read, once where nothing is wrong, else three times, and indexed once.
/// Source:  docs/format.md, "Repair".
result<repair_report> repair_embedded(
    const std::string& directory, const repair_options& options = {},
    const std::function<void(std::uint64_t done, std::uint64_t total)>& progress = {},
    env& environment = posix_env());

/// What was measured of a directory, and what the system says of it.
struct storage_facts {
  std::string file_system{};       ///< its kind, as env::volume names it
  std::uint64_t free_bytes = 0;    ///< for this user
  bool unbuffered = false;         ///< whether O_DIRECT is accepted
  std::uint64_t writes = 0;        ///< measured: 4 KiB each, durable, over zeros
  std::chrono::nanoseconds p50{};  ///< half of them took at most this
  std::chrono::nanoseconds p99{};
  std::chrono::nanoseconds max{};
};

/// Measures durable writes in a directory, which need not hold a store, with a file that it makes
/// and removes.
///
/// Errors:  not_a_store when there is no such directory; disk_full, database_error.
/// Blocks:  for a few hundred writes.
result<storage_facts> measure_storage(const std::string& directory, env& environment = posix_env());

/// What speaks against keeping a store there, in words; none when nothing does.
std::vector<std::string> suspicions(const storage_facts& facts, std::uint64_t segment_bytes);

}  // namespace v1
}  // namespace annals
