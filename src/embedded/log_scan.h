#pragma once

#include <functional>
#include <optional>
#include <string>

#include "annals/env.h"
#include "frame.h"
#include "segment.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// A file seen through a moving window in memory.
class file_window {
 public:
  file_window(file& from, std::uint64_t size) : file_(from), size_(size) {}

  /// Sees so many bytes of the file from now on, and reads again what it has read.
  void renew(std::uint64_t size) noexcept {
    size_ = size;
    filled_ = 0;
  }

  /// Bytes at an offset, valid until the next call; fewer only at the end of the file.
  ///
  /// Errors:  database_error.
  result<std::span<const std::byte>> at(std::uint64_t offset, std::size_t length);
  std::uint64_t size() const noexcept { return size_; }

 private:
  file& file_;
  std::uint64_t size_;
  std::uint64_t start_ = 0;
  std::size_t filled_ = 0;
  std::optional<aligned_bytes> buffer_{};
};

/// Why a scan of a segment stopped.
enum class scan_stop : std::uint8_t {
  end,     ///< no more frames: the length is 0, or the segment is full
  sealed,  ///< after a seal
  bad,     ///< something that is no valid frame; `problem` tells
};

/// Goes through the frames of a segment and checks each: length, CRCs, place, order, links.
class segment_scan {
 public:
  segment_scan(file& from, const segment_header& header)
      : window_(from, header.capacity),
        header_(header),
        seed_(seed_of(header.salt)),
        next_sequence_(header.first_sequence),
        last_crc_(header.previous_crc),
        clock_(header.clock),
        limit_(header.capacity) {}

  /// The next frame, valid until the next call; none when the scan has stopped.
  ///
  /// Errors:  database_error; store_too_new for a frame that must be understood.
  result<std::optional<frame_view>> next();

  /// Goes on, behind the last good frame, with what stands in the file now; up to `limit`, where a
  /// frame ends.
  void go_on_to(std::uint64_t limit);

  scan_stop stop() const noexcept { return stop_; }
  const std::string& problem() const noexcept { return problem_; }
  std::uint64_t offset() const noexcept { return offset_; }  ///< behind the last good frame
  std::uint64_t next_sequence() const noexcept { return next_sequence_; }
  std::uint32_t last_crc() const noexcept { return last_crc_; }
  std::uint32_t last_length() const noexcept { return last_length_; }
  std::uint64_t frames() const noexcept { return frames_; }
  std::uint64_t clock() const noexcept { return clock_; }
  lsn last_place() const noexcept { return last_place_; }
  lsn durable() const noexcept { return durable_; }  ///< the greatest durable LSN seen

  /// Goes on behind damage, at the next frame whose header holds; false when there is none.
  result<bool> resynchronise();

 private:
  std::optional<std::string> header_problem(const frame_header& found, const std::byte* at) const;

  file_window window_;
  segment_header header_;
  std::uint32_t seed_;
  std::uint64_t offset_ = first_frame_offset;
  std::uint64_t next_sequence_;
  std::uint32_t last_crc_;
  std::uint32_t last_length_ = 0;
  std::uint64_t clock_;
  std::uint64_t limit_;
  std::uint64_t frames_ = 0;
  lsn last_place_{};
  lsn durable_{};
  scan_stop stop_ = scan_stop::end;
  std::string problem_{};
  bool stopped_ = false;
};

/// What stands behind the last good frame of a segment.
struct tail_facts {
  std::uint64_t nonzero_end = 0;  ///< behind the last byte that is not zero; the start when all are
  lsn greatest_durable{};         ///< of the headers that hold
  std::uint64_t next_sequence = 0;  ///< first sequence of the first header behind it that holds
  std::uint64_t next_offset = 0;    ///< where that header stands; 0: none
};

/// Looks at every byte from `offset` to the end.
///
/// Errors:  database_error.
result<tail_facts> examine_tail(file& from, const segment_header& header, std::uint64_t offset);

/// True when a segment holds no frame, as a crash leaves one that was just named; false when its
/// header does not hold.
///
/// Errors:  database_error, store_too_new.
result<bool> holds_no_frame(env& environment, const std::string& path, const uuid& store_id,
                            std::uint64_t number);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
