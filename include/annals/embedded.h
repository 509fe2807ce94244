#pragma once

#include <cstdint>
#include <functional>
#include <memory>
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
/// in whatever process.
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
  std::uint64_t indexes = 0;  ///< index files
  std::uint64_t bytes = 0;
  std::uint64_t torn_tail_bytes = 0;  ///< after the last acknowledged append; not damage
  std::vector<std::string> damage{};  ///< each with segment, offset and positions
};

/// Checks every byte of a store that nobody has open for writing, and changes nothing. `progress`
/// is called with bytes done and bytes in all, from the calling thread.
///
/// Errors:  not_a_store, store_too_new, store_in_use, database_error. Damage is not an error of the
///          call: it stands in the report.
result<verify_report> verify_embedded(
    const std::string& directory,
    const std::function<void(std::uint64_t done, std::uint64_t total)>& progress = {},
    env& environment = posix_env());

}  // namespace v1
}  // namespace annals
