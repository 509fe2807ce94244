#pragma once

#include <vector>

#include "byte_count.h"
#include "sealed_log.h"
#include "store_directory.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// What is to be checked, and by what.
struct log_to_check {
  const store_directory& directory;
  const std::vector<std::uint64_t>& numbers;  ///< of the segments that are there, ascending
  const std::vector<std::uint64_t>& sizes;    ///< of their files
  const manifest* known = nullptr;            ///< whose index files are checked too; null: none are
  const sealed_log* sealed = nullptr;         ///< of `known`, its runs checked; null: not to be had
  std::uint64_t slots = 0;                    ///< in those runs, of one term each
};

/// What was found, in the order of the log.
struct checked_log {
  std::uint64_t segments = 0;
  std::uint64_t frames = 0;
  std::uint64_t events = 0;
  std::uint64_t indexes = 0;
  std::uint64_t torn_tail_bytes = 0;
  std::vector<std::string> damage{};
  std::vector<std::string> index_damage{};
  bool fits_runs = true;  ///< false: log and runs contradict; the log alone tells which is wrong
};

/// Checks all segments of a log, and their index files, each by itself on as many threads as there
/// are processors, and what they say of each other.
///
/// Errors:  store_too_new, database_error.
/// Units:   memory: that of check_segment for twice as many segments as there are threads, and of
///          log_join.
/// Threads: `counted` is told by the calling one.
result<checked_log> check_log(const log_to_check& of, byte_count& counted, env& environment);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
