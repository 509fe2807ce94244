#pragma once

#include "annals/event.h"
#include "frame.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// All that is known of an event: from its item, and from the front of the frame that it stands in.
/// Both were checked.
event_metadata metadata_of(const event_view& view, const event_header& facts,
                           std::string_view stream, const item_view& item, const std::byte* frame);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
