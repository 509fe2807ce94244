#pragma once

#include <array>
#include <unordered_set>

#include "sealed_log.h"
#include "segment_replay.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Sums over ends of streams, in any order: equal sums are of the same ends, but for a chance of
/// 2^-128.
struct stream_sums {
  std::array<std::uint64_t, 2> parts{};

  void add(const uuid& key, const stream_end& end);
  stream_sums& operator+=(const stream_sums& other) noexcept {
    for (std::size_t i = 0; i < parts.size(); ++i) parts[i] += other.parts[i];
    return *this;
  }
  friend bool operator==(const stream_sums&, const stream_sums&) = default;
};

/// What one indexed segment says of the others, held against the runs.
struct indexed_part {
  stream_sums goes_on{};     ///< ends that its streams go on from
  stream_sums goes_on_to{};  ///< ends here that, as the runs say, are not the last
  bool doubtful = false;     ///< the runs do not fit, or could not be read
};

/// Holds an indexed segment against the runs, which must be of all such segments, and leaves in the
/// replay what only log_join can judge. When no part is doubtful, and the sums over all parts of
/// what is gone on from and to are equal, every stream is one chain of events, each following the
/// one before it, and every command id stands once.
///
/// Cost:    one page of a run per stream and command of the segment.
/// Threads: any, each with a replay of its own.
indexed_part look_up(const sealed_log& sealed, segment_replay& of);

/// Holds what segments say of those before them against those, in the order of the log.
///
/// Units:   100 bytes per stream and 40 per command of segments that have no index; of the others,
///          per stream that was named and had no events. All texts of the dictionaries.
/// Threads: one.
class log_join {
 public:
  /// Looks in `sealed` for what the indexed segments hold; null: none are.
  log_join(const sealed_log* sealed, env& environment) : sealed_(sealed), env_(environment) {}

  /// Adds the next segment; an indexed one must have been looked up. Answers the first
  /// contradiction; of no use after one.
  ///
  /// Errors:  store_corrupt, database_error: an index could not be read.
  result<std::optional<contradiction>> add(const segment_replay& of, bool indexed);

  const std::vector<std::string>& types() const noexcept { return types_; }
  const std::vector<std::string>& categories() const noexcept { return categories_; }

 private:
  void add_texts(std::vector<std::string>& to, const segment_replay::texts& from,
                 std::string_view unknown);
  result<void> add_stream(const uuid& key, const segment_replay::stream& one, bool indexed);
  result<void> add_command(const uuid& id, lsn place);
  result<std::optional<stream_end>> find(const uuid& key, bool indexed);
  result<std::optional<stream_end>> find_indexed(const uuid& key);
  void contradict(lsn place, std::string what);

  const sealed_log* sealed_;
  env& env_;
  std::unique_ptr<file> open_{};  // the segment that was looked into last
  std::string open_path_{};
  std::unordered_map<uuid, stream_end> ends_{};
  std::unordered_set<uuid> commands_{};
  std::vector<std::string> types_{};
  std::vector<std::string> categories_{};
  std::optional<contradiction> first_{};
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
