#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <map>
#include <thread>

#include "annals/json/writer.h"
#include "disk.h"
#include "scale/process.h"
#include "scale/workload.h"

// scale_bench DIRECTORY [RESULTS] [--scale N]: what does not grow with a store of 10 M events in
// 1 M streams (N times as many), and what does: opening after a crash, resident memory, index files
// and the log per event. Writers are processes that are killed while they append. Goals: issue "The
// embedded engine, at the limit of the disk".
namespace bench {
namespace {

constexpr std::uint64_t events_in_all = 10'000'000;
constexpr std::uint64_t bytes_per_event = 480;  // log and index files, with room for both of a join
constexpr double metadata_bytes = 4 * 16 + 2 * 8 + 10;  // ids, version and time, "order_paid"
constexpr std::uint64_t left_free = 2ULL << 30U;

/// What a writing process tells once it has opened its store.
struct opening {
  double milliseconds = 0;
  double resident = 0;       ///< bytes, more than before
  double resident_read = 0;  ///< the same after some streams were loaded
};

void load_some(annals::event_store& store, const workload& what) {
  const auto visits = store.head().value().in(0).sequence / what.burst;
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    const auto name = order_name(what.stream_of(i * 7'919 % visits));
    std::uint64_t seen = 0;
    store
        .read({.stream = name},
              [&](const annals::event_batch& some) {
                seen += some.events.size();
                return annals::flow::more;
              })
        .value();
    if (seen == 0) std::abort();
  }
}

/// Watches the memory of the process that it is in.
class memory_watch {
 public:
  double peak() const { return static_cast<double>(peak_); }

 private:
  std::atomic<std::uint64_t> peak_{0};
  std::jthread thread_{[this](const std::stop_token& stop) {
    for (; !stop.stop_requested(); std::this_thread::sleep_for(std::chrono::milliseconds(2)))
      peak_ = std::max(peak_.load(), resident_bytes());
  }};
};

class writer {
 public:
  writer(std::string directory, workload what) : directory_(std::move(directory)), what_(what) {}

  /// Appends until the store has so many events, then is killed while it goes on. Its peak of
  /// memory, all of it.
  double fill(std::uint64_t events) const {
    process child([&](const process::teller& tell) {
      const memory_watch memory;
      const auto store = open();
      filler to(*store, what_);
      while (to.events() < events) to.append();
      tell({memory.peak()});
      for (;;) to.append();
    });
    return child.hear(1).front();
  }
  opening crash_and_open() const {
    process child([&](const process::teller& tell) {
      const auto before = resident_bytes();
      const auto start = annals::posix_env().monotonic();
      const auto store = open();
      const auto took = microseconds_since(start) / 1e3;
      const auto after = resident_bytes();
      load_some(*store, what_);
      tell({took, static_cast<double>(after - before),
            static_cast<double>(resident_bytes() - before)});
      for (filler to(*store, what_);;) to.append();
    });
    const auto told = child.hear(3);
    return {told[0], told[1], told[2]};
  }
  /// Goes on to the beginning of a segment, with all before it indexed: nothing is in memory for
  /// events then.
  void begin_segment() const {
    process child([&](const process::teller& tell) {
      const auto store = open();
      filler to(*store, what_);
      for (const auto before = files(".seg").count; files(".seg").count == before;) to.append();
      wait_for_indexes();
      tell({0});
      for (;;) ::pause();
    });
    child.hear(1);
  }
  /// Closes it in order, with all that is sealed indexed.
  void close() const {
    process child([&](const process::teller& tell) {
      const auto store = open();
      wait_for_indexes();
      store->close().value();
      tell({0});
    });
    child.hear(1);
  }

  struct file_sum {
    std::size_t count = 0;
    std::uint64_t bytes = 0;
  };
  file_sum files(std::string_view extension) const {
    file_sum sum;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_))
      if (entry.path().extension() == extension) {
        ++sum.count;
        sum.bytes += entry.file_size();
      }
    return sum;
  }
  /// The sealed segments: bytes and events, which end before the first sequence of the last one.
  std::pair<double, double> sealed() const {
    std::map<std::string, std::uint64_t> segments;
    for (const auto& entry : std::filesystem::directory_iterator(directory_ + "/log"))
      if (entry.path().extension() == ".seg") segments[entry.path()] = entry.file_size();
    const auto last = segments.rbegin();
    std::ifstream header(last->first, std::ios::binary);
    std::uint64_t first = 0;  // docs/format.md, "Segments"
    header.seekg(56).read(reinterpret_cast<char*>(&first), sizeof first);
    return {static_cast<double>(files(".seg").bytes - last->second),
            static_cast<double>(first - 1)};
  }
  const std::string& directory() const { return directory_; }
  const workload& what() const { return what_; }

