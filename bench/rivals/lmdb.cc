#include <lmdb.h>

#include "record.h"

namespace bench::rivals {
namespace {

constexpr std::size_t map_bytes = std::size_t{64} << 30U;  // of addresses; the file grows as needed

void check(int answer, const char* doing) {
  if (answer != MDB_SUCCESS) fail("LMDB", doing, mdb_strerror(answer));
}

MDB_val value_of(const void* data, std::size_t size) {
  return {size, const_cast<void*>(data)};  // LMDB does not write through it
}

std::uint64_t number_of(const MDB_val& value) {
  std::uint64_t number = 0;
  if (value.mv_size != sizeof number) fail("LMDB", "reading a position", "it is not of 8 bytes");
  std::memcpy(&number, value.mv_data, sizeof number);
  return number;
}

/// A transaction that is taken back unless it was committed.
class transaction {
 public:
  transaction(MDB_env* env, unsigned flags) {
    check(mdb_txn_begin(env, nullptr, flags, &handle_), "beginning a transaction");
  }
  ~transaction() {
    if (handle_ != nullptr) mdb_txn_abort(handle_);
  }
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;

  void commit() { check(mdb_txn_commit(std::exchange(handle_, nullptr)), "committing"); }
  operator MDB_txn*() const { return handle_; }

 private:
  MDB_txn* handle_ = nullptr;
};

class cursor {
 public:
  cursor(MDB_txn* in, MDB_dbi of) { check(mdb_cursor_open(in, of, &handle_), "opening a cursor"); }
  ~cursor() { mdb_cursor_close(handle_); }
  cursor(const cursor&) = delete;
  cursor& operator=(const cursor&) = delete;

  /// False at the end.
  bool get(MDB_val& key, MDB_val& value, MDB_cursor_op what) {
    const int answer = mdb_cursor_get(handle_, &key, &value, what);
    if (answer == MDB_NOTFOUND) return false;
    check(answer, "moving a cursor");
    return true;
  }

 private:
  MDB_cursor* handle_ = nullptr;
};

/// LMDB as it comes, with no flag that gives durability away: every commit syncs its pages, then
/// writes its meta page through. Its own lock lets writers in one after the other. Two trees:
/// position to event, appended at the right edge (MDB_APPEND, its fastest way), and (stream,
/// version) to position. Kind to it: events are written in place (MDB_RESERVE), and read in place.
class lmdb final : public rival {
 public:
  explicit lmdb(const std::string& directory) {
    check(mdb_env_create(&env_), "opening");
    check(mdb_env_set_mapsize(env_, map_bytes), "opening");
    check(mdb_env_set_maxdbs(env_, 2), "opening");
    check(mdb_env_open(env_, directory.c_str(), 0, 0644), "opening");
    transaction in(env_, 0);
    check(mdb_dbi_open(in, "events", MDB_CREATE | MDB_INTEGERKEY, &events_), "opening");
    check(mdb_dbi_open(in, "versions", MDB_CREATE, &versions_), "opening");
    MDB_val key{};
    MDB_val value{};
    if (cursor(in, events_).get(key, value, MDB_LAST)) head_ = number_of(key);
    in.commit();
  }
  ~lmdb() override { mdb_env_close(env_); }

  void commit(std::span<ticket> tickets) override {
    transaction in(env_, 0);
    for (auto& one : tickets) one.stored = insert(in, *one.what);
    in.commit();
  }
  totals replay(decoder with) override {
    totals sums{.decode = with};
    const transaction in(env_, MDB_RDONLY);
    cursor at(in, events_);
    MDB_val key{};
    MDB_val value{};
    while (at.get(key, value, MDB_NEXT)) record_view(value.mv_data, value.mv_size).add_to(sums);
    return sums;
  }
  totals load(const stream& one, decoder with) override {
    totals sums{.decode = with};
    const transaction in(env_, MDB_RDONLY);
    cursor at(in, versions_);
    const auto first = version_key::of(one.id, 1);
    auto key = value_of(&first, sizeof first);
    MDB_val position{};
    for (bool more = at.get(key, position, MDB_SET_RANGE);
         more && std::memcmp(key.mv_data, &first, sizeof first.stream) == 0;
         more = at.get(key, position, MDB_NEXT)) {
      MDB_val value{};
      check(mdb_get(in, events_, &position, &value), "reading an event");
      record_view(value.mv_data, value.mv_size).add_to(sums);
    }
    return sums;
  }
  std::optional<stored_event> find(const stream& one, std::uint64_t version) override {
    const transaction in(env_, MDB_RDONLY);
    const auto wanted = version_key::of(one.id, version);
    auto key = value_of(&wanted, sizeof wanted);
    MDB_val position{};
    const int answer = mdb_get(in, versions_, &key, &position);
    if (answer == MDB_NOTFOUND) return std::nullopt;
    check(answer, "finding an event");
    MDB_val value{};
    check(mdb_get(in, events_, &position, &value), "reading an event");
    return record_view(value.mv_data, value.mv_size).copy(number_of(position));
  }

 private:
  bool insert(MDB_txn* in, const stream_append& one) {
    for (std::size_t i = 0; i < one.events.size(); ++i) {
      const std::uint64_t position = head_ + 1;
      const auto version = version_key::of(one.to->id, one.expected + i + 1);
      auto unique = value_of(&version, sizeof version);
      auto key = value_of(&position, sizeof position);
      auto found = key;  // MDB_NOOVERWRITE puts here what exists
      const int answer = mdb_put(in, versions_, &unique, &found, MDB_NOOVERWRITE);
      if (answer == MDB_KEYEXIST && i == 0) return false;
      check(answer, "storing a version");
      MDB_val place{record_bytes(one.events[i]), nullptr};
      check(mdb_put(in, events_, &key, &place, MDB_APPEND | MDB_RESERVE), "storing an event");
      write_record(static_cast<char*>(place.mv_data), one, i, recorded_at(position));
      ++head_;
    }
    return true;
  }

  MDB_env* env_ = nullptr;
  MDB_dbi events_ = 0;
  MDB_dbi versions_ = 0;
  std::uint64_t head_ = 0;  // position of the newest event; changed inside write transactions
};

}  // namespace

std::unique_ptr<rival> open_lmdb(const std::string& directory) {
  return std::make_unique<lmdb>(directory);
}

}  // namespace bench::rivals
