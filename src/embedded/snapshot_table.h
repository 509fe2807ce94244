#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "segment.h"
#include "snapshot_format.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Where the record of a snapshot stands.
struct snapshot_place {
  std::uint64_t file = 0;    ///< its number; 0: there is none
  std::uint64_t offset = 0;  ///< bytes
  std::uint64_t length = 0;  ///< of the record, bytes

  friend bool operator==(const snapshot_place&, const snapshot_place&) = default;
};

/// The two snapshots of a stream and shape that count: the previous one, when the newest is damaged
/// or of another history.
struct kept_snapshots {
  snapshot_place newest{};
  snapshot_place previous{};

  friend bool operator==(const kept_snapshots&, const kept_snapshots&) = default;
};

/// What the writer keeps in the table's header beside it.
struct snapshot_ledger {
  std::uint64_t file = 0;            ///< the one that is written; 0: none yet
  std::uint64_t end = 0;             ///< of its records
  std::uint64_t counting_bytes = 0;  ///< of the records that the table knows
  bool clean = false;                ///< all of it is on the disk
  bool doubtful = false;             ///< the machine has stopped without that, once

  friend bool operator==(const snapshot_ledger&, const snapshot_ledger&) = default;
};

/// Finds the snapshots of a stream and shape: a file of pages of 4,096 bytes, which a hash selects,
/// with 128 slots each. Of two that have one hash the one that was put last is known. What a slot
/// says is only where to look: it is never synced before the snapshots are, and the record found
/// must be the one that was asked for.
///
/// Errors:  database_error, disk_full.
/// Units:   32 bytes of disk per slot, of which a half or more are in use; no memory.
/// Threads: any, while one changes it.
/// Source:  ADR 0036.
class snapshot_table {
 public:
  static constexpr std::size_t page_bytes = 4096;
  static constexpr std::uint64_t most_files = (std::uint64_t{1} << 28U) - 1;  // by their numbers
  static constexpr std::size_t slots_per_page = page_bytes / sizeof(snapshot_slot);
  using page = std::array<snapshot_slot, slots_per_page>;

  /// The table of a store; null when there is none or its header does not hold.
  static result<std::shared_ptr<snapshot_table>> open(env& environment, const store_paths& paths,
                                                      const uuid& store_id, role plays);
  /// Makes an empty one, in place of what is there.
  static result<std::shared_ptr<snapshot_table>> create(env& environment, const store_paths& paths,
                                                        const uuid& store_id);

  std::uint64_t hash_of(const uuid& stream_key, std::uint64_t shape) const noexcept;
  result<kept_snapshots> find(std::uint64_t hash) const;
  /// False when the page of that hash is full, unless another slot may be `replaced` then.
  result<bool> put(std::uint64_t hash, const kept_snapshots& kept, bool replaced = false);
  /// Another table, with twice the pages, which takes the place of this one.
  result<std::shared_ptr<snapshot_table>> doubled();

  /// As it stood when the table was opened, or was noted last.
  const snapshot_ledger& ledger() const noexcept { return ledger_; }
  /// True when this start of the machine has seen all that was noted.
  bool is_of_this_boot() const;
  result<void> note(const snapshot_ledger& now);
  /// True when another table has taken its place, or will, as its header does not hold.
  result<bool> is_replaced() const;
  result<void> sync() { return file_->sync(); }

  std::uint64_t pages() const noexcept { return header_.pages; }
  /// The number of the page for a hash.
  std::uint64_t page_of(std::uint64_t hash) const noexcept;
  result<page> read_page(std::uint64_t number) const;

 private:
  snapshot_table(env& environment, store_paths paths, std::unique_ptr<file> opened,
                 const snapshot_table_header& header);

  static result<std::shared_ptr<snapshot_table>> make(env& environment, const store_paths& paths,
                                                      const snapshot_table_header& header);
  result<void> take_place();
  result<void> write_header();

  env& env_;
  store_paths paths_;
  std::unique_ptr<file> file_;
  snapshot_table_header header_;
  snapshot_ledger ledger_{};
};

/// Where the newest snapshot of a slot stands, and the one before.
kept_snapshots kept_in(const snapshot_slot& slot) noexcept;

}  // namespace embedded
}  // namespace v1
}  // namespace annals
