#pragma once

#include <memory>
#include <string_view>

#include "annals/store.h"

namespace annals {
inline namespace v1 {

/// How a store is opened.
struct open_options {
  bool create = true;      ///< make a new store where there is none (all but memory:)
  bool read_only = false;  ///< beside a writer or without one; postgres: from a standby too
  uuid store_id{};         ///< of a new store, to make it the copy of another; nil: a new one
};

/// Opens a store by its address: "file:DIRECTORY", "postgres://USER@HOST:PORT/DATABASE",
/// "postgres:" and libpq's keywords, or "memory:".
///
/// Errors:  invalid_argument for an unknown scheme; unsupported for an engine that the build leaves
///          out; not_a_store, store_too_new, store_in_use, store_corrupt, disk_full and
///          database_error from the engine.
/// Blocks:  while recovering what an earlier process left.
result<std::unique_ptr<event_store>> open(std::string_view address,
                                          const open_options& options = {},
                                          env& environment = posix_env());

}  // namespace v1
}  // namespace annals
