#include <libpq-fe.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include "annals/history.h"
#include "annals/postgres.h"
#include "annals/stream.h"

// postgres_import_bench ADDRESS import EVENTS: imports so many small events (COPY, binary) into an
// empty schema, beside two others of the first 200,000: COPY of rows made before into a table like
// ours, which is what the server takes alone, and COPY as text into the mission's table.
// postgres_import_bench ADDRESS replay [EVENTS]: replays them, or the first of them, and tells the
// peak of this process's memory.
namespace bench {
namespace {

constexpr std::size_t events_per_append = 10;
constexpr std::size_t events_per_batch = 10'000;
constexpr std::uint32_t batches_in_flight = 3;  // as `annals import` has it

const std::string payload =
    R"({"customer":"17850","country":"United Kingdom","currency":"GBP","delivery_address":)"
    R"("1 Long Street, Hay-on-Wye, HR3 5AA","items":[{"product":"85123A","quantity":6,)"
    R"("unit_price":2.550}],"total":15.300,"note":"by hand"})";

double seconds_since(std::chrono::nanoseconds start) {
  return static_cast<double>((annals::posix_env().monotonic() - start).count()) / 1e9;
}

annals::uuid id_of(std::uint64_t kind, std::uint64_t n) {
  annals::uuid id{};
  std::memcpy(id.bytes.data(), &kind, sizeof kind);
  for (std::size_t i = 0; i < sizeof n; ++i)
    id.bytes[15 - i] = static_cast<std::uint8_t>(n >> (8 * i));
  return id;
}

/// Appends of ten events, each to a stream of its own.
class batch {
 public:
  void make(std::uint64_t first_event) {
    events_.clear();
    names_.clear();
    entries_.clear();
    names_.reserve(events_per_batch / events_per_append);
    events_.reserve(events_per_batch);
    const annals::time_point time(std::chrono::microseconds(1'764'000'000'000'000));
    for (std::size_t i = 0; i < events_per_batch; i += events_per_append) {
      names_.push_back(annals::stream_name_of("order", id_of(1, first_event + i)));
      const auto begin = events_.size();
      for (std::size_t k = 0; k < events_per_append; ++k) {
        const auto n = first_event + i + k;
        events_.push_back({.stream = names_.back(),
                           .event = {.type = "order_created",
                                     .payload = std::as_bytes(std::span(payload)),
                                     .event_id = id_of(2, n),
                                     .timestamp = time},
                           .version = {k + 1},
                           .position = {.sequence = n + 1},
                           .recorded = {(UINT64_C(1'764'000'000'000) << 16U) + n}});
      }
      entries_.emplace_back(
          annals::import_request{.events = std::span(events_).subspan(begin, events_per_append)});
    }
  }
  std::span<const annals::history_entry> entries() const { return entries_; }

 private:
  std::vector<std::string> names_{};
  std::vector<annals::imported_event> events_{};
  std::vector<annals::history_entry> entries_{};
};

double import_all(const std::string& address, std::uint64_t count) {
  const auto store = annals::open_postgres(address).value();
  batch in_hand;
  std::atomic<std::uint32_t> done{0};
  std::uint32_t begun = 0;
  const auto wait_until = [&](std::uint32_t most) {
    for (auto seen = done.load(); begun - seen > most; seen = done.load()) done.wait(seen);
  };
  const auto start = annals::posix_env().monotonic();
  for (std::uint64_t n = 0; n < count; n += events_per_batch) {
    in_hand.make(n);
    wait_until(batches_in_flight - 1);
    ++begun;
    store->import(in_hand.entries(), [&](annals::result<void> answer) {
      answer.value();
      ++done;
      done.notify_all();
    });
  }
  wait_until(0);
  return static_cast<double>(count) / seconds_since(start);
}

void must(PGresult* got, ExecStatusType wanted) {
  if (PQresultStatus(got) != wanted) {
    std::fprintf(stderr, "postgres_import_bench: %s", PQresultErrorMessage(got));
    std::exit(1);
  }
  PQclear(got);
}

void copy_in(PGconn* conn, const char* copy, const std::string& rows) {
  must(PQexec(conn, copy), PGRES_COPY_IN);
  constexpr std::size_t piece = 1U << 16U;
  for (std::size_t at = 0; at < rows.size(); at += piece)
    if (PQputCopyData(conn, rows.data() + at,
                      static_cast<int>(std::min(piece, rows.size() - at))) != 1)
      std::exit(1);
  if (PQputCopyEnd(conn, nullptr) != 1) std::exit(1);
  while (auto* const end = PQgetResult(conn)) must(end, PGRES_COMMAND_OK);
}

/// The rows of our own events, as they come back, into a table like theirs: no streams, no checks,
/// no commits between.
double copy_alone(const std::string& address, std::uint64_t count) {
  auto* const conn = PQconnectdb(address.c_str());
  must(PQexec(conn,
              "SET client_min_messages = warning; SET search_path = annals_import_bench; "
              "DROP TABLE IF EXISTS alone; CREATE TABLE alone (LIKE events INCLUDING ALL)"),
       PGRES_COMMAND_OK);
  const auto out = "COPY (SELECT * FROM events ORDER BY global_position LIMIT " +
                   std::to_string(count) + ") TO STDOUT (FORMAT binary)";
  must(PQexec(conn, out.c_str()), PGRES_COPY_OUT);
  std::string rows;
  char* some = nullptr;
  for (int size = 0; (size = PQgetCopyData(conn, &some, 0)) > 0; PQfreemem(some))
    rows.append(some, static_cast<std::size_t>(size));
  while (auto* const end = PQgetResult(conn)) must(end, PGRES_COMMAND_OK);
  const auto start = annals::posix_env().monotonic();
  copy_in(conn, "COPY alone FROM STDIN (FORMAT binary)", rows);
  const auto rate = static_cast<double>(count) / seconds_since(start);
  must(PQexec(conn, "DROP TABLE alone"), PGRES_COMMAND_OK);
  PQfinish(conn);
  return rate;
}

double copy_mission(const std::string& address, std::uint64_t count) {
  auto* const conn = PQconnectdb(address.c_str());
  must(PQexec(conn,
              "SET client_min_messages = warning; DROP SCHEMA IF EXISTS mission_copy CASCADE; "
              "CREATE SCHEMA mission_copy; SET search_path = mission_copy; "
              "CREATE TABLE events (event_id UUID PRIMARY KEY, aggregate_id UUID NOT NULL, "
              "version BIGINT NOT NULL, event_type VARCHAR(255) NOT NULL, event_data JSONB NOT "
              "NULL, metadata JSONB NOT NULL, timestamp TIMESTAMPTZ NOT NULL, "
              "UNIQUE (aggregate_id, version)); CREATE INDEX ON events (aggregate_id); "
              "CREATE INDEX ON events (timestamp)"),
       PGRES_COMMAND_OK);
  std::array<std::uint8_t, 16> random{};
  const auto start = annals::posix_env().monotonic();
  for (std::uint64_t n = 0; n < count; n += events_per_batch) {
    std::string rows;
    for (std::uint64_t i = n; i < n + events_per_batch; ++i) {
      annals::posix_env().random(random);
      const auto aggregate = id_of(1, i / events_per_append).to_string();
      rows += annals::make_uuid_v4(random).to_string() + '\t' + aggregate + '\t' +
              std::to_string(i % events_per_append + 1) + "\torder_created\t" + payload +
              "\t{\"aggregate_id\":\"" + aggregate + "\"}\t2026-11-27 12:00:00Z\n";
    }
    copy_in(conn, "COPY events FROM STDIN", rows);
  }
  const auto rate = static_cast<double>(count) / seconds_since(start);
  must(PQexec(conn, "DROP SCHEMA mission_copy CASCADE"), PGRES_COMMAND_OK);
  PQfinish(conn);
  return rate;
}

void replay(const std::string& address, std::uint64_t most) {
  const auto store = annals::open_postgres(address).value();
  std::uint64_t bytes = 0;
  const auto start = annals::posix_env().monotonic();
  const auto end = store
                       ->read({.limit = most},
                              [&](const annals::event_batch& some) {
                                for (const auto& view : some.events) bytes += view.payload().size();
                                return annals::flow::more;
                              })
                       .value();
  std::printf("replay: %llu events, %llu bytes, %.0f events/s\n",
              static_cast<unsigned long long>(end.delivered),
              static_cast<unsigned long long>(bytes),
              static_cast<double>(end.delivered) / seconds_since(start));
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM")) std::printf("%s\n", line.c_str());
}

int run(int argc, char** argv) {
  const std::string verb = argc > 2 ? argv[2] : "";
  if (!(verb == "import" && argc == 4) && verb != "replay") {
    std::fprintf(stderr, "usage: postgres_import_bench ADDRESS import EVENTS | replay [EVENTS]\n");
    return 2;
  }
  const std::string address = argv[1];
  const auto ours = address + "&annals_schema=annals_import_bench";
  if (verb == "replay") {
    replay(ours, argc > 3 ? std::strtoull(argv[3], nullptr, 10) : UINT64_MAX);
    return 0;
  }
  const std::uint64_t count = std::strtoull(argv[3], nullptr, 10);
  const double rate = import_all(ours, count);
  const auto some = std::min<std::uint64_t>(count, 200'000);
  const double alone = copy_alone(address, some);
  const double mission = copy_mission(address, some);
  std::printf(
      "import by COPY, binary: %.0f events/s; COPY of rows made before: %.0f, %.2f of it; COPY "
      "into "
      "the mission's table: %.0f, %.2f times as many\n",
      rate, alone, rate / alone, mission, rate / mission);
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  return bench::run(argc, argv);
}
