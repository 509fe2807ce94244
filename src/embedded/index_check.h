#pragma once

#include <memory>

#include "mapped_segment.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Reads the index file of a sealed segment, and the segment, and checks that all of both holds.
///
/// Errors:  store_corrupt naming the file and what is wrong; database_error.
result<void> check_segment_index(const std::shared_ptr<const sealed_context>& context,
                                 const sealed_segment& facts);

/// Reads a run and checks all of it.
///
/// Errors:  store_corrupt naming the file and what is wrong; database_error.
result<void> check_run(const sealed_context& context, const known_run& known);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
