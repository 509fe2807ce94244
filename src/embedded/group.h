#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "annals/store.h"
#include "segment.h"
#include "segment_sum.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// An answer that waits for a group to be durable.
struct pending_answer {
  completion<appended> done{};
  result<appended> answer{};
  std::size_t bytes = 0;  ///< staged for it, counted against limits::appends_in_flight_bytes
  bool counted = false;   ///< against limits::appends_in_flight
  bool lent = false;  ///< its caller is blocked and leads; `done` may run on any leader's thread
};

/// The frames that one write makes durable, and who waits for them. Guarded by the log's mutex, but
/// for the bytes of a closed group, which do not change any more.
struct commit_group {
  std::shared_ptr<segment> into{};
  std::shared_ptr<segment> successor{};  ///< named before this group, which ends with a seal
  std::shared_ptr<aligned_bytes> page{};
  std::byte* memory = nullptr;         ///< of `base`; in the page
  std::uint64_t base = 0;              ///< offset in the segment, a multiple of the alignment
  std::size_t prefix = 0;              ///< bytes from `base` that are durable already
  std::size_t used = 0;                ///< bytes from `base`, prefix included
  std::size_t room = 0;                ///< bytes from `base` that the page has
  std::optional<segment_sums> sums{};  ///< of the segment that ends with this group, when written
  bool closed = false;
  bool lent = false;  ///< somebody who waits for it leads
  std::uint64_t last_sequence = 0;
  uuid last_event{};
  std::vector<pending_answer> waiting{};
  std::atomic<std::uint32_t> word{0};  ///< blocked callers park on it
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
