#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <array>
#include <atomic>
#include <mutex>
#include <unordered_map>

#include "record.h"

namespace bench::rivals {
namespace {

constexpr std::size_t cache_bytes = std::size_t{1} << 30U;
constexpr std::size_t locks = 4096;

void check(const rocksdb::Status& answer, const char* doing) {
  if (!answer.ok()) fail("RocksDB", doing, answer.ToString());
}

/// Positions as keys: big endian, so that they sort.
struct position_key {
  std::uint64_t bytes = 0;

  explicit position_key(std::uint64_t position) : bytes(std::byteswap(position)) {}
  rocksdb::Slice slice() const { return {reinterpret_cast<const char*>(&bytes), sizeof bytes}; }
};

std::uint64_t position_in(const rocksdb::Slice& slice) {
  std::uint64_t bytes = 0;
  if (slice.size() != sizeof bytes) fail("RocksDB", "reading a position", "it is not of 8 bytes");
  std::memcpy(&bytes, slice.data(), sizeof bytes);
  return std::byteswap(bytes);
}

rocksdb::Slice slice_of(const version_key& key) {
  return {reinterpret_cast<const char*>(&key), sizeof key};
}

rocksdb::Options options() {
  rocksdb::Options made;
  made.create_if_missing = true;
  made.create_missing_column_families = true;
  made.enable_pipelined_write = true;
  made.compression = rocksdb::kNoCompression;
  rocksdb::BlockBasedTableOptions tables;
  tables.block_cache = rocksdb::NewLRUCache(cache_bytes);
  tables.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  made.table_factory.reset(rocksdb::NewBlockBasedTableFactory(tables));
  return made;
}

/// RocksDB with WriteOptions::sync: its write-ahead log is synced for every group of writes, which
/// it forms by itself from the threads that call it. Two column families: position to event, and
/// (stream, version) to position. A version is looked up under a lock of its stream and written
/// with its event in one batch: less work than the transactions that RocksDB offers. Kind to it:
/// pipelined writes, no compression (the payloads do not compress), Bloom filters for the look-up,
/// and a cache that holds the whole store. Recycled logs would spare it work, but with its safe
/// recovery modes RocksDB switches them off.
class rocks final : public rival {
 public:
  explicit rocks(const std::string& directory) {
    const auto chosen = options();
    rocksdb::DB* opened = nullptr;
    check(rocksdb::DB::Open(chosen, directory,
                            {{rocksdb::kDefaultColumnFamilyName, chosen}, {"versions", chosen}},
                            &handles_, &opened),
          "opening");
    db_.reset(opened);
    events_ = handles_[0];
    versions_ = handles_[1];
    synced_.sync = true;
    const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator({}, events_));
    at->SeekToLast();
    if (at->Valid()) head_ = position_in(at->key());
    check(at->status(), "finding the newest position");
  }
  ~rocks() override {
    for (auto* one : handles_) check(db_->DestroyColumnFamilyHandle(one), "closing");
    check(db_->Close(), "closing");
  }

  void commit(std::span<ticket> tickets) override {
    std::unique_lock<std::mutex> lock;
    if (tickets.size() == 1) {
      const auto& id = tickets.front().what->to->id;
      lock = std::unique_lock(locks_[std::hash<annals::uuid>{}(id) % locks]);
    }
    rocksdb::WriteBatch batch;
    std::unordered_map<annals::uuid, std::uint64_t> reached;  // by streams in this batch
    for (auto& one : tickets) {
      one.stored = is_next(*one.what, reached);
      if (!one.stored) continue;
      insert(batch, *one.what);
      if (tickets.size() > 1)
        reached[one.what->to->id] = one.what->expected + one.what->events.size();
    }
    if (batch.Count() > 0) check(db_->Write(synced_, &batch), "writing");
  }
  totals replay(decoder with) override {
    totals sums{.decode = with};
    const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator({}, events_));
    for (at->SeekToFirst(); at->Valid(); at->Next())
      record_view(at->value().data(), at->value().size()).add_to(sums);
    check(at->status(), "replaying");
    return sums;
  }
  totals load(const stream& one, decoder with) override;
  std::optional<stored_event> find(const stream& one, std::uint64_t version) override {
    rocksdb::PinnableSlice position;
    const auto key = version_key::of(one.id, version);
    const auto answer = db_->Get({}, versions_, slice_of(key), &position);
    if (answer.IsNotFound()) return std::nullopt;
    check(answer, "finding an event");
    rocksdb::PinnableSlice value;
    check(db_->Get({}, events_, position, &value), "reading an event");
    return record_view(value.data(), value.size()).copy(position_in(position));
  }
  void settle() override {
    check(db_->Flush({}, handles_), "flushing");
    for (auto* one : handles_) check(db_->CompactRange({}, one, nullptr, nullptr), "compacting");
  }

 private:
  bool is_next(const stream_append& one,
               const std::unordered_map<annals::uuid, std::uint64_t>& reached) {
    const auto staged = reached.find(one.to->id);
    if (staged != reached.end()) return one.expected >= staged->second;
    rocksdb::PinnableSlice found;
    const auto key = version_key::of(one.to->id, one.expected + 1);
    const auto answer = db_->Get({}, versions_, slice_of(key), &found);
    if (answer.ok()) return false;
    if (!answer.IsNotFound()) check(answer, "looking a version up");
    return true;
  }
  void insert(rocksdb::WriteBatch& batch, const stream_append& one) {
    auto position = head_.fetch_add(one.events.size());
    std::string record;
    for (std::size_t i = 0; i < one.events.size(); ++i) {
      const position_key key(++position);
      const auto version = version_key::of(one.to->id, one.expected + i + 1);
      record.resize(record_bytes(one.events[i]));
      write_record(record.data(), one, i, recorded_at(position));
      check(batch.Put(events_, key.slice(), record), "storing an event");
      check(batch.Put(versions_, slice_of(version), key.slice()), "storing a version");
    }
  }

  std::unique_ptr<rocksdb::DB> db_{};
  std::vector<rocksdb::ColumnFamilyHandle*> handles_{};
  rocksdb::ColumnFamilyHandle* events_ = nullptr;
  rocksdb::ColumnFamilyHandle* versions_ = nullptr;
  rocksdb::WriteOptions synced_{};
  std::array<std::mutex, locks> locks_{};
  std::atomic<std::uint64_t> head_ = 0;  // newest position given away
};

/// Positions first, then all their events in one call: faster than one by one.
totals rocks::load(const stream& one, decoder with) {
  std::vector<position_key> keys;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator({}, versions_));
  const auto first = version_key::of(one.id, 1);
  const rocksdb::Slice prefix(reinterpret_cast<const char*>(&one.id), sizeof one.id);
  for (at->Seek(slice_of(first)); at->Valid() && at->key().starts_with(prefix); at->Next())
    keys.emplace_back(position_in(at->value()));
  check(at->status(), "finding a stream");
  std::vector<rocksdb::Slice> slices;
  for (const auto& key : keys) slices.push_back(key.slice());
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> answers(keys.size());
  constexpr bool sorted = true;
  db_->MultiGet({}, events_, keys.size(), slices.data(), values.data(), answers.data(), sorted);
  totals sums{.decode = with};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    check(answers[i], "reading an event");
    record_view(values[i].data(), values[i].size()).add_to(sums);
  }
  return sums;
}

}  // namespace

std::unique_ptr<rival> open_rocksdb(const std::string& directory) {
  return std::make_unique<rocks>(directory);
}

}  // namespace bench::rivals
