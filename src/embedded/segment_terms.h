#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "segment_replay.h"
#include "term.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Where a term stands in a segment, as the index of that should say.
struct term_places {
  std::uint64_t count = 0;  ///< events
  std::uint64_t marks = 0;  ///< sum over their places
  std::uint32_t last = 0;
};

/// What the events of one segment are of, as its index should say it.
///
/// Units:   72 bytes per term, up to 16 more in a table; nothing per event.
/// Threads: one.
class segment_terms {
 public:
  struct term {
    std::uint64_t hash = 0;  ///< that of index files
    std::uint64_t twin = 0;  ///< another one, so that terms which share the first are told apart
    term_places at{};
    term_kind kind{};
    const segment_replay::stream_map::value_type* stream = nullptr;  ///< when it is one
  };

  explicit segment_terms(std::uint64_t hash_seed) : seed_(hash_seed) {}

  /// Takes an event in, from a place of the segment; in the order of that. Of its stream, a replay
  /// tells.
  void add(const item_view& event, std::uint32_t place);
  /// No more events come: takes their streams in, and sorts. The replay must live longer.
  void finish(const segment_replay& replay);
  /// All terms, ascending by hash, when it was finished.
  std::span<const term> all() const noexcept { return terms_; }
  std::uint64_t hash_seed() const noexcept { return seed_; }

  /// The other hash of a term.
  static std::uint64_t twin_of(std::uint64_t hash_seed, term_kind kind,
                               std::span<const std::byte> bytes) noexcept {
    return term_hash(~hash_seed, kind, bytes);
  }

 private:
  static constexpr std::uint32_t few_numbers = 4'096;  // types or categories, found without a hash

  void note(term_kind kind, std::span<const std::byte> bytes, std::uint32_t place);
  void note(std::vector<std::uint32_t>& known, term_kind kind, std::uint32_t number,
            std::uint32_t place);
  std::uint32_t number_of(term_kind kind, std::span<const std::byte> bytes);
  void enter(std::uint32_t number, std::uint32_t place);
  std::uint32_t& table_slot(const term& sought);
  void grow_table();

  std::uint64_t seed_;
  std::vector<term> terms_{};
  std::vector<std::uint32_t> table_{};  // open addressing: numbers of terms, counted from 1
  std::vector<std::uint32_t> types_{};  // numbers of terms, counted from 1, by the type's
  std::vector<std::uint32_t> categories_{};
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
