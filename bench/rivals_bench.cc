#include <array>
#include <atomic>
#include <barrier>
#include <charconv>
#include <thread>

#include "cold.h"
#include "disk.h"
#include "events.h"
#include "rivals/entrant.h"
#include "rivals/report.h"
#include "rivals/timing.h"
#include "rivals/writers.h"

// rivals_bench DIRECTORY [RESULTS] [--scale N]: the embedded engine beside SQLite, LMDB and
// RocksDB, each holding the same events on the same disk and measured in turn within every row; see
// docs/performance.md, "Against SQLite, LMDB and RocksDB". N multiplies the rounds.
namespace bench::rivals {
namespace {

constexpr std::size_t many = 1'000;
constexpr std::size_t writers = 64;

class contest {
 public:
  contest(std::string directory, int scale) : directory_(std::move(directory)), scale_(scale) {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    report_.yardsticks(raw_writes(directory_), memory_bytes_per_second());
    add_all({});
  }
  ~contest() {
    entrants_.clear();
    std::error_code ignored;  // what stays there is removed by the next run
    std::filesystem::remove_all(directory_, ignored);
  }
  contest(const contest&) = delete;
  contest& operator=(const contest&) = delete;

  void run() {
    measure_single();
    measure_burst();
    measure_threads();
    measure_writers();
    measure_batches();
    measure_stream();
    write_aggregate();
    measure_bulk();
    for (auto& one : entrants_) one->held().settle();
    measure_replay();
    measure_load();
    for (auto& one : entrants_) {
      one->check();
      std::printf("%s holds all of its %llu events, each as it was given\n", one->name().c_str(),
                  static_cast<unsigned long long>(one->given().events));
    }
    measure_cold_disk();
    measure_typed();
    report_.raw_again(raw_writes(directory_));
  }
  std::string to_json() const { return report_.to_json(); }

 private:
  /// Threads that append at once, each to streams of its own.
  using shares = std::vector<batch>;

  /// Stores without events, which are to have payloads of JSON, or none.
  void add_all(const std::string& json);
  void add_annals(const std::string& json);
  void add_rival(const char* name, const std::string& json,
                 std::unique_ptr<rival> (*open)(const std::string&));
  std::string folder(const std::string& name) const {
    const auto made = directory_ + "/" + name;
    std::filesystem::remove_all(made);
    std::filesystem::create_directories(made);
    return made;
  }

  void measure_single();
  void measure_burst();
  void measure_threads();
  void measure_writers();
  void measure_batches();
  void measure_stream();
  void measure_bulk();
  void measure_replay();
  void measure_load();
  void measure_cold_disk();
  void measure_typed();
  void measure_typed(const std::string& what, const char* goal, const std::string& json,
                     decoder with);
  void measure_typed_load(decoder with);
  void write_aggregate();
  template <class TakesPart>
  void measure_bulk_of(const char* what, std::size_t appends, TakesPart&& takes_part);
  figure run_writers(entrant& in, const way& by, std::size_t each) const;
  figure run_threads(entrant& in, const way& by, int rounds) const;

  /// Runs a row: `run(entrant, way)` gives its figure, for every way that `takes_part`.
  template <class TakesPart, class Run>
  void row(const char* what, const char* goal, TakesPart&& takes_part, Run&& run) {
    report_.begin(what, goal);
    for (auto& one : entrants_)
      for (const auto& by : one->ways()) {
        if (!takes_part(by)) continue;
        rest();
        auto found = run(*one, by);
        found.who = by.name;
        report_.add(std::move(found));
      }
    report_.end();
  }
  /// What the one before has left to do in the background must not slow down the next.
  static void rest() { std::this_thread::sleep_for(std::chrono::milliseconds(300)); }

