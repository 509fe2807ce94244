#include <libpq-fe.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <set>
#include <thread>
#include <utility>

#include "annals/json.h"
#include "annals/json/writer.h"
#include "annals/postgres.h"
#include "annals/stream.h"

// postgres_bench ADDRESS [--results FILE] [ROWS ...]: the engine on PostgreSQL, beside the
// mission's design in the same run on the same server: BEGIN, SELECT MAX(version), an INSERT for
// each event, COMMIT; JSONB, a primary key on event_id, indexes on aggregate_id and timestamp.
// ROWS: one, relaxed (one, with synchronous_commit off on both sides), hundred, thousand, callers,
// load, replay, snapshot; without any, all.
namespace bench {
namespace {

using annals::new_event;
using annals::stream_write;

constexpr int preloaded_streams = 1'000;
constexpr int preloaded_events = 100;  // each

std::string payload_of(int n) {
  return R"({"customer":"17850","country":"United Kingdom","currency":"GBP","delivery_address":)"
         R"("1 Long Street, Hay-on-Wye, HR3 5AA","items":[{"product":"85123A","quantity":6,)"
         R"("unit_price":2.550},{"product":"71053","quantity":)" +
         std::to_string(n % 90 + 10) + R"(,"unit_price":3.390}],"total":35.640,"note":"by hand"})";
}

double us_since(std::chrono::nanoseconds start) {
  return static_cast<double>((annals::posix_env().monotonic() - start).count()) / 1e3;
}

using one_run = std::function<void(int)>;

/// Medians of `times` runs of each, in microseconds. They take turns, so that what else the machine
/// does meets all of them alike.
std::vector<double> medians(int times, const std::vector<one_run>& all) {
  constexpr int turn = 20;
  std::vector<std::vector<double>> took(all.size());
  for (int first = 0; first < times; first += turn)
    for (std::size_t k = 0; k < all.size(); ++k)
      for (int i = first; i < std::min(times, first + turn); ++i) {
        const auto start = annals::posix_env().monotonic();
        all[k](i);
        took[k].push_back(us_since(start));
      }
  std::vector<double> middle;
  for (auto& one : took) {
    std::ranges::nth_element(one, one.begin() + times / 2);
    middle.push_back(one[static_cast<std::size_t>(times / 2)]);
  }
  return middle;
}

/// Calls a second of so many threads that go on for some seconds.
double rate(int threads, double seconds, const std::function<void(int thread, int i)>& run) {
  std::atomic<bool> stop{false};
  std::atomic<long> done{0};
  std::vector<std::thread> running;
  const auto start = annals::posix_env().monotonic();
  for (int t = 0; t < threads; ++t)
    running.emplace_back([&, t] {
      for (int i = 0; !stop; ++i) {
        run(t, i);
        ++done;
      }
    });
  while (us_since(start) < seconds * 1e6)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  stop = true;
  for (auto& one : running) one.join();
  return static_cast<double>(done) / us_since(start) * 1e6;
}

void check(PGresult* got) {
  const auto status = PQresultStatus(got);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    std::fprintf(stderr, "postgres_bench: %s", PQresultErrorMessage(got));
    std::exit(1);
  }
}

annals::uuid random_uuid() {
  std::array<std::uint8_t, 16> random{};
  annals::posix_env().random(random);
  return annals::make_uuid_v4(random);
}

/// The mission's design, by libpq: prepared statements, one connection each.
class mission {
 public:
  explicit mission(const std::string& address) : conn_(PQconnectdb(address.c_str())) {
    run("SET client_min_messages = warning; SET search_path = mission_bench");
    PQclear(PQprepare(conn_, "max", "SELECT MAX(version) FROM events WHERE aggregate_id = $1", 1,
                      nullptr));
    PQclear(PQprepare(conn_, "insert",
                      "INSERT INTO events (event_id, aggregate_id, version, event_type, "
                      "event_data, metadata, timestamp) VALUES ($1, $2, $3, $4, $5, $6, now())",
                      6, nullptr));
    PQclear(PQprepare(conn_, "load",
                      "SELECT event_id, aggregate_id, version, event_type, event_data, metadata, "
                      "timestamp FROM events WHERE aggregate_id = $1 AND version > $2 "
                      "ORDER BY version",
                      2, nullptr));
    PQclear(PQprepare(conn_, "snapshot",
                      "SELECT version, snapshot_data FROM snapshots WHERE aggregate_id = $1 "
                      "ORDER BY version DESC LIMIT 1",
                      1, nullptr));
    PQclear(PQprepare(conn_, "crud", "UPDATE orders SET status = $2, doc = $3 WHERE id = $1", 3,
                      nullptr));
  }
  ~mission() { PQfinish(conn_); }
  mission(const mission&) = delete;
  mission& operator=(const mission&) = delete;

