#pragma once

#include <functional>
#include <vector>

#include "index_segment.h"
#include "segment_index_builder.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// What indexing a segment has in common, wherever its content comes from: gathers slots of its
/// run, and writes its index file when all is known.
///
/// Threads: one.
class segment_indexing {
 public:
  segment_indexing(const sealed_context& context, const sealed_segment& of,
                   const sealed_log& before);

  sealed_segment& facts() noexcept { return found_.facts; }
  segment_index_builder& builder() noexcept { return builder_; }
  void add_text(dictionary_kind kind, std::string_view text);
  /// A stream that no segment before has.
  void add_first(const uuid& stream_key);
  /// A command or a change of retention: the place of its frame.
  void add_frame(term_kind kind, const uuid& id, lsn place);

  /// All of the segment is known: its facts but the sums and the index are set.
  ///
  /// Errors:  disk_full, database_error, those of looking up in the segments before.
  result<indexed_segment> finish(const segment_sums& sums);

 private:
  struct fresh_term {
    term_kind kind{};
    std::uint64_t hash = 0;
    auto operator<=>(const fresh_term&) const = default;
  };

  std::uint64_t hash_of(term_kind kind, std::span<const std::byte> bytes) const;
  result<void> mark_ambiguous();

  const sealed_context& context_;
  const sealed_log& before_;
  segment_index_builder builder_;
  indexed_segment found_{};
  std::vector<fresh_term> fresh_{};  // terms that no segment before has
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
