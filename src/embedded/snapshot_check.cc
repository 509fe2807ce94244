#include "snapshot_check.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>

#include "annals/env.h"
#include "bytes.h"
#include "snapshot_record.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

/// A snapshot file whose header holds.
struct whole_file {
  std::unique_ptr<file> opened{};
  std::uint64_t size = 0;
  std::uint32_t seed = 0;
};

class table_check {
 public:
  table_check(const snapshot_table& table, std::string path)
      : table_(table), path_(std::move(path)) {}

  result<void> open(env& environment, const store_paths& paths, const uuid& store_id,
                    std::span<const std::uint64_t> numbers) {
    for (const auto number : numbers) {
      auto opened =
          environment.open(paths.snapshot_file(number), file_mode::read, write_through::none);
      if (!opened) return std::unexpected(opened.error());
      const auto size = (*opened)->size();
      if (!size) return std::unexpected(size.error());
      const auto header = read_snapshot_header(**opened, store_id);
      if (!header) return std::unexpected(header.error());
      if (*header) files_[number] = {std::move(*opened), *size, seed_of((*header)->salt)};
    }
    return {};
  }

  // Each slot speaks of records that are there, and each record is one that a slot knows, or older.
  result<std::vector<std::string>> run() {
    for (std::uint64_t number = 0; number < table_.pages(); ++number) {
      const auto page = table_.read_page(number);
      if (!page) return std::unexpected(page.error());
      for (const auto& slot : *page) {
        if (slot.newest == 0) continue;
        if (auto checked = check(slot, number); !checked) return std::unexpected(checked.error());
      }
    }
    const auto& ledger = table_.ledger();
    for (auto& [number, file] : files_) {
      if (number > ledger.file) break;  // a writer that was killed had just begun it
      if (number == ledger.file) file.size = std::min(file.size, ledger.end);
      if (auto checked = check(file); !checked) return std::unexpected(checked.error());
    }
    if (wrong_ > 0)
      return std::vector{
          path_ + ": " + std::to_string(wrong_) +
          " places in it are not those of the snapshots; it is made again when it is "
          "removed (annals repair), until then older snapshots are used, or none"};
    return std::vector<std::string>{};
  }

 private:
  result<void> check(const snapshot_slot& slot, std::uint64_t page) {
    const auto kept = kept_in(slot);
    auto newest = record_at(kept.newest);
    if (!newest) return std::unexpected(newest.error());
    const auto is_its = [&](const snapshot_record& record) {
      return table_.hash_of(record.stream_key, record.shape) == slot.hash;
    };
    bool right = *newest && is_its(**newest) && table_.page_of(slot.hash) == page;
    if (slot.previous != 0 || slot.previous_length != 0) {
      const auto previous = record_at(kept.previous);
      if (!previous) return std::unexpected(previous.error());
      right = right && *previous && is_its(**previous);
    }
    wrong_ += right ? 0 : 1;
    return {};
  }

  result<void> check(const whole_file& in) {
    snapshot_cursor records(*in.opened, in.size, in.seed);
    auto more = records.next();
    for (; more && *more; more = records.next()) {
      const auto kept =
          table_.find(table_.hash_of(records.record().stream_key, records.record().shape));
      if (!kept) return std::unexpected(kept.error());
      const auto newest = record_at(kept->newest);
      if (!newest) return std::unexpected(newest.error());
      const bool known = *newest && (*newest)->version >= records.record().version;
      wrong_ += known ? 0 : 1;
    }
    return more ? result<void>{} : std::unexpected(more.error());
  }

  result<std::optional<snapshot_record>> record_at(const snapshot_place& at) const {
    const auto in = files_.find(at.file);
    if (in == files_.end() || at.offset > in->second.size) return std::optional<snapshot_record>{};
    std::array<std::byte, sizeof(snapshot_record)> bytes{};
    const auto got = in->second.opened->read_at(at.offset, bytes);
    if (!got) return std::unexpected(got.error());
    const auto record = snapshot_record_in(std::span(bytes).first(*got),
                                           in->second.size - at.offset, in->second.seed);
    return record && record->length == at.length ? record : std::nullopt;
  }

  const snapshot_table& table_;
  std::string path_;
  std::map<std::uint64_t, whole_file> files_{};
  std::uint64_t wrong_ = 0;
};

}  // namespace

result<snapshot_file_content> examine_snapshot_file(env& environment, const std::string& path,
                                                    const uuid& store_id) {
  auto opened = environment.open(path, file_mode::read, write_through::none);
  if (!opened) return std::unexpected(opened.error());
  const auto size = (*opened)->size();
  if (!size) return std::unexpected(size.error());
  snapshot_file_content content{.size = *size};
  const auto header = read_snapshot_header(**opened, store_id);
  if (!header) return std::unexpected(header.error());
  if (!*header) {
    content.damage.push_back(
        path + ": the header of the snapshot file does not hold; its snapshots are ignored");
    return content;
  }
  const auto seed = seed_of((*header)->salt);
  snapshot_cursor records(**opened, *size, seed);
  auto more = records.next();
  for (; more && *more; more = records.next()) {
    const auto bytes = records.bytes();
    if (!bytes) return std::unexpected(bytes.error());
    ++content.snapshots;
    if (!snapshot_in(*bytes, seed))
      content.damage.push_back(path + ": the snapshot at offset " +
                               std::to_string(records.offset()) +
                               " does not hold its CRC; it is ignored");
  }
  if (!more) return std::unexpected(more.error());
  content.left = *size - records.end();
  return content;
}

result<std::vector<std::string>> examine_snapshot_table(env& environment, const store_paths& paths,
                                                        const uuid& store_id,
                                                        std::span<const std::uint64_t> files) {
  const auto path = paths.snapshot_table();
  const auto there = environment.exists(path);
  if (!there) return std::unexpected(there.error());
  if (!*there) return std::vector<std::string>{};
  const auto table = snapshot_table::open(environment, paths, store_id, role::reader);
  if (!table) return std::unexpected(table.error());
  if (*table == nullptr)
    return std::vector{path +
                       ": its header does not hold; it is made again when the store is opened for "
                       "writing"};
  const auto& ledger = (*table)->ledger();
  if (ledger.doubtful || (!ledger.clean && !(*table)->is_of_this_boot()))
    return std::vector<std::string>{};
  table_check check(**table, path);
  if (auto opened = check.open(environment, paths, store_id, files); !opened)
    return std::unexpected(opened.error());
  return check.run();
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
