#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "annals/requests.h"
#include "snapshot_record.h"
#include "snapshot_table.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// The snapshots of a store: append-only files of their own, never on the way of an append, and a
/// table that finds them. What is damaged or lost is as if it had not been saved; of each stream
/// and shape two are kept.
///
/// Units:   32 bytes of disk per stream and shape for the table; of memory, some bytes per file.
/// Threads: any.
/// Source:  ADR 0036.
class snapshot_files {
 public:
  snapshot_files(env& environment, store_paths paths, const uuid& store_id, role plays)
      : env_(environment), paths_(std::move(paths)), store_id_(store_id), role_(plays) {}

  /// Looks which files there are. A writer makes the table when that is missing, from all records.
  ///
  /// Errors:  database_error, disk_full (while the table is made).
  result<void> open();
  /// Errors:  database_error, disk_full; it may not be found then.
  result<void> save(const uuid& stream_key, const snapshot_write& write);
  /// Says that one will be loaded; what it takes comes from the disk meanwhile. Where that cannot
  /// be had, loading says so.
  void expect(const uuid& stream_key, std::uint64_t shape);
  /// The newest one that holds its CRC and that `usable` accepts; none when there is none. A reader
  /// finds what the writer has saved since.
  using judge = std::function<result<bool>(const snapshot&)>;
  result<std::optional<snapshot>> load(const uuid& stream_key, std::uint64_t shape,
                                       const judge& usable);
  /// Flushes what was saved.
  result<void> close();

 private:
  struct snapshot_file {
    std::unique_ptr<file> opened{};
    std::string path{};
    std::uint32_t seed = 0;
  };
  using file_ptr = std::shared_ptr<snapshot_file>;
  using table_ptr = std::shared_ptr<snapshot_table>;

  result<file_ptr> open_file(std::uint64_t number);
  result<file_ptr> file_of(std::uint64_t number);
  result<table_ptr> table_to_read();
  table_ptr table() const;
  void set_table(table_ptr now);

  result<void> rebuild(const std::vector<std::uint64_t>& numbers);
  result<void> count_file(std::uint64_t number);
  result<void> go_on_from(const snapshot_ledger& ledger);
  result<std::uint64_t> know_records(std::uint64_t number, std::uint64_t begin);
  result<std::optional<snapshot>> read_at(const snapshot_place& at, const uuid& stream_key,
                                          std::uint64_t shape);
  result<std::optional<snapshot_record>> header_at(const snapshot_place& at, const uuid& stream_key,
                                                   std::uint64_t shape);
  result<void> point_to(const snapshot_record& record, const snapshot_place& at);
  result<void> put(std::uint64_t hash, const kept_snapshots& kept);

  result<void> have_table();
  result<void> make_room(std::uint64_t length);
  result<void> make_file();
  result<void> write(snapshot_record& record, std::span<const std::byte> state);
  result<void> note();
  result<void> clean_when_mostly_dead();
  result<void> clean_file(std::uint64_t number);
  result<void> move_record(snapshot_cursor& from, const snapshot_place& at);

  env& env_;
  store_paths paths_;
  uuid store_id_;
  role role_;

  mutable std::mutex mutex_{};  // of the next two
  std::map<std::uint64_t, file_ptr> files_{};
  table_ptr table_{};

  std::mutex saving_{};        // of the rest
  std::uint64_t current_ = 0;  // number of the file that is written; 0: the next save makes one
  std::uint64_t next_number_ = 1;
  std::uint64_t end_ = 0;             // of the records of the current file
  std::uint64_t bytes_ = 0;           // of all records
  std::uint64_t counting_bytes_ = 0;  // of those that the table knows
  bool doubtful_ = false;
  bool saved_ = false;  // since the last flush
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
