#pragma once

#include <unordered_set>

#include "indexed_part.h"

namespace annals {
inline namespace v1 {
namespace embedded {

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
