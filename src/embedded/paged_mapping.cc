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
  auto page = offset / page_bytes;
  while (page < end && is_fetched(page * page_bytes)) ++page;
  if (page == end) return {};
  const auto begin = page * page_bytes;
  const auto missing = static_cast<std::size_t>(end * page_bytes - begin);
  mapped_->expect(begin, missing);  // and no more: the system would read ahead
  if (auto got = mapped_->fetch(begin, missing); !got) return got;
  for (; page < end && (page + 1) * page_bytes <= settled; ++page)
    pages_[page / bits].fetch_or(std::uint64_t{1} << page % bits, std::memory_order_relaxed);
  return {};
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
