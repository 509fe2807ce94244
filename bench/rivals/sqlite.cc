#include <sqlite3.h>

#include <mutex>

#include "store.h"

namespace bench::rivals {
namespace {

constexpr const char* schema =
    "CREATE TABLE IF NOT EXISTS events ("
    "position INTEGER PRIMARY KEY, stream BLOB NOT NULL, version INTEGER NOT NULL, "
    "event_id BLOB NOT NULL, type TEXT NOT NULL, timestamp INTEGER NOT NULL, "
    "causation_id BLOB, correlation_id BLOB, recorded INTEGER NOT NULL, payload BLOB NOT NULL, "
    "UNIQUE (stream, version))";

class sqlite;

/// A prepared statement.
class statement {
 public:
  statement(sqlite& of, const char* sql);
  ~statement() { sqlite3_finalize(handle_); }  // repeats the error of the last step, seen there
  statement(const statement&) = delete;
  statement& operator=(const statement&) = delete;

  void bind(int at, std::uint64_t number);
  void bind(int at, std::string_view text);
  void bind(int at, const void* bytes, std::size_t size);
  void bind(int at, const annals::uuid& id) { bind(at, id.bytes.data(), id.bytes.size()); }

  /// Takes a step: SQLITE_ROW, SQLITE_DONE or SQLITE_CONSTRAINT; anything else ends the program.
  int step();
  void run();
  void reset() { sqlite3_reset(handle_); }  // repeats the error of the last step, too

  std::uint64_t number(int column) {
    return static_cast<std::uint64_t>(sqlite3_column_int64(handle_, column));
  }
  std::string_view text(int column) {
    const auto* const found = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
    return {found, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
  }
  std::span<const std::byte> bytes(int column) {
    const auto* const found = static_cast<const std::byte*>(sqlite3_column_blob(handle_, column));
    return {found, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
  }
  annals::uuid id(int column);

 private:
  sqlite& of_;
  sqlite3_stmt* handle_ = nullptr;
};

/// SQLite with a write-ahead log and synchronous=FULL: an fsync of the log for every commit;
/// prepared statements; one connection that threads take in turn. (Connections of their own wait
/// for each other by sleeping, which is slower.) The log is reused and checkpointed at 1,000 pages,
/// as shipped; that is part of what an append costs. Kind to it: a cache that holds the whole
/// store, and reads through a mapping.
class sqlite final : public rival {
 public:
  explicit sqlite(const std::string& directory) {
    const auto path = directory + "/events.db";
    check(
        sqlite3_open_v2(path.c_str(), &handle_,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr),
        "opening");
    pragma("PRAGMA journal_mode = WAL", "wal");
    execute("PRAGMA synchronous = FULL");
    pragma("PRAGMA synchronous", "2");
    execute("PRAGMA cache_size = -1048576");  // KiB
    execute("PRAGMA mmap_size = 1073741824");
    execute(schema);
    prepare();
  }
  ~sqlite() override {
    begin_.reset();
    commit_.reset();
    insert_.reset();
    replay_.reset();
    load_.reset();
    find_.reset();
    check(sqlite3_close(handle_), "closing");
  }

  void commit(std::span<ticket> tickets) override {
    const std::lock_guard lock(mutex_);
    begin_->run();
    for (auto& one : tickets) one.stored = insert(*one.what);
    commit_->run();
  }
  totals replay(decoder with) override {
    totals sums{.decode = with};
    while (replay_->step() == SQLITE_ROW)
      sums.add(replay_->number(0), replay_->text(1), replay_->bytes(2));
    replay_->reset();
    return sums;
  }
  totals load(const stream& one, decoder with) override {
    totals sums{.decode = with};
    load_->bind(1, one.id);
    while (load_->step() == SQLITE_ROW) sums.add(load_->number(0), load_->text(1), load_->bytes(2));
    load_->reset();
    return sums;
  }
  std::optional<stored_event> find(const stream& one, std::uint64_t version) override;
  void settle() override {
    check(sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr),
          "a checkpoint");
  }

  void check(int answer, const char* doing) const {
    if (answer != SQLITE_OK)
      fail("SQLite", doing, handle_ == nullptr ? sqlite3_errstr(answer) : sqlite3_errmsg(handle_));
  }
  sqlite3* handle() const { return handle_; }

 private:
  void execute(const char* sql) {
    check(sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr), sql);
  }
  void pragma(const char* sql, std::string_view expected) {
    statement one(*this, sql);
    if (one.step() != SQLITE_ROW || one.text(0) != expected) fail("SQLite", sql, "refused");
  }
  void prepare();
  bool insert(const stream_append& one);

