#include "cached_tail.h"

#include <algorithm>

#include "bytes.h"
#include "log_scan.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

// Written are the bytes that were read, whatever the cache forgets meanwhile: none of them was
// acknowledged unless it is on the disk as well.
result<void> rewrite(file& of, std::uint64_t from, std::uint64_t end) {
  constexpr std::uint64_t step = 256U << 10U;
  aligned_bytes bytes(static_cast<std::size_t>(std::min(step, end - from)));
  for (; from < end; from += step) {
    const auto part =
        bytes.bytes().first(static_cast<std::size_t>(std::min<std::uint64_t>(step, end - from)));
    const auto got = of.read_at(from, part);
    if (!got) return std::unexpected(got.error());
    if (auto written = of.write_at(from, part.first(*got)); !written) return written;
  }
  return of.sync();
}

}  // namespace

result<void> settle_cached_tail(file& of, const segment_header& header, lsn closed) {
  segment_scan scan(of, header);
  for (;;) {
    const auto frame = scan.next();
    if (!frame) return std::unexpected(frame.error());
    if (!*frame) break;
  }
  const auto tail = examine_tail(of, header, scan.offset());
  if (!tail) return std::unexpected(tail.error());
  const auto proven = std::max(
      {lsn::at(header.number, first_frame_offset), closed, scan.durable(), tail->greatest_durable});
  if (proven > lsn::at(header.number, scan.offset())) return {};
  const auto from = round_down(proven.offset(), block_bytes);
  const auto end = round_up(tail->nonzero_end, block_bytes);
  return from < end ? rewrite(of, from, end) : result<void>{};
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
