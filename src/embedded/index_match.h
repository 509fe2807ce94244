#pragma once

#include "indexed_part.h"
#include "mapped_segment.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Holds the index of a segment, which was opened, against the segment that was read: it must hold
/// in itself, as segment_index::check finds, and have all terms, places of events and names that
/// the segment has, and no others. Answers the sum of where it says that types, categories and tags
/// stood before.
///
/// Errors:  store_corrupt naming the index file and what it says otherwise; database_error.
/// Cost:    that of the check, and a look into the segment per name.
result<set_sums> match_index(const mapped_segment& in, const segment_replay& replay,
                             const segment_terms& terms);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