  void run(const char* sql) {
    auto* const got = PQexec(conn_, sql);
    check(got);
    PQclear(got);
  }
  int call(const char* name, std::initializer_list<std::string> parameters) {
    std::vector<const char*> values;
    for (const auto& one : parameters) values.push_back(one.c_str());
    auto* const got = PQexecPrepared(conn_, name, static_cast<int>(values.size()), values.data(),
                                     nullptr, nullptr, 0);
    check(got);
    const int rows = PQntuples(got);
    last_ = rows > 0 && PQgetisnull(got, 0, 0) == 0 ? PQgetvalue(got, 0, 0) : "0";
    PQclear(got);
    return rows;
  }
  void append(const annals::uuid& id, int events) {
    const auto text = id.to_string();
    run("BEGIN");
    call("max", {text});
    const long version = std::atol(last_.c_str());
    const std::string metadata =
        R"({"event_id":"0197c2d0-7b1e-7a2b-8c3d-4e5f60718293","aggregate_id":")" + text +
        R"(","version":1,"event_type":"OrderEvent","causation_id":null,"correlation_id":null})";
    for (int i = 1; i <= events; ++i)
      call("insert", {random_uuid().to_string(), text, std::to_string(version + i), "OrderEvent",
                      payload_of(i), metadata});
    run("COMMIT");
  }
  int load(const annals::uuid& id, int after) {
    return call("load", {id.to_string(), std::to_string(after)});
  }
  int replay() {
    auto* const got = PQexec(conn_,
                             "SELECT event_id, aggregate_id, version, event_type, event_data, "
                             "metadata, timestamp FROM events ORDER BY timestamp, version");
    check(got);
    const int rows = PQntuples(got);
    PQclear(got);
    return rows;
  }

 private:
  PGconn* conn_;
  std::string last_{};
};

class report {
 public:
  static void heading() {
    std::printf("%-46s %12s %12s %8s\n", "", "Annals", "mission's", "ratio");
  }
  /// Ratios are how many times better Annals is; `mission` 0: not measured.
  void line(const std::string& name, const char* unit, double ours, double mission, bool more) {
    const double ratio = mission == 0 ? 0 : more ? ours / mission : mission / ours;
    std::printf("%-46s %12.2f %12.2f %8.2f  %s\n", name.c_str(), ours, mission, ratio, unit);
    std::fflush(stdout);
    const auto text = [](double value) {
      std::string out;
      annals::json::append_double(out, value);
      return out;
    };
    out_.begin_object().member("name", name).member("unit", std::string_view(unit));
    out_.key("annals").raw(text(ours)).key("mission").raw(text(mission)).end_object();
  }
  report() { out_.begin_array(); }
  std::string finish() { return out_.end_array().text(); }

 private:
  annals::json::writer out_{};
};

class benchmarks {
 public:
  benchmarks(std::string address, std::unique_ptr<annals::event_store> store)
      : address_(std::move(address)), store_(std::move(store)) {
    for (int i = 0; i < preloaded_streams; ++i) ids_.push_back(random_uuid());
  }

