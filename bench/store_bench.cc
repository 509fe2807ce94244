#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <latch>
#include <new>
#include <numeric>
#include <thread>

#include "annals/embedded.h"
#include "annals/json/writer.h"
#include "annals/stream.h"
#include "cold.h"
#include "disk.h"
#include "events.h"

// store_bench DIRECTORY [RESULTS]: the embedded engine on a real disk. The rival of every durable
// figure is the raw 4 KiB write that is durable when it returns, measured in the same run on the
// same file system; nothing that waits for the disk can be faster than 1 of it.
namespace bench {
namespace {

using annals::new_event;
using annals::stream_write;

constexpr std::size_t payload_bytes = 256;

struct figure {
  std::string name{};
  double p50 = 0;  // microseconds
  double p99 = 0;
  double per_second = 0;  // events, at the median
  double to_raw = 0;      // median in raw writes
};

class runner {
 public:
  /// Times `run` so many times; `events` are done by each.
  template <class Run>
  void measure(const std::string& name, int times, std::uint64_t events, Run&& run) {
    measure(name, times, events, [](int) {}, run);
  }
  /// `prepare` before each is not timed.
  template <class Prepare, class Run>
  void measure(const std::string& name, int times, std::uint64_t events, Prepare&& prepare,
               Run&& run) {
    std::vector<double> took;
    for (int i = 0; i < times; ++i) {
      prepare(i);
      const auto start = annals::posix_env().monotonic();
      run(i);
      took.push_back(microseconds_since(start));
    }
    std::ranges::sort(took);
    const double median = quantile(took, 0.5);
    figure f{name, median, quantile(took, 0.99), static_cast<double>(events) / median * 1e6, 0};
    if (raw_ == 0) raw_ = f.p50;
    f.to_raw = f.p50 / raw_;
    std::printf("%-44s %12.1f %12.1f %14.0f %9.2f\n", f.name.c_str(), f.p50, f.p99, f.per_second,
                f.to_raw);
    std::fflush(stdout);
    figures_.push_back(std::move(f));
  }
  static void print_heading() {
    std::printf("%-44s %12s %12s %14s %9s\n", "", "p50 us", "p99 us", "events/s", "raw writes");
  }
  std::string to_json() const {
    annals::json::writer out;
    out.begin_array();
    for (const auto& f : figures_) {
      out.begin_object().member("name", f.name).key("p50_us").raw(json_number(f.p50));
      out.key("p99_us").raw(json_number(f.p99)).key("events_per_s").raw(json_number(f.per_second));
      out.key("p50_to_raw_write").raw(json_number(f.to_raw)).end_object();
    }
    return out.end_array().text();
  }

