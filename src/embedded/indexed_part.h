#pragma once

#include "sealed_log.h"
#include "segment_replay.h"
#include "segment_terms.h"
#include "set_sums.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// What one indexed segment says of the others, held against the runs.
struct indexed_part {
  set_sums goes_on{};       ///< ends that its streams go on from
  set_sums goes_on_to{};    ///< ends here that, as the runs say, are not the last
  set_sums linked{};        ///< types, categories and tags here that, as they say, come again
  std::uint64_t slots = 0;  ///< of one term each, that are of this segment
  bool doubtful = false;    ///< the runs do not fit, or could not be read
};

/// A term in a segment, for sums over those that come again behind it.
struct linked_term {
  std::uint64_t hash = 0;
  std::uint64_t twin = 0;
  std::uint64_t kind = 0;
  std::uint64_t segment = 0;
};

/// Holds an indexed segment against the runs, which must be of all such segments, and leaves in the
/// replay what only log_join can judge. When no part is doubtful, the sums over all parts of what
/// is gone on from and to are equal, and all slots of one term each were found, then every stream
/// is one chain of events, each following the one before it, every command id stands once, and the
/// runs say where each term stands last, and of no others.
///
/// Cost:    a page of each run from the segment's on, per term of the segment.
/// Threads: any, each with a replay of its own.
indexed_part look_up(const sealed_log& sealed, std::uint64_t segment, segment_replay& of,
                     const segment_terms& terms);

/// The newest place of a stream or command in the runs; 0: none. The log is asked only where two
/// terms have one hash.
///
/// Errors:  those of sealed_log.
result<lsn> newest_in_runs(const sealed_log& log, term_kind kind, const uuid& id);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
