#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "checked_file.h"
#include "term.h"

namespace annals {
inline namespace v1 {
namespace embedded {

inline constexpr file_magic run_magic{'A', 'N', 'N', 'A', 'L', 'S', 'R', 'N'};

/// The newest place of a term, as a run knows it.
struct run_slot {
  std::uint64_t hash = 0;
  term_kind kind{};
  bool ambiguous = false;  ///< another term of this kind has the hash too
  lsn newest{};            ///< of the event; of the frame, for commands and retention

  friend bool operator==(const run_slot&, const run_slot&) = default;
};

/// Which run of which store.
struct run_identity {
  uuid store_id{};
  std::uint64_t hash_seed = 0;
  std::uint64_t first_segment = 0;
  std::uint64_t last_segment = 0;
};

/// What follows the header in a run; docs/format.md, "Run".
struct run_fields {
  std::uint64_t slots = 0;
  std::uint64_t blocks = 0;
  std::uint64_t spread = 0;  // blocks that hashes spread over
  std::array<std::uint64_t, term_kinds> slots_of{};
};
static_assert(sizeof(run_fields) == 80);

/// Collects the slots of a run and writes it. The same slots give the same bytes.
///
/// Units:   16 bytes of memory per slot added.
/// Threads: one.
class index_run_builder {
 public:
  /// Takes a slot in. Of slots with one hash and kind the newest stays, unless one of them is
  /// ambiguous: then all stay, as they may be of several terms.
  void add(const run_slot& slot);
  std::size_t size() const noexcept { return slots_.size(); }

  /// Writes the file; it and its name are durable then. The builder is empty after it.
  ///
  /// Errors:  disk_full, database_error.
  result<checked_file_facts> write(env& environment, const std::string& path,
                                   const run_identity& identity);

  /// A slot as it stands on disk.
  struct stored {
    std::uint64_t hash = 0;
    std::uint64_t value = 0;
  };

 private:
  void keep_newest();

  std::vector<stored> slots_{};
};

/// The newest place of every term of some neighbouring segments.
///
/// Errors:  store_corrupt naming the file and what is wrong, also when its CRCs hold but what it
///          says cannot be; database_error.
/// Threads: any.
class index_run {
 public:
  /// Maps a run, which must be the one that `identity` says.
  ///
  /// Errors:  also store_too_new.
  static result<index_run> open(env& environment, const std::string& path,
                                const run_identity& identity);

  std::uint64_t first_segment() const noexcept { return file_.header().first_segment; }
  std::uint64_t last_segment() const noexcept { return file_.header().last_segment; }
  std::uint64_t hash_seed() const noexcept { return file_.header().hash_seed; }
  const uuid& store_id() const noexcept { return file_.header().store_id; }
  const checked_file_facts& facts() const noexcept { return file_.facts(); }
  result<void> check_pages() const { return file_.check_pages(); }
  std::uint64_t size() const noexcept { return fields_.slots; }
  std::uint64_t count(term_kind kind) const noexcept {
    return fields_.slots_of[static_cast<std::size_t>(kind)];
  }

  /// Appends the slots of a hash to `out`, the newest first; usually none or one.
  ///
  /// Cost:    one page; of that, a miss reads one or two cache lines, and a hit one more.
  result<void> find(std::uint64_t hash, term_kind kind, std::vector<run_slot>& out) const;
  /// Asks for the page where `find` will look; returns at once. False when it is in memory.
  bool expect(std::uint64_t hash) const noexcept;
  /// Asks for the cache lines of it, where it is in memory.
  void prefetch(std::uint64_t hash) const noexcept;

  /// Checks every byte, and that slots are where they are looked for. Answers how many of them are
  /// not ambiguous.
  result<std::uint64_t> check() const;

 private:
  friend class run_cursor;

  explicit index_run(checked_file file)
      : file_(std::move(file)), fields_(file_.fields<run_fields>()) {}

  result<run_slot> slot_of(std::uint64_t block, std::uint64_t hash, std::uint64_t value) const;
  std::unexpected<error> damaged(std::uint64_t block, std::string_view what) const;

  checked_file file_;
  run_fields fields_;
};

/// Goes through the slots of a run in their order: by hash, then kind, then newest first; checks
/// order and places on the way.
///
/// Threads: one; the run must live longer.
class run_cursor {
 public:
  explicit run_cursor(const index_run& run) : run_(run) {}

  /// The next slot; false at the end.
  result<bool> next();
  const run_slot& slot() const noexcept { return slot_; }

 private:
  result<bool> next_block();
  result<void> check_slot(std::uint64_t hash) const;

  const index_run& run_;
  std::span<const std::byte> window_{};  // some blocks, of which some were seen
  const std::byte* block_at_ = nullptr;
  std::uint64_t next_block_ = 0;  // number of the one behind the current
  std::uint64_t full_from_ = 0;   // from this block up to the current one all are full
  std::uint32_t used_ = 0;
  std::uint32_t index_ = 0;
  std::uint32_t kinds_ = 0;  // seen in the current block
  bool any_ = false;
  run_slot slot_{};
};

/// Answers whether the older slot says nothing that the newer one does not: that both are of the
/// same terms. Asked only when one of them is ambiguous; decided by looking into the log.
using same_term = std::function<result<bool>(const run_slot& older, const run_slot& newer)>;

/// Joins two neighbouring runs into one file, whose name is durable then. Of slots with one hash
/// and kind the newer stays. The result has the bytes of a run built from all slots of both, except
/// where some are ambiguous.
///
/// Errors:  those of reading and writing, and of `same`.
/// Cost:    reads both twice; memory as that of checked_file_writer.
result<checked_file_facts> join(env& environment, const std::string& path, const index_run& older,
                                const index_run& newer, const same_term& same);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
