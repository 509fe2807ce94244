#pragma once

#include "annals/history.h"

namespace annals {
inline namespace v1 {

/// Checks an append against limits.h and the rules of requests.h, before any engine sees it.
///
/// Errors:  invalid_argument, limit_exceeded, unsupported (a clause `info` refuses); the message
///          names the clause.
result<void> check_append(const append_request& request, const store_info& info);
/// The same for the other calls.
result<void> check_read(const read_request& request);
result<void> check_list(const list_request& request);
result<void> check_snapshot(const snapshot_write& write);
result<void> check_import(std::span<const history_entry> entries);

}  // namespace v1
}  // namespace annals
