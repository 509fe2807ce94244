#pragma once

#include "segment.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Makes durable what a reader of a segment sees behind the place up to which its frames, or
/// `closed`, prove that it is on the disk; docs/format.md, "Opening", 2. For files that are written
/// through the page cache: after a failed sync that may show bytes that never reached the disk, and
/// show others later. What turns out to be damage is left as it is.
///
/// Errors:  database_error, disk_full; store_too_new for a frame that must be understood.
/// Cost:    a scan of the segment, and a write of what was in flight when the writer died.
/// Source:  ADR 0034.
result<void> settle_cached_tail(file& of, const segment_header& header, lsn closed);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
