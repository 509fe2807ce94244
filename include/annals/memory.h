#pragma once

#include <memory>

#include "annals/store.h"

namespace annals {
inline namespace v1 {

/// Makes a store that lives in memory: the smallest engine, for tests and as an illustration of how
/// to write one. Everything is gone with it.
///
/// `store_id` nil: a new one.
///
/// Units:   grows with the events; no bound but memory.
std::unique_ptr<event_store> make_memory_store(env& environment = posix_env(),
                                               const uuid& store_id = {});

}  // namespace v1
}  // namespace annals
