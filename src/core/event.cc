#include "annals/event.h"

namespace annals {
inline namespace v1 {

event_record::event_record(const event_view& view)
    : metadata_(view.metadata()), payload_(view.payload().begin(), view.payload().end()) {}

}  // namespace v1
}  // namespace annals
