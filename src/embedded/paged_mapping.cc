#include "paged_mapping.h"

namespace annals {
inline namespace v1 {
namespace embedded {

paged_mapping::paged_mapping(std::unique_ptr<mapping> of, std::uint64_t length)
    : mapped_(std::move(of)),
      bytes_(mapped_->bytes().data()),
      pages_(std::make_unique<std::atomic<std::uint64_t>[]>(length / page_bytes / bits + 1)) {}

result<void> paged_mapping::fetch(std::uint64_t offset, std::uint64_t length,
                                  std::uint64_t settled) const {
  const auto end = (offset + length + page_bytes - 1) / page_bytes;
  for (auto page = offset / page_bytes; page < end; ++page) {
    if (is_fetched(page * page_bytes)) continue;
    mapped_->expect(page * page_bytes, page_bytes);  // and no more: the system would read ahead
    if (auto got = mapped_->fetch(page * page_bytes, page_bytes); !got) return got;
    if ((page + 1) * page_bytes <= settled)
      pages_[page / bits].fetch_or(std::uint64_t{1} << page % bits, std::memory_order_relaxed);
  }
  return {};
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
