#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "annals/uuid.h"

namespace annals {
inline namespace v1 {

/// The place of an event in a store: dense, gap-free and in commit order within its partition.
/// Sequence 0 is "nothing yet". There is no order across partitions, hence no `<`.
///
/// Units:   sequence in events, from 1; partition 0 in engines with one partition.
struct position {
  std::uint32_t partition = 0;
  std::uint64_t sequence = 0;

  /// "42", or "3:42" in partition 3.
  std::string to_string() const;
  friend constexpr bool operator==(position, position) noexcept = default;
};

/// What a reader has seen: the store, and per partition a sequence with a fingerprint of the event
/// there. A checkpoint of another history is answered `checkpoint_diverged`, never silently used.
/// The default value is the start: nothing seen, good for every store.
///
/// Threads: a value. Cost: allocates only for stores with more than one partition.
class checkpoint {
 public:
  struct mark {
    std::uint32_t partition = 0;
    std::uint64_t sequence = 0;
    std::uint64_t fingerprint = 0;
    friend bool operator==(const mark&, const mark&) noexcept = default;
  };

  checkpoint() = default;
  checkpoint(const uuid& store_id, mark seen);

  bool is_start() const noexcept { return first_.sequence == 0 && others_.empty(); }
  const uuid& store_id() const noexcept { return store_id_; }
  /// The mark of a partition; sequence 0 when nothing of it was seen.
  mark in(std::uint32_t partition) const noexcept;
  /// Records that everything up to `seen` in its partition was seen.
  void advance(const uuid& store_id, mark seen);

  /// Partial order: one checkpoint is before another when it is nowhere ahead of it. Checkpoints of
  /// different stores are unordered; the start is before all others.
  friend std::partial_ordering operator<=>(const checkpoint& a, const checkpoint& b) noexcept;
  friend bool operator==(const checkpoint& a, const checkpoint& b) noexcept = default;

  /// "start", or "<store id>@<partition>:<sequence>:<fingerprint in hex>[,…]".
  std::string to_string() const;
  /// Errors:  invalid_argument, naming what was found.
  static result<checkpoint> parse(std::string_view text);

 private:
  uuid store_id_{};
  mark first_{};
  std::vector<mark> others_{};
};

/// The fingerprint of an event, as checkpoints keep it: a mix of its event id.
std::uint64_t fingerprint_of(const uuid& event_id) noexcept;

}  // namespace v1
}  // namespace annals
