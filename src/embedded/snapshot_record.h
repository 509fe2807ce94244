#pragma once

#include <optional>
#include <span>
#include <vector>

#include "annals/requests.h"
#include "segment.h"
#include "snapshot_format.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Reads the header of a snapshot file; none when it is not one of this store.
result<std::optional<snapshot_file_header>> read_snapshot_header(file& from, const uuid& store_id);

/// A record as it is written, its CRCs and length filled in.
std::vector<std::byte> encode_snapshot(snapshot_record& record, std::span<const std::byte> state,
                                       std::uint32_t seed);

/// The header of the record that some bytes begin with; none when it does not hold, or is longer
/// than `room`.
std::optional<snapshot_record> snapshot_record_in(std::span<const std::byte> bytes,
                                                  std::uint64_t room, std::uint32_t seed) noexcept;

/// The snapshot that a whole record holds; none when its CRCs do not.
std::optional<snapshot> snapshot_in(std::span<const std::byte> bytes, std::uint32_t seed);

/// Goes through the records of a snapshot file in their order, up to the first that does not hold.
///
/// Errors:  database_error.
/// Units:   64 KiB of memory, or the longest record.
/// Threads: one.
class snapshot_cursor {
 public:
  /// Of a file with so many bytes, from an offset on at which a record may begin.
  snapshot_cursor(file& from, std::uint64_t size, std::uint32_t seed,
                  std::uint64_t begin = block_bytes)
      : from_(from), size_(size), seed_(seed), offset_(begin), end_(begin) {}

  /// The next record; false behind the last that holds.
  result<bool> next();
  std::uint64_t offset() const noexcept { return offset_; }
  const snapshot_record& record() const noexcept { return record_; }
  std::uint32_t seed() const noexcept { return seed_; }
  /// All of the record; valid until the next call.
  result<std::span<const std::byte>> bytes();
  /// Where the records that were seen end.
  std::uint64_t end() const noexcept { return end_; }

 private:
  result<std::span<const std::byte>> window(std::uint64_t offset, std::uint64_t length);

  file& from_;
  std::uint64_t size_;
  std::uint32_t seed_;
  std::uint64_t offset_;
  std::uint64_t end_;
  snapshot_record record_{};
  std::vector<std::byte> held_{};
  std::uint64_t held_from_ = 0;
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