 private:
  double raw_ = 0;
  std::vector<figure> figures_{};
};

std::string stream(int n) {
  return annals::stream_name_of("order", annals::make_uuid_v5({}, std::to_string(n)));
}

const std::string payload(payload_bytes, 'x');

std::vector<new_event> events(std::size_t count) {
  return std::vector<new_event>(count, {.type = "order_paid",
                                        .codec = annals::codec::binary,
                                        .payload = std::as_bytes(std::span(payload))});
}

void append(annals::event_store& store, const std::string& name, std::span<const new_event> some) {
  const stream_write write{.name = name, .events = some};
  store.append({.streams = std::span(&write, 1)}).value();
}

/// The threads stand ready before the clock starts.
void measure_threads(runner& to, annals::event_store& store, const std::vector<std::string>& names,
                     std::span<const new_event> one) {
  constexpr int rounds = 20;
  std::barrier start(static_cast<std::ptrdiff_t>(names.size()) + 1);
  std::barrier end(static_cast<std::ptrdiff_t>(names.size()) + 1);
  std::vector<std::jthread> threads;
  for (const auto& name : names)
    threads.emplace_back([&] {
      for (int round = 0; round < rounds; ++round) {
        start.arrive_and_wait();
        append(store, name, one);
        end.arrive_and_wait();
      }
    });
  to.measure("1,000 appends from 1,000 threads", rounds, names.size(), [&](int) {
    start.arrive_and_wait();
    end.arrive_and_wait();
  });
}

void measure_appends(runner& to, annals::event_store& store) {
  const auto one = events(1);
  const auto hundred = events(100);
  to.measure("append 1 event", 1'000, 1, [&](int i) { append(store, stream(i), one); });
  to.measure("append 100 events", 300, 100, [&](int i) { append(store, stream(i), hundred); });
  constexpr int many = 1'000;
  std::vector<std::string> names;
  for (int i = 0; i < many; ++i) names.push_back(stream(i));
  to.measure("1,000 appends to 1,000 streams, async", 50, many, [&](int) {
    std::latch all(many);
    for (const auto& name : names) {
      const stream_write write{.name = name, .events = one};
      store.append({.streams = std::span(&write, 1)}, [&](annals::result<annals::appended> done) {
        done.value();
        all.count_down();
      });
    }
    all.wait();
  });
  measure_threads(to, store, names, one);
}

void measure_domain(runner& to, annals::event_store& store) {
  annals::category<order, order_events> orders(store, "order");
  const auto id = [](int n) { return annals::make_uuid_v5({}, "domain" + std::to_string(n)); };
  to.measure("execute (load, decide, append)", 500, 1,
             [&](int i) { orders.execute(id(i % 100), pay{id(i), {15'300}}).value(); });
  constexpr int history = 1'000;
  const auto old = id(-1);
  const auto text = json_of(an_order(1));
  const std::vector<new_event> batch(
      100, {.type = "order_created", .payload = std::as_bytes(std::span(text))});
  for (int i = 0; i < history / 100; ++i) append(store, orders.stream_of(old), batch);
  to.measure("load an aggregate of 1,000 events, JSON", 300, history, [&](int) {
    if (orders.load(old).value().version.number != history) std::abort();
  });
  const auto name = orders.stream_of(old);
  to.measure("read the same without decoding", 300, history, [&](int) {
    std::uint64_t seen = 0;
    store
        .read({.stream = name},
              [&](const annals::event_batch& some) {
                seen += some.events.size();
                return annals::flow::more;
              })
        .value();
    if (seen != history) std::abort();
  });
}

void measure_replay(runner& to, annals::event_store& store) {
  const auto text = json_of(an_order(1));
  const std::vector<new_event> batch(
      1'000, {.type = "order_created", .payload = std::as_bytes(std::span(text))});
  for (int i = 0; i < 300; ++i) append(store, "replay-" + std::to_string(i % 7), batch);
  const auto count = [&](bool decode) {
    std::uint64_t seen = 0;
    store
        .read({.filter = {}},
              [&](const annals::event_batch& some) {
                for (const auto& view : some.events) {
                  if (decode && view.type() == "order_created")
                    seen += annals::json::decode<created>(view.text()).value().items.size();
                  else
                    ++seen;
                }
                return annals::flow::more;
              })
        .value();
    return seen;
  };
  const auto all = store.head().value().in(0).sequence;
  to.measure("replay, CRC checked", 5, all, [&](int) {
    if (count(false) != all) std::abort();
  });
  to.measure("replay, CRC checked, JSON decoded", 5, all, [&](int) {
    if (count(true) != all) std::abort();
  });
}

constexpr std::string_view kept = "kept-1";
constexpr std::uint64_t snapshot_version = 1'000;
constexpr std::uint64_t snapshot_shape = 1;

/// A stream of 1,010 events whose state at the thousandth is kept.
void write_snapshot(annals::event_store& store) {
  for (int i = 0; i < 10; ++i) append(store, std::string(kept), events(100));
  append(store, std::string(kept), events(10));
  annals::uuid last;
  store
      .read({.stream = kept, .from = {snapshot_version}, .to = {snapshot_version}},
            [&](const annals::event_batch& some) {
              for (const auto& view : some.events) last = view.header().event_id;
              return annals::flow::more;
            })
      .value();
  const auto state = json_of(an_order(1));
  store
      .save_snapshot({.stream = kept,
                      .shape = snapshot_shape,
                      .version = {snapshot_version},
                      .last_event = last,
                      .state = std::as_bytes(std::span(state))})
      .value();
}

void read_from_snapshot(annals::event_store& store) {
  std::uint64_t seen = 0;
  std::move_only_function<bool(const annals::snapshot_view&)> accept =
      [](const annals::snapshot_view& found) { return !found.state.empty(); };
  store
      .read({.stream = kept, .snapshot = {.shape = snapshot_shape, .accept = &accept}},
            [&](const annals::event_batch& some) {
              seen += some.events.size();
              return annals::flow::more;
            })
      .value();
  if (seen != 10) std::abort();
}

/// What is not mapped is dropped once more after opening, off the clock.
void measure_cold_snapshot(runner& to, const std::string& directory) {
  std::unique_ptr<annals::event_store> store;
  to.measure(
      "the same from a cold disk, just opened", 10, 10,
      [&](int) {
        store.reset();
        drop_from_cache(directory);
        store = annals::open_embedded(directory, {.create = false}).value();
        drop_from_cache(directory);
      },
      [&](int) { read_from_snapshot(*store); });
}

int run(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: store_bench DIRECTORY [RESULTS]\n");
    return 2;
  }
  const std::string directory = argv[1];
  std::filesystem::create_directories(directory);
  refuse_volatile("store_bench", directory);
  std::filesystem::remove_all(directory + "/store");
  runner to;
  runner::print_heading();
  {
    raw_file raw(directory);
    to.measure("raw durable 4 KiB write", raw_file::blocks, 1, [&](int i) { raw.write(i); });
  }
  {
    const auto store = annals::open_embedded(directory + "/store").value();
    measure_appends(to, *store);
    measure_domain(to, *store);
    write_snapshot(*store);
    measure_replay(to, *store);
    to.measure("read a snapshot and 10 events after it", 1'000, 10,
               [&](int) { read_from_snapshot(*store); });
    store->close().value();
  }
  measure_cold_snapshot(to, directory + "/store");
  std::filesystem::remove_all(directory);
  return argc > 2 && !save(argv[2], to.to_json()) ? 1 : 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  return bench::run(argc, argv);
}