  void prepare() {
    mission one(address_);
    one.run(
        "DROP SCHEMA IF EXISTS mission_bench CASCADE; CREATE SCHEMA mission_bench; "
        "CREATE TABLE events (event_id UUID PRIMARY KEY, aggregate_id UUID NOT NULL, "
        "version BIGINT NOT NULL, event_type VARCHAR(255) NOT NULL, event_data JSONB NOT NULL, "
        "metadata JSONB NOT NULL, timestamp TIMESTAMPTZ NOT NULL, "
        "UNIQUE (aggregate_id, version)); CREATE INDEX ON events (aggregate_id); "
        "CREATE INDEX ON events (timestamp); "
        "CREATE TABLE snapshots (aggregate_id UUID, version BIGINT, snapshot_data BYTEA, "
        "created_at TIMESTAMPTZ, PRIMARY KEY (aggregate_id, version)); "
        "CREATE TABLE orders (id UUID PRIMARY KEY, status TEXT, doc JSONB)");
    mission again(address_);
    for (const auto& id : ids_) {
      again.append(id, preloaded_events);
      append(name(id), preloaded_events);
      again.run(
          ("INSERT INTO orders VALUES ('" + id.to_string() + "', 'new', '" + payload_of(1) + "')")
              .c_str());
    }
    again.append(large_, 1'000);
    append(name(large_), 1'000);
    again.run(("INSERT INTO snapshots VALUES ('" + large_.to_string() +
               "', 990, convert_to(repeat('s', 500), 'UTF8'), now())")
                  .c_str());
    again.run("ANALYZE");
    save_snapshot();
  }

  void run(report& to, const std::set<std::string>& rows) {
    mission one(address_);
    const auto wanted = [&](const char* row) { return rows.empty() || rows.contains(row); };
    if (wanted("one")) one_event(to, one, "");
    if (wanted("relaxed")) relaxed(to);
    if (wanted("hundred"))
      beside(
          to, "append 100 events, p50", 100, [&](int i) { append(name(pick(i)), 100); },
          [&](int i) { one.append(pick(i), 100); });
    if (wanted("thousand"))
      beside(
          to, "1,000 concurrent writes", 9, [&](int) { thousand(); },
          [&](int) { thousand_of_mission(); });
    if (wanted("callers")) concurrent(to);
    if (wanted("load")) loads(to, one);
    if (wanted("replay")) replay(to, one);
    if (wanted("snapshot")) open_snapshot(to);
  }

 private:
  static void beside(report& to, const char* what, int times, const one_run& ours,
                     const one_run& mission) {
    const auto took = medians(times, {ours, mission});
    to.line(what, "us", took[0], took[1], false);
  }

  const annals::uuid& pick(int i) const {
    return ids_[static_cast<std::size_t>(i * 7 % preloaded_streams)];
  }

  void one_event(report& to, mission& one, const std::string& how) {
    const auto took = medians(
        1'000, {[&](int i) { one.append(pick(i), 1); }, [&](int i) { append(name(pick(i)), 1); },
                [&](int i) { append(name(pick(i)), 1, true, {}); },
                [&](int i) { append(name(pick(i)), 1, false, random_uuid()); },
                [&](int i) { append(name(pick(i)), 1, true, random_uuid()); },
                [&](int i) {
                  one.run("BEGIN");
                  one.call("crud",
                           {pick(i).to_string(), i % 2 == 0 ? "paid" : "new", payload_of(i)});
                  one.run("COMMIT");
                }});
    const auto line = [&](const char* what, std::size_t ours, std::size_t other) {
      to.line("append 1 event, p50" + how + what, "us", took[ours], took[other], false);
    };
    line(", plain", 1, 0);
    line(", with a condition", 2, 0);
    line(", with a command id", 3, 0);
    line(", with both", 4, 0);
    line(", with a condition, beside CRUD's update", 2, 5);
  }

  // What is left when nobody waits for the disk.
  void relaxed(report& to) {
    auto durable = std::exchange(
        store_, annals::open_postgres(address_ + "&annals_schema=annals_bench&annals_durability=os")
                    .value());
    mission one(address_);
    one.run("SET synchronous_commit = off");
    for (const auto& id : ids_) append(name(id), 1);  // as the other store, it has seen the streams
    one_event(to, one, " (synchronous_commit off)");
    store_ = std::move(durable);
  }

  void loads(report& to, mission& one) {
    beside(
        to, "load 1,000 events", 100, [&](int) { load(false); }, [&](int) { one.load(large_, 0); });
    beside(
        to, "load with snapshot + 10 events", 500, [&](int) { load(true); },
        [&](int) {
          one.call("snapshot", {large_.to_string()});
          one.load(large_, 990);
        });
  }

  static std::string name(const annals::uuid& id) { return annals::stream_name_of("order", id); }

  void append(const std::string& stream, int count, bool conditional = false,
              const annals::uuid& command = {}) {
    std::vector<std::string> payloads;
    std::vector<new_event> events;
    payloads.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      payloads.push_back(payload_of(i));
      events.push_back(
          {.type = "order_created", .payload = std::as_bytes(std::span(payloads.back()))});
    }
    const std::string_view tags[] = {"email:nobody@nowhere"};
    const annals::query_item item{.tags = tags};
    const annals::append_condition unless{.matching = {.items = std::span(&item, 1)}};
    const stream_write write{stream, annals::expect::any(), events};
    store_
        ->append({.streams = std::span(&write, 1),
                  .unless = std::span(&unless, conditional ? 1 : 0),
                  .context = {.command_id = command}})
        .value();
  }

