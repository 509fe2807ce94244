#pragma once

#include <functional>

#include "log_join.h"
#include "log_scan.h"
#include "manifest.h"
#include "store_directory.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// What the bytes of one segment are, without those of others.
struct checked_segment {
  std::uint64_t number = 0;
  std::optional<segment_header> header{};  ///< none: it does not hold
  std::vector<std::string> damage{};       ///< in order; the contradiction goes before it
  std::optional<contradiction> contradicts{};
  bool intact = true;  ///< the header and all frames there should be hold
  bool sealed = false;
  lsn end{};  ///< behind its last frame
  lsn last_place{};
  std::uint32_t last_crc = 0;
  std::uint64_t next_sequence = 0;
  std::uint64_t clock = 0;
  std::uint64_t frames = 0;
  std::uint64_t events = 0;
  std::uint64_t torn_tail_bytes = 0;
  segment_replay replay{0};
  segment_terms terms{0};  ///< of an indexed segment
};

/// How to check one.
struct segment_task {
  std::uint64_t number = 0;
  bool last = false;                         ///< of the log, so that it may end without a seal
  std::optional<std::uint64_t> hash_seed{};  ///< of an indexed segment, whose terms are wanted
};

/// Reads a segment and checks each byte. `advance` hears of bytes that were read.
///
/// Errors:  store_too_new, database_error. Damage is not an error of the call.
/// Units:   memory: a window of 1 MiB, or the largest frame; that of segment_replay and, of an
///          indexed segment, segment_terms.
/// Threads: any.
result<checked_segment> check_segment(const store_directory& directory, const segment_task& task,
                                      const std::function<void(std::uint64_t)>& advance,
                                      env& environment);

/// True when `MANIFEST` has a segment, all of whose frames hold, as it is.
bool has_as_it_is(const sealed_segment& facts, const checked_segment& found) noexcept;

}  // namespace embedded
}  // namespace v1
}  // namespace annals