  sqlite3* handle_ = nullptr;
  std::mutex mutex_{};
  std::uint64_t head_ = 0;  // position of the newest event
  std::optional<statement> begin_{};
  std::optional<statement> commit_{};
  std::optional<statement> insert_{};
  std::optional<statement> replay_{};
  std::optional<statement> load_{};
  std::optional<statement> find_{};
};

statement::statement(sqlite& of, const char* sql) : of_(of) {
  of_.check(sqlite3_prepare_v3(of_.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &handle_, nullptr),
            sql);
}

void statement::bind(int at, std::uint64_t number) {
  of_.check(sqlite3_bind_int64(handle_, at, static_cast<sqlite3_int64>(number)), "binding");
}

void statement::bind(int at, std::string_view text) {
  of_.check(
      sqlite3_bind_text(handle_, at, text.data(), static_cast<int>(text.size()), SQLITE_STATIC),
      "binding");
}

void statement::bind(int at, const void* bytes, std::size_t size) {
  of_.check(sqlite3_bind_blob(handle_, at, bytes, static_cast<int>(size), SQLITE_STATIC),
            "binding");
}

int statement::step() {
  const int answer = sqlite3_step(handle_);
  if (answer != SQLITE_ROW && answer != SQLITE_DONE && answer != SQLITE_CONSTRAINT)
    of_.check(answer, sqlite3_sql(handle_));
  return answer;
}

void statement::run() {
  if (step() != SQLITE_DONE)
    fail("SQLite", sqlite3_sql(handle_), "an answer where none was expected");
  reset();
}

annals::uuid statement::id(int column) {
  const auto found = bytes(column);
  annals::uuid made;
  if (found.size() != made.bytes.size()) fail("SQLite", "reading an id", "it is not of 16 bytes");
  std::memcpy(made.bytes.data(), found.data(), found.size());
  return made;
}

void sqlite::prepare() {
  begin_.emplace(*this, "BEGIN IMMEDIATE");
  commit_.emplace(*this, "COMMIT");
  insert_.emplace(*this, "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  replay_.emplace(*this, "SELECT version, type, payload FROM events ORDER BY position");
  load_.emplace(*this,
                "SELECT version, type, payload FROM events WHERE stream = ? ORDER BY version");
  find_.emplace(*this, "SELECT * FROM events WHERE stream = ? AND version = ?");
  statement newest(*this, "SELECT ifnull(max(position), 0) FROM events");
  if (newest.step() != SQLITE_ROW) fail("SQLite", "opening", "no newest position");
  head_ = newest.number(0);
}

/// A row that exists already undoes its own statement only; the transaction goes on. It can only be
/// the first of an append: versions of a stream have no gaps.
bool sqlite::insert(const stream_append& one) {
  auto version = one.expected;
  for (const auto& event : one.events) {
    insert_->bind(1, head_ + 1);
    insert_->bind(2, one.to->id);
    insert_->bind(3, ++version);
    insert_->bind(4, event.event_id);
    insert_->bind(5, event.type);
    insert_->bind(6, static_cast<std::uint64_t>(event.timestamp->time_since_epoch().count()));
    insert_->bind(7, one.causation_id);
    insert_->bind(8, one.correlation_id);
    insert_->bind(9, recorded_at(head_ + 1).bits);
    insert_->bind(10, event.payload.data(), event.payload.size());
    const int answer = insert_->step();
    insert_->reset();
    if (answer == SQLITE_CONSTRAINT && version == one.expected + 1) return false;
    if (answer != SQLITE_DONE) fail("SQLite", "an append", "a later version exists already");
    ++head_;
  }
  return true;
}

std::optional<stored_event> sqlite::find(const stream& one, std::uint64_t version) {
  find_->bind(1, one.id);
  find_->bind(2, version);
  std::optional<stored_event> found;
  if (find_->step() == SQLITE_ROW) {
    const auto payload = find_->bytes(9);
    found = {
        find_->id(3),
        find_->id(1),
        find_->number(2),
        annals::time_point(std::chrono::microseconds(static_cast<std::int64_t>(find_->number(5)))),
        std::string(find_->text(4)),
        find_->id(6),
        find_->id(7),
        annals::hlc{find_->number(8)},
        find_->number(0),
        {payload.begin(), payload.end()}};
  }
  find_->reset();
  return found;
}

}  // namespace

std::unique_ptr<rival> open_sqlite(const std::string& directory) {
  return std::make_unique<sqlite>(directory);
}

}  // namespace bench::rivals