  std::string directory_;
  int scale_;
  report report_{};
  std::vector<std::unique_ptr<entrant>> entrants_{};
};

constexpr auto all = [](const way&) { return true; };

/// Annals, and rivals with one caller at a time: a front has nothing to group then.
constexpr auto as_shipped = [](const way& by) { return !by.name.ends_with(", group commit"); };

constexpr auto grouping = [](const way& by) { return !by.one_by_one; };

void append(const way& by, const stream_append& one) {
  if (!by.through->append(one)) fail(by.name, "an append", "refused as late");
}

void append_all(const way& by, const batch& some) {
  if (by.through->append_all(some.appends) != some.appends.size())
    fail(by.name, "appends", "some were refused as late");
}

void contest::add_all(const std::string& json) {
  add_annals(json);
  add_rival("SQLite", json, open_sqlite);
  add_rival("LMDB", json, open_lmdb);
  add_rival("RocksDB", json, open_rocksdb);
}

void contest::add_annals(const std::string& json) {
  const auto path = folder("annals");
  auto one = std::make_unique<entrant>("Annals", [path] { return open_annals(path); }, json);
  one->add_way("Annals", dynamic_cast<writer&>(one->held()));
  entrants_.push_back(std::move(one));
}

void contest::add_rival(const char* name, const std::string& json,
                        std::unique_ptr<rival> (*open)(const std::string&)) {
  const auto path = folder(name);
  auto one = std::make_unique<entrant>(name, [path, open] { return open(path); }, json);
  auto& held = dynamic_cast<rival&>(one->held());
  one->add_way(name, std::make_unique<one_by_one>(held), true);
  one->add_way(std::string(name) + ", group commit", std::make_unique<group_commit>(held), false);
  entrants_.push_back(std::move(one));
}

void contest::measure_single() {
  row("one durable append", "at most 1.4 raw writes, ahead of all three", as_shipped,
      [&](entrant& in, const way& by) {
        batch one;
        const auto prepare = [&](int round) {
          one = {};
          in.add(one, static_cast<std::size_t>(round) % many, 1);
        };
        return measure(1'000 * scale_, 1, prepare, [&](int) { append(by, one.appends.front()); });
      });
}

void contest::measure_burst() {
  row("1,000 appends to 1,000 streams, handed over by one thread", "at most 1.5 ms, 20 x", all,
      [&](entrant& in, const way& by) {
        batch some;
        const auto prepare = [&](int) {
          some = {};
          for (std::size_t i = 0; i < many; ++i) in.add(some, i, 1);
        };
        return measure((by.one_by_one ? 3 : 30) * scale_, many, prepare,
                       [&](int) { append_all(by, some); });
      });
}

/// The threads stand ready before the clock starts.
figure contest::run_threads(entrant& in, const way& by, int rounds) const {
  batch some;
  std::barrier start(static_cast<std::ptrdiff_t>(many) + 1);
  std::barrier end(static_cast<std::ptrdiff_t>(many) + 1);
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < many; ++i)
    threads.emplace_back([&, i] {
      for (int round = 0; round < rounds; ++round) {
        start.arrive_and_wait();
        append(by, some.appends[i]);
        end.arrive_and_wait();
      }
    });
  const auto prepare = [&](int) {
    some = {};
    for (std::size_t i = 0; i < many; ++i) in.add(some, i, 1);
  };
  return measure(rounds, many, prepare, [&](int) {
    start.arrive_and_wait();
    end.arrive_and_wait();
  });
}

void contest::measure_threads() {
  row("1,000 appends to 1,000 streams from 1,000 threads", "at most 15 ms, 2.5 x", all,
      [&](entrant& in, const way& by) {
        return run_threads(in, by, (by.one_by_one ? 3 : 20) * scale_);
      });
}

/// Latencies of every append, and the rate of them all.
figure contest::run_writers(entrant& in, const way& by, std::size_t each) const {
  shares parts(writers);
  for (std::size_t i = 0; i < writers; ++i)
    for (std::size_t n = 0; n < each; ++n) in.add(parts[i], i, 1);
  std::vector<std::vector<double>> took(writers);
  std::barrier start(static_cast<std::ptrdiff_t>(writers) + 1);
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < writers; ++i)
    threads.emplace_back([&, i] {
      took[i].reserve(each);
      start.arrive_and_wait();
      for (const auto& one : parts[i].appends) {
        const auto began = annals::posix_env().monotonic();
        append(by, one);
        took[i].push_back(microseconds_since(began));
      }
    });
  start.arrive_and_wait();
  const auto began = annals::posix_env().monotonic();
  threads.clear();
  const double whole = microseconds_since(began);
  std::vector<double> together;
  for (const auto& some : took) together.insert(together.end(), some.begin(), some.end());
  auto found = figure_of(std::move(together), 1);
  found.per_second = static_cast<double>(writers * each) / whole * 1e6;
  return found;
}

void contest::measure_writers() {
  row("64 writers, an append at a time each", "200 k/s, p99 below 1 ms, 4 x", all,
      [&](entrant& in, const way& by) {
        const std::size_t each = by.one_by_one ? 40 : in.name() == "Annals" ? 1'000 : 400;
        return run_writers(in, by, each * static_cast<std::size_t>(scale_));
      });
}

void contest::measure_batches() {
  constexpr std::size_t events = 100;
  row("appends of 100 events, one at a time", "700 k/s, 3 x", as_shipped,
      [&](entrant& in, const way& by) {
        batch one;
        const auto prepare = [&](int round) {
          one = {};
          in.add(one, static_cast<std::size_t>(round) % many, events);
        };
        return measure(300 * scale_, events, prepare,
                       [&](int) { append(by, one.appends.front()); });
      });
}

void contest::measure_stream() {
  constexpr std::size_t appends = 10'000;
  row("10,000 appends of 1 event, handed over by one thread", "1.2 M/s, 15 x", grouping,
      [&](entrant& in, const way& by) {
        batch some;
        const auto prepare = [&](int) {
          some = {};
          for (std::size_t i = 0; i < appends; ++i) in.add(some, i % many, 1);
        };
        return measure(6 * scale_, appends, prepare, [&](int) { append_all(by, some); });
      });
}

/// Ten events at a time, among as many to each of ten other streams.
void contest::write_aggregate() {
  for (auto& one : entrants_)
    for (std::size_t i = 0; i < 100; ++i) {
      batch some;
      one->add(some, entrant::aggregate, 10);
      for (std::size_t n = 0; n < 10; ++n) one->add(some, (i * 10 + n) % many, 10);
      append_all(one->ways().back(), some);
    }
}

void contest::measure_bulk() {
  measure_bulk_of("bulk load: 10,000 events at once, 1,000 each to 10 streams", 10, all);
  measure_bulk_of("bulk load: 10,000 events at once, 10 each to 1,000 streams", many, grouping);
}

template <class TakesPart>
void contest::measure_bulk_of(const char* what, std::size_t appends, TakesPart&& takes_part) {
  constexpr std::size_t events = 10'000;
  row(what, "15 x all three", takes_part, [&](entrant& in, const way& by) {
    std::size_t to = 0;
    batch some;
    const auto prepare = [&](int) {
      some = {};
      for (std::size_t i = 0; i < appends; ++i) in.add(some, to++ % many, events / appends);
    };
    // In the end the stores are about equally large.
    const int rounds = in.name() == "Annals" ? 15 : by.one_by_one ? 5 : 10;
    return measure(rounds * scale_, events, prepare, [&](int) { append_all(by, some); });
  });
}

void contest::measure_replay() {
  double payload_rate = 0;
  row("replay of the whole store, one core", "60 M/s or 60 % of the memory's rate, 4 x LMDB",
      as_shipped, [&](entrant& in, const way&) {
        const auto read = [&](int) {
          if (!in.held().replay(nullptr).same_events(in.given()))
            fail(in.name(), "replay", "not what was given");
        };
        read(0);
        const auto found = measure(5 * scale_, in.given().events, [](int) {}, read);
        if (payload_rate == 0) payload_rate = found.per_second * 256;
        return found;
      });
  report_.remark("payload replayed by Annals, to what one core reads from memory: " +
                 json_number(payload_rate / report_.memory_bytes_per_second()) + "\n");
}

void contest::measure_load() {
  const auto load = [&](entrant& in, int rounds, void (*prepare)(int)) {
    const auto& wanted = in.at(entrant::aggregate);
    const auto read = [&](int) {
      if (in.held().load(wanted, nullptr).events != many)
        fail(in.name(), "load", "not 1,000 events");
    };
    read(0);
    return measure(rounds * scale_, many, prepare, read);
  };
  row("load of an aggregate of 1,000 events, hot", "at most 20 us", as_shipped,
      [&](entrant& in, const way&) { return load(in, 300, [](int) {}); });
  row("the same with cold caches of the processor", "at most 100 us", as_shipped,
      [&](entrant& in, const way&) { return load(in, 20, [](int) { flush_processor_caches(); }); });
}

/// The stores are opened again, off the clock, while nothing of their files is in memory.
void contest::measure_cold_disk() {
  report_.begin("the same from a cold disk, just opened", "at most 15 ms");
  for (auto& one : entrants_) {
    const auto folder = directory_ + "/" + (one->name() == "Annals" ? "annals" : one->name());
    auto found = measure(
        10 * scale_, many, [&](int) { one->reopen([&] { drop_from_cache(folder); }); },
        [&](int) {
          if (one->held().load(one->at(entrant::aggregate), nullptr).events != many)
            fail(one->name(), "load", "not 1,000 events");
        });
    found.who = one->name();
    report_.add(std::move(found));
  }
  report_.end();
}

template <class T>
std::uint64_t decode_as(std::string_view json) {
  annals::json::decode<T>(json).value();
  return 1;
}

void contest::measure_typed() {
  measure_typed("paid, 67 bytes", "", json_of(a_payment()), decode_as<paid>);
  measure_typed("created, 1 item, 195 bytes", "6 M/s", json_of(an_order(1)), decode_as<created>);
  measure_typed_load(decode_as<created>);
  measure_typed("created, 20 items, 1,182 bytes", "", json_of(an_order(20)), decode_as<created>);
}

/// Stores of their own, with the aggregate among other streams.
void contest::measure_typed(const std::string& what, const char* goal, const std::string& json,
                            decoder with) {
  entrants_.clear();
  add_all(json);
  write_aggregate();
  for (auto& one : entrants_) {
    for (std::size_t i = 0; i < 10; ++i) {
      batch some;
      for (std::size_t n = 0; n < many; ++n) one->add(some, n, 10);
      append_all(one->ways().back(), some);
    }
    one->held().settle();
  }
  const auto title = "replay, JSON of every event decoded: " + what;
  row(title.c_str(), goal, as_shipped, [&](entrant& in, const way&) {
    const auto read = [&](int) {
      const auto found = in.held().replay(with);
      if (!found.same_events(in.given()) || found.decoded != found.events)
        fail(in.name(), "replay", "not what was given");
    };
    read(0);
    return measure(5 * scale_, in.given().events, [](int) {}, read);
  });
}

void contest::measure_typed_load(decoder with) {
  row("load of an aggregate of 1,000 events, JSON of each decoded", "at most 150 us", as_shipped,
      [&](entrant& in, const way&) {
        const auto read = [&](int) {
          if (in.held().load(in.at(entrant::aggregate), with).decoded != many)
            fail(in.name(), "load", "not 1,000 events");
        };
        read(0);
        return measure(300 * scale_, many, [](int) {}, read);
      });
}

int usage() {
  std::fprintf(stderr, "usage: rivals_bench DIRECTORY [RESULTS] [--scale N]\n");
  return 2;
}

int run(int argc, char** argv) {
  std::vector<std::string> paths;
  int scale = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--scale") {
      if (++i == argc) return usage();
      const std::string_view text = argv[i];
      const auto end = text.data() + text.size();
      const auto [stopped, problem] = std::from_chars(text.data(), end, scale);
      if (problem != std::errc() || stopped != end || scale < 1 || scale > 100) return usage();
    } else if (word.starts_with('-')) {
      return usage();
    } else {
      paths.emplace_back(word);
    }
  }
  if (paths.empty() || paths.size() > 2) return usage();
  std::filesystem::create_directories(paths[0]);
  refuse_volatile("rivals_bench", paths[0]);
  const auto start = annals::posix_env().monotonic();
  std::string json;
  {
    contest one(paths[0] + "/rivals", scale);
    one.run();
    json = one.to_json();
  }
  std::printf("in %.0f s\n", microseconds_since(start) / 1e6);
  return paths.size() > 1 && !save(paths[1].c_str(), json) ? 1 : 0;
}

}  // namespace
}  // namespace bench::rivals

int main(int argc, char** argv) {
  return bench::rivals::run(argc, argv);
}
