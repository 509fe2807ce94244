#pragma once

#include "frame.h"
#include "log_index.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Enters a checked frame of the log into the index. Gives what contradicts what stands before it,
/// in words; none when all is well. The index is of no use after a contradiction.
std::optional<std::string> replay(log_index& index, const frame_view& frame);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
