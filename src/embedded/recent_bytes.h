#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "checked_events.h"
#include "paged_mapping.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// The file of a segment that has no index file yet, mapped, and which part of it was checked, by
/// walks frame by frame or event by event: what was summed once is not summed again. Writes past
/// the page cache drop the mapped pages that they change before they return, so what is durable
/// shows (ADR 0033).
///
/// Threads: any.
class recent_bytes {
 public:
  /// Whole frames, by their offsets.
  struct stretch {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;

    bool holds(std::uint64_t from, std::uint64_t to) const noexcept {
      return begin <= from && to <= end;
    }
    /// Goes on with what follows; of stretches that do not touch, the longer one stays.
    void extend(stretch more) noexcept;
  };

  /// The mapping, made by the first call.
  ///
  /// Errors:  store_corrupt when the file is cut off; database_error.
  result<const paged_mapping*> open(file& from, std::uint64_t capacity);
  stretch checked() const;
  void note_checked(stretch more);

  /// Once it is open: events that were checked in the mapping, and in the memory of this process
  /// that they were written from.
  checked_events& events_in_mapping() noexcept { return in_mapping_; }
  checked_events& events_in_memory() noexcept { return in_memory_; }

 private:
  mutable std::mutex mutex_{};
  std::unique_ptr<paged_mapping> mapped_{};
  stretch checked_{};
  checked_events in_mapping_{};
  checked_events in_memory_{};
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
