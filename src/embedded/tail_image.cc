#include "tail_image.h"

#include <algorithm>

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::size_t free_pages_kept = 2;

}  // namespace

std::shared_ptr<aligned_bytes> tail_image::page(std::size_t bytes) {
  std::unique_ptr<aligned_bytes> made;
  if (bytes <= page_bytes) {
    const std::scoped_lock lock(free_->mutex);
    if (!free_->pages.empty()) {
      made = std::move(free_->pages.back());
      free_->pages.pop_back();
    }
  }
  if (!made) made = std::make_unique<aligned_bytes>(std::max(bytes, page_bytes));
  return {made.release(), [home = free_](aligned_bytes* returned) {
            std::unique_ptr<aligned_bytes> owned(returned);
            const std::scoped_lock lock(home->mutex);
            if (owned->size() == page_bytes && home->pages.size() < free_pages_kept)
              home->pages.push_back(std::move(owned));
          }};
}

void tail_image::add(log_stretch written) {
  std::vector<log_stretch> gone;  // freed without the lock
  const std::scoped_lock lock(mutex_);
  if (stretches_.empty() || stretches_.back().page != written.page) held_ += written.page->size();
  stretches_.push_back(std::move(written));
  while (held_ > budget_ && stretches_.size() > 1) {
    gone.push_back(std::move(stretches_.front()));
    stretches_.pop_front();
    if (stretches_.front().page != gone.back().page) held_ -= gone.back().page->size();
  }
}

std::optional<log_stretch> tail_image::find(lsn place) const {
  const std::scoped_lock lock(mutex_);
  const auto after = std::ranges::upper_bound(stretches_, place, {}, &log_stretch::begin);
  if (after == stretches_.begin()) return std::nullopt;
  const auto& found = *std::prev(after);
  if (place < found.end) return found;
  return std::nullopt;
}

std::optional<lsn> tail_image::begin() const {
  const std::scoped_lock lock(mutex_);
  if (stretches_.empty()) return std::nullopt;
  return stretches_.front().begin;
}

std::vector<log_stretch> tail_image::up_to(lsn end) const {
  const std::scoped_lock lock(mutex_);
  const auto after = std::ranges::upper_bound(stretches_, end, {}, &log_stretch::end);
  return {stretches_.begin(), after};
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
