#pragma once

#include <memory>

#include "index_match.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Reads the index file of a sealed segment, and the segment, and checks that all of both holds.
///
/// Errors:  store_corrupt naming the file and what is wrong; database_error.
result<void> check_segment_index(const std::shared_ptr<const sealed_context>& context,
                                 const sealed_segment& facts);
/// The same, and holds the index against the segment that was read; answers what match_index does.
result<set_sums> check_segment_index(const std::shared_ptr<const sealed_context>& context,
                                     const sealed_segment& facts, const segment_replay& replay,
                                     const segment_terms& terms);

/// Reads a run and checks all of it. Answers how many slots are of one term each, not ambiguous.
///
/// Errors:  store_corrupt naming the file and what is wrong; database_error.
result<std::uint64_t> check_run(const sealed_context& context, const known_run& known);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
