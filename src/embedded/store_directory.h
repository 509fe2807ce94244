#pragma once

#include <memory>
#include <optional>

#include "annals/embedded.h"
#include "manifest.h"
#include "segment.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// A store's directory.
struct store_directory {
  store_paths paths{};
  std::unique_ptr<file_lock> lock{};  ///< for this process; null for readers
  uuid store_id{};
  std::optional<store_mark> closed{};  ///< how far the log went at the last clean close
};

/// How the log is written for what the options promise.
inline write_through written_through(const embedded_options& options) noexcept {
  return options.durability == durability::os ? write_through::none : write_through::durable;
}

/// Locks a directory and finds out which store it holds; makes one where the options want it.
///
/// Errors:  not_a_store, store_too_new, store_in_use, store_corrupt, disk_full, database_error.
result<store_directory> open_directory(const std::string& root, const embedded_options& options,
                                       env& environment);
/// Finds out which store a directory holds, beside whoever has it locked; changes nothing.
///
/// Errors:  not_a_store, store_too_new, store_corrupt, database_error.
result<store_directory> find_directory(const std::string& root, env& environment);

/// The directory of a store that may be damaged.
struct damaged_directory {
  store_directory directory{};
  std::string closed_problem{};  ///< what is wrong with `CLOSED`; empty: nothing
};
/// Locks the directory of a store that is there and finds out which it is, whatever `CLOSED` holds.
///
/// Errors:  not_a_store, store_too_new, store_in_use, store_corrupt for `ANNALS`, database_error.
result<damaged_directory> open_directory_for_repair(const std::string& root, env& environment);

/// A manifest that names no segment, with a hash seed of its own.
manifest empty_manifest(const uuid& store_id, env& environment);

/// Whether the store is still where it was found.
///
/// Errors:  not_a_store when it was deleted, moved, or another one stands there; store_corrupt,
///          database_error.
result<void> check_still_there(const store_directory& directory, env& environment);

/// Records how far the log went, at a clean close.
result<void> write_closed(env& environment, const store_directory& directory, lsn end,
                          std::uint64_t last_sequence);

/// Writes a file under a temporary name, durably, and gives it its name.
result<void> replace_file(env& environment, const std::string& folder, const std::string& path,
                          std::span<const std::byte> content);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
