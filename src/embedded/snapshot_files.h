#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "annals/requests.h"
#include "segment.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// The snapshots of a store: append-only files of their own, never on the way of an append. What is
/// damaged or lost is as if it had not been saved.
///
/// Threads: any.
class snapshot_files {
 public:
  snapshot_files(env& environment, store_paths paths, const uuid& store_id, role plays)
      : env_(environment), paths_(std::move(paths)), store_id_(store_id), role_(plays) {}

  /// Reads which snapshots there are.
  ///
  /// Errors:  database_error, disk_full (while rewriting files that are mostly dead).
  result<void> open();
  result<void> save(const uuid& stream_key, const snapshot_write& write);
  /// The one that counts; none when there is none or it does not hold its CRC. A reader finds what
  /// the writer has saved since.
  result<std::optional<snapshot>> load(const uuid& stream_key, std::uint64_t shape);
  /// Flushes what was saved.
  result<void> close();

 private:
  struct snapshot_file {
    std::unique_ptr<file> opened{};
    std::string path{};
    std::uint32_t seed = 0;
  };
  struct key {
    uuid stream{};
    std::uint64_t shape = 0;
    auto operator<=>(const key&) const = default;
  };
  struct found {
    std::shared_ptr<snapshot_file> in{};
    std::uint64_t offset = 0;
    snapshot_record record{};
  };

  result<void> read_new_files();
  result<void> read_file(std::uint64_t number);
  result<void> read_records();
  result<std::shared_ptr<snapshot_file>> make_file();
  result<void> write_record(snapshot_file& to, std::uint64_t offset, snapshot_record& record,
                            std::span<const std::byte> state);
  result<std::optional<std::vector<std::byte>>> read_state(const found& at);
  result<void> rewrite_when_mostly_dead();
  void note(const key& of, found at);

  env& env_;
  store_paths paths_;
  uuid store_id_;
  role role_;
  std::mutex mutex_{};
  std::map<key, found> newest_{};
  std::vector<std::shared_ptr<snapshot_file>> files_{};
  std::shared_ptr<snapshot_file> current_{};  // null: the next save makes one
  std::uint64_t end_ = 0;                     // of the records of the last file
  std::uint64_t next_number_ = 1;
  std::uint64_t bytes_ = 0;       // of all records
  std::uint64_t live_bytes_ = 0;  // of those that count
};

/// Reads the header of a snapshot file; none when it is not one of this store.
result<std::optional<snapshot_file_header>> read_snapshot_header(file& from, const uuid& store_id);
/// The record at an offset, its header checked; none behind the last good one.
result<std::optional<snapshot_record>> read_snapshot_record(file& from, std::uint64_t offset,
                                                            std::uint64_t size, std::uint32_t seed);
/// Reads the state of a record; none when its CRC does not hold.
result<std::optional<std::vector<std::byte>>> read_snapshot_state(file& from, std::uint64_t offset,
                                                                  const snapshot_record& record,
                                                                  std::uint32_t seed);

/// What stands in a snapshot file.
struct snapshot_file_content {
  std::uint64_t snapshots = 0;
  std::uint64_t size = 0;             ///< of the file, bytes
  std::uint64_t left = 0;             ///< bytes behind the last record that holds
  std::vector<std::string> damage{};  ///< in words; what is damaged is ignored
};
/// Reads all of a snapshot file.
///
/// Errors:  database_error.
result<snapshot_file_content> examine_snapshot_file(env& environment, const std::string& path,
                                                    const uuid& store_id);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