  void thousand() {
    std::atomic<std::uint32_t> left{1'000};
    const auto payload = payload_of(1);
    const new_event event{.type = "order_created", .payload = std::as_bytes(std::span(payload))};
    for (int i = 0; i < 1'000; ++i) {
      const auto stream = name(ids_[static_cast<std::size_t>(i)]);
      const stream_write write{stream, annals::expect::any(), std::span(&event, 1)};
      store_->append({.streams = std::span(&write, 1)}, [&](annals::result<annals::appended> a) {
        a.value();
        if (--left == 0) left.notify_all();
      });
    }
    for (auto seen = left.load(); seen != 0; seen = left.load()) left.wait(seen);
  }

  void thousand_of_mission() {
    std::vector<std::thread> running;
    std::vector<std::unique_ptr<mission>> connections;
    for (int t = 0; t < 20; ++t) connections.push_back(std::make_unique<mission>(address_));
    for (int t = 0; t < 20; ++t)
      running.emplace_back([&, t] {
        for (int i = 0; i < 50; ++i)
          connections[static_cast<std::size_t>(t)]->append(
              ids_[static_cast<std::size_t>(t * 50 + i)], 1);
      });
    for (auto& one : running) one.join();
  }

  void concurrent(report& to) {
    for (const int callers : {16, 64}) {
      double of_mission = 0;
      if (callers == 16) {
        std::vector<std::unique_ptr<mission>> connections;
        for (int t = 0; t < callers; ++t)
          connections.push_back(std::make_unique<mission>(address_));
        of_mission = rate(callers, 3, [&](int t, int i) {
          connections[static_cast<std::size_t>(t)]->append(
              ids_[static_cast<std::size_t>((t * 60 + i % 60) % preloaded_streams)], 1);
        });
      }
      const double ours = rate(callers, 3, [&](int t, int i) {
        append(name(ids_[static_cast<std::size_t>((t * 15 + i % 15) % preloaded_streams)]), 1);
      });
      to.line(std::to_string(callers) + " callers, closed loop", "events/s", ours, of_mission,
              true);
    }
  }

  void load(bool from_snapshot) {
    std::move_only_function<bool(const annals::snapshot_view&)> accept =
        [](const annals::snapshot_view&) { return true; };
    const auto stream = name(large_);
    annals::read_request request{.stream = stream};
    if (from_snapshot) request.snapshot = {.shape = 1, .accept = &accept};
    const auto end =
        store_->read(request, [](const annals::event_batch&) { return annals::flow::more; });
    if (end.value().delivered != (from_snapshot ? 10U : 1'000U)) std::abort();
  }

  void save_snapshot() {
    const auto stream = name(large_);
    annals::uuid last;
    store_
        ->read({.stream = stream, .from = {990}, .to = {990}},
               [&](const annals::event_batch& batch) {
                 last = batch.events[0].header().event_id;
                 return annals::flow::more;
               })
        .value();
    const std::string state(500, 's');
    store_
        ->save_snapshot({.stream = stream,
                         .shape = 1,
                         .version = {990},
                         .last_event = last,
                         .state = std::as_bytes(std::span(state))})
        .value();
  }

  void replay(report& to, mission& one) {
    std::uint64_t bytes = 0;
    std::uint64_t events = 0;
    int rows = 0;
    const auto took = medians(5, {[&](int) {
                                    events = store_
                                                 ->read({},
                                                        [&](const annals::event_batch& batch) {
                                                          for (const auto& view : batch.events)
                                                            bytes += view.payload().size();
                                                          return annals::flow::more;
                                                        })
                                                 .value()
                                                 .delivered;
                                  },
                                  [&](int) { rows = one.replay(); }});
    to.line("replay", "events/s", static_cast<double>(events) / took[0] * 1e6,
            static_cast<double>(rows) / took[1] * 1e6, true);
  }

  // Appends while another session holds a snapshot open, beside as long a time before: a checkpoint
  // meets a minute with a part of it, and three seconds as a whole or not at all.
  void open_snapshot(report& to) {
    const char* const given = std::getenv("ANNALS_BENCH_SNAPSHOT_SECONDS");
    const double seconds = given == nullptr ? 10 : std::atof(given);
    const auto one = [&](int, int i) {
      append(name(ids_[static_cast<std::size_t>(i % preloaded_streams)]), 1);
    };
    constexpr int parts = 5;
    const double before = rate(1, seconds, one);
    mission holder(address_);
    holder.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
    holder.run("SELECT count(*) FROM orders");
    double held = 0;
    double last = 0;
    for (int part = 0; part < parts; ++part) {
      last = rate(1, seconds / parts, one);
      held += last / parts;
    }
    holder.run("COMMIT");
    to.line("one caller, while a snapshot is held, to before", "appends/s", held, before, true);
    to.line("one caller, in the last fifth of it", "appends/s", last, before, true);
  }

  std::string address_;
  std::unique_ptr<annals::event_store> store_;
  std::vector<annals::uuid> ids_{};
  annals::uuid large_ = random_uuid();
};

int run(int argc, char** argv) {
  std::set<std::string> rows;
  std::string results;
  for (int i = 2; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--results" && i + 1 < argc)
      results = argv[++i];
    else
      rows.insert(argv[i]);
  }
  const std::set<std::string> known{"one",     "relaxed", "hundred", "thousand",
                                    "callers", "load",    "replay",  "snapshot"};
  if (argc < 2 || !std::ranges::includes(known, rows)) {
    std::fprintf(stderr,
                 "usage: postgres_bench ADDRESS [--results FILE] [one] [relaxed] [hundred] "
                 "[thousand] [callers] [load] [replay] [snapshot]\n");
    return 2;
  }
  const std::string address = argv[1];
  mission(address).run("DROP SCHEMA IF EXISTS annals_bench, annals_bench_mission CASCADE");
  benchmarks all(address, annals::open_postgres(address + "&annals_schema=annals_bench").value());
  all.prepare();
  report to;
  report::heading();
  all.run(to, rows);
  if (!results.empty()) {
    std::FILE* out = std::fopen(results.c_str(), "w");
    if (out == nullptr || std::fprintf(out, "%s\n", to.finish().c_str()) < 0 ||
        std::fclose(out) != 0) {
      std::perror(results.c_str());
      return 1;
    }
  }
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  return bench::run(argc, argv);
}