 private:
  /// Index files count once MANIFEST, written after them, names them.
  void wait_for_indexes() const {
    const auto named = [&] {
      if (files(".six").count + 1 < files(".seg").count) return false;
      const auto when = std::filesystem::last_write_time(directory_ + "/MANIFEST");
      std::error_code gone;  // what is replaced meanwhile does not count
      for (const auto& entry : std::filesystem::directory_iterator(directory_ + "/idx"))
        if (entry.last_write_time(gone) > when) return false;
      return true;
    };
    while (!named()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  std::unique_ptr<annals::event_store> open() const {
    return annals::open_embedded(directory_, {.segment_bytes = what_.segment_bytes}).value();
  }

  std::string directory_;
  workload what_;
};

/// Prints figures as they come, and keeps them.
class figures {
 public:
  figures() { out_.begin_array(); }
  void add(const std::string& name, double value, const std::string& unit,
           const std::string& goal = "") {
    std::printf("%-66s %12.2f %-10s %s\n", name.c_str(), value, unit.c_str(), goal.c_str());
    std::fflush(stdout);
    out_.begin_object().member("name", name).key("value").raw(json_number(value));
    out_.member("unit", unit).member("goal", goal).end_object();
  }
  std::string to_json() { return std::string(out_.end_array().text()); }

 private:
  annals::json::writer out_{};
};

constexpr double mib = 1 << 20;

double median(std::vector<double> some) {
  std::ranges::sort(some);
  return quantile(some, 0.5);
}

void measure_opening(figures& to, const writer& by, const std::string& size) {
  std::vector<double> warm;
  std::vector<double> cold;
  opening last;
  std::uint64_t stayed = 0;
  for (int i = 0; i < 5; ++i) {
    warm.push_back((last = by.crash_and_open()).milliseconds);
    stayed = std::max(stayed, drop_from_cache(by.directory()));
    cold.push_back(by.crash_and_open().milliseconds);
  }
  to.add("open after a crash, warm, " + size, median(warm), "ms");
  to.add("  the slowest of 5", std::ranges::max(warm), "ms");
  to.add("open after a crash, cold, " + size, median(cold), "ms", "at most 300 ms");
  to.add("  the slowest of 5", std::ranges::max(cold), "ms");
  to.add("  what stayed in the page cache, at most", static_cast<double>(stayed) / mib, "MiB");
  to.add("resident once open, in the middle of a segment", last.resident / mib, "MiB");
  to.add("  and after 1,000 streams were loaded", last.resident_read / mib, "MiB");
}

/// Memory outside the segment that is written.
double measure_resident(figures& to, const writer& by, const std::string& size) {
  by.begin_segment();
  const auto found = by.crash_and_open();
  to.add("resident at the beginning of a segment, " + size, found.resident / mib, "MiB");
  to.add("  and after 1,000 streams were loaded", found.resident_read / mib, "MiB");
  return found.resident_read;
}

/// A tenth of the events, which has all of the streams, then all of them.
void measure_growth(figures& to, const writer& by) {
  const auto& what = by.what();
  const auto tenth = what.events / 10;
  const auto streams = " in " + std::to_string(what.streams) + " streams";
  by.fill(tenth);
  const auto before = measure_resident(to, by, std::to_string(tenth) + " events" + streams);
  const auto start = annals::posix_env().monotonic();
  by.fill(what.events);
  const auto took = microseconds_since(start) / 1e6;
  to.add("filled by one thread", static_cast<double>(what.events - tenth) / took, "events/s");
  measure_opening(to, by, std::to_string(what.events) + " events" + streams);
  const auto after = measure_resident(to, by, std::to_string(what.events) + " events" + streams);
  to.add("resident per event more", (after - before) / static_cast<double>(what.events - tenth),
         "bytes", "0");
  to.add("resident per stream, all there is", after / static_cast<double>(what.streams), "bytes",
         "at most 20");
}

void measure_files(figures& to, const writer& by, const std::string& how) {
  by.close();
  const auto [bytes, events] = by.sealed();
  const auto tags = by.what().tagged ? tag_bytes : 0;
  const auto over = bytes / events - static_cast<double>(workload::payload_bytes + tags);
  const bool batches = how == "batches of 100";
  to.add("log per event, " + how, bytes / events, "bytes");
  to.add("  over payload and tags", over, "bytes");
  to.add("  over payload, tags and the seven metadata fields", over - metadata_bytes, "bytes",
         batches ? "at most 64" : "");
  to.add("index files of segments, per event, " + how,
         static_cast<double>(by.files(".six").bytes) / events, "bytes");
  to.add("runs, per event, " + how, static_cast<double>(by.files(".run").bytes) / events, "bytes");
}

/// Other ways to write, each in a store of a tenth.
void measure_ways(figures& to, const std::string& directory, std::uint64_t events) {
  const auto streams = events / 10;
  const auto run = [&](const workload& what, const std::string& how) {
    const writer by(directory, what);
    by.fill(events);
    measure_files(to, by, how);
    std::filesystem::remove_all(directory);
  };
  run({events, streams, 5, 200}, "5 events to a stream at once");
  run({events, streams / 10, 100, 1}, "batches of 100");
  const workload tagged{events, streams, 1, 1'000, true};
  const writer by(directory, tagged);
  by.fill(events);
  const auto resident = measure_resident(to, by, std::to_string(streams) + " tags");
  to.add("resident per tag, all there is", resident / static_cast<double>(streams), "bytes",
         "at most 20");
  measure_files(to, by, "each with a tag");
  std::filesystem::remove_all(directory);
}

void measure_small(figures& to, const std::string& directory, std::uint64_t events) {
  const writer by(directory, {events, events / 10, 1, 100, false, 4U << 20U});
  to.add("peak of a process that writes segments of 4 MiB, all of it", by.fill(events) / mib, "MiB",
         "at most 16");
  const auto found = by.crash_and_open();
  to.add("resident once open", found.resident / mib, "MiB");
  std::filesystem::remove_all(directory);
}

int usage() {
  std::fprintf(stderr, "usage: scale_bench DIRECTORY [RESULTS] [--scale N]\n");
  return 2;
}

bool has_room(const std::string& directory, std::uint64_t events) {
  const auto needed = events * bytes_per_event + left_free;
  const auto free = std::filesystem::space(directory).available;
  std::printf("%llu events need %.1f GB in %s, which has %.1f GB free\n",
              static_cast<unsigned long long>(events), static_cast<double>(needed) / 1e9,
              directory.c_str(), static_cast<double>(free) / 1e9);
  return needed <= free;
}

int run(const std::vector<std::string>& paths, std::uint64_t scale) {
  const auto events = events_in_all * scale;
  std::filesystem::create_directories(paths[0]);
  refuse_volatile("scale_bench", paths[0]);
  if (!has_room(paths[0], events)) return 1;
  const auto directory = paths[0] + "/scale";
  std::filesystem::remove_all(directory);
  figures to;
  measure_small(to, directory, events_in_all / 20);
  measure_ways(to, directory, events_in_all / 10);
  {
    const writer by(directory, {events, events / 10, 1, 1'000});
    measure_growth(to, by);
    measure_files(to, by, "each to another stream");
  }
  std::filesystem::remove_all(directory);
  return paths.size() > 1 && !save(paths[1].c_str(), to.to_json()) ? 1 : 0;
}

int run(int argc, char** argv) {
  std::vector<std::string> paths;
  std::uint64_t scale = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word != "--scale") {
      if (word.starts_with('-')) return usage();
      paths.emplace_back(word);
      continue;
    }
    if (++i == argc) return usage();
    const std::string_view text = argv[i];
    const auto [stopped, problem] = std::from_chars(text.begin(), text.end(), scale);
    if (problem != std::errc() || stopped != text.end() || scale < 1 || scale > 100) return usage();
  }
  if (paths.empty() || paths.size() > 2) return usage();
  return run(paths, scale);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  return bench::run(argc, argv);
}
