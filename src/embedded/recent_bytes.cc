#include "recent_bytes.h"

#include <algorithm>

namespace annals {
inline namespace v1 {
namespace embedded {

void recent_bytes::stretch::extend(stretch more) noexcept {
  if (more.begin <= end && begin <= more.end)
    *this = {std::min(begin, more.begin), std::max(end, more.end)};
  else if (more.end - more.begin > end - begin)
    *this = more;
}

result<const paged_mapping*> recent_bytes::open(file& from, std::uint64_t capacity) {
  const std::scoped_lock lock(mutex_);
  if (!mapped_) {
    auto made = from.map(capacity);
    if (!made) return std::unexpected(made.error());
    in_mapping_.make_room(capacity);
    in_memory_.make_room(capacity);
    mapped_ = std::make_unique<paged_mapping>(std::move(*made), capacity);
  }
  return mapped_.get();
}

recent_bytes::stretch recent_bytes::checked() const {
  const std::scoped_lock lock(mutex_);
  return checked_;
}

void recent_bytes::note_checked(stretch more) {
  const std::scoped_lock lock(mutex_);
  checked_.extend(more);
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
