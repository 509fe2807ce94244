#include <benchmark/benchmark.h>

#include <cmath>
#include <string>
#include <vector>

#include "index_run.h"
#include "segment_index.h"
#include "segment_index_builder.h"

// Lookups in runs and segment indexes, and how long and how large an index is. The files stand in
// memory, /dev/shm, so that no disk is measured.
namespace annals::embedded {
namespace {

const uuid store_id{{7}};
constexpr std::uint64_t hash_seed = 0x5eed;
constexpr std::uint64_t streams = 1'000'000;
constexpr std::uint64_t segment_bytes = 64U << 20U;
constexpr std::uint64_t events_per_segment = 180'000;
constexpr std::uint64_t segments_before = 30;
constexpr std::uint64_t number = segments_before + 1;

std::uint64_t mixed(std::uint64_t n) {
  n = (n ^ n >> 30U) * 0xbf58476d1ce4e5b9U;
  n = (n ^ n >> 27U) * 0x94d049bb133111ebU;
  return n ^ n >> 31U;
}

std::string folder() {
  const std::string path = "/dev/shm/annals-index-bench";
  posix_env().create_directories(path).value();
  return path;
}

std::uint64_t hash_of(std::uint64_t n) {
  return mixed(n + 1);
}

const index_run& large_run() {
  static const index_run run = [] {
    const run_identity identity{store_id, hash_seed, 1, 100};
    const auto path = folder() + "/run";
    index_run_builder builder;
    for (std::uint64_t n = 0; n < streams; ++n)
      builder.add({hash_of(n), term_kind::stream, false, lsn::at(1 + n % 100, 4096 + 8 * n)});
    builder.write(posix_env(), path, identity).value();
    auto made = index_run::open(posix_env(), path, identity).value();
    made.check().value();
    return made;
  }();
  return run;
}

void find_in_run(benchmark::State& state, std::uint64_t first, term_kind kind, bool hit) {
  const auto& run = large_run();
  std::vector<run_slot> found;
  std::uint64_t n = 0;
  for (auto _ : state) {
    found.clear();
    run.find(hash_of(first + mixed(++n) % streams), kind, found).value();
    if (found.empty() == hit) state.SkipWithError("found what is not there, or not what is");
  }
  state.counters["bytes/slot"] =
      static_cast<double>(run.facts().size) / static_cast<double>(run.size());
}
BENCHMARK_CAPTURE(find_in_run, hit, 0, term_kind::stream, true);
BENCHMARK_CAPTURE(find_in_run, miss, streams, term_kind::stream, false);
BENCHMARK_CAPTURE(find_in_run, miss_of_a_kind_that_is_not_there, 0, term_kind::retention, false);

void write_run(benchmark::State& state) {
  const auto path = folder() + "/written";
  for (auto _ : state) {
    index_run_builder builder;
    for (std::uint64_t n = 0; n < streams; ++n)
      builder.add({hash_of(n), term_kind::stream, false, lsn::at(1, 4096 + 8 * n)});
    builder.write(posix_env(), path, {store_id, hash_seed, 1, 1}).value();
  }
}
BENCHMARK(write_run)->Unit(benchmark::kMillisecond);

void join_runs(benchmark::State& state) {
  const auto path = folder() + "/newer";
  index_run_builder builder;
  for (std::uint64_t n = 0; n < events_per_segment; ++n)
    builder.add({hash_of(mixed(n) % (2 * streams)), term_kind::stream, false, lsn::at(101, 8 * n)});
  const run_identity identity{store_id, hash_seed, 101, 101};
  builder.write(posix_env(), path, identity).value();
  const auto newer = index_run::open(posix_env(), path, identity).value();
  for (auto _ : state) join(posix_env(), folder() + "/joined", large_run(), newer, {}).value();
}
BENCHMARK(join_runs)->Unit(benchmark::kMillisecond);

enum class distribution : std::uint8_t { uniform, zipf, bursts, bursts_on_new_streams };

/// The events of one segment, in a log that has had some segments before.
struct sample {
  struct event {
    std::uint64_t stream = 0;
    std::uint64_t version = 0;
    std::uint64_t segment_before = 0;
  };
  std::vector<event> events{};
};

/// The stream of each event, one after the other.
class stream_source {
 public:
  explicit stream_source(distribution kind) : kind_(kind) {}

  std::uint64_t next() {
    const auto random = mixed(++n_);
    switch (kind_) {
      case distribution::uniform: return random % streams;
      case distribution::zipf:  // the inverse of P(rank <= k) = ln k / ln streams
        return static_cast<std::uint64_t>(
            std::pow(static_cast<double>(streams), static_cast<double>(random >> 11U) * 0x1p-53));
      case distribution::bursts:
      case distribution::bursts_on_new_streams: break;
    }
    if (left_ == 0) {
      left_ = 1 + random % 10;
      current_ = kind_ == distribution::bursts ? mixed(random) % streams : current_ + 1;
    }
    --left_;
    return current_;
  }

 private:
  distribution kind_;
  std::uint64_t n_ = 0;
  std::uint64_t left_ = 0;  // of the burst
  std::uint64_t current_ = 0;
};

sample sample_of(distribution kind) {
  sample made;
  const bool fresh = kind == distribution::bursts_on_new_streams;
  const auto before = fresh ? 0 : segments_before * events_per_segment;
  struct head {
    std::uint64_t version = 0;
    std::uint64_t segment = 0;
  };
  std::vector<head> heads(streams + 1);
  stream_source source(kind);
  for (std::uint64_t n = 0; n < before + events_per_segment; ++n) {
    auto& at = heads[source.next() % heads.size()];
    if (n >= before)
      made.events.push_back(
          {static_cast<std::uint64_t>(&at - heads.data()), at.version + 1, at.segment});
    ++at.version;
    at.segment = fresh ? number : 1 + n / events_per_segment;
  }
  return made;
}

struct prepared_event {
  uuid key{};
  std::string name{};
};

segment_index_builder built(const sample& from, const std::vector<prepared_event>& prepared,
                            bool with_names) {
  segment_index_builder builder({store_id, hash_seed, number, 42});
  for (std::size_t i = 0; i < from.events.size(); ++i) {
    const auto& event = from.events[i];
    const auto place = static_cast<std::uint32_t>(first_place + i * (segment_bytes / 8 - 1'024) /
                                                                    events_per_segment);
    builder.add_event({.place = place,
                       .stream_key = prepared[i].key,
                       .version = event.version,
                       .previous = event.version == 1 ? lsn{} : lsn::at(event.segment_before, 64),
                       .type = 1 + static_cast<std::uint32_t>(mixed(i) % 2),
                       .category = 1});
    if (with_names && event.version == 1) builder.add_name(place, prepared[i].name);
  }
  return builder;
}

std::vector<prepared_event> prepare(const sample& from) {
  std::vector<prepared_event> made;
  for (const auto& event : from.events) {
    const auto id = make_uuid_v5({}, std::to_string(event.stream));
    const auto name = "order-" + id.to_string();
    made.push_back({make_uuid_v5({}, name), name});
  }
  return made;
}

void index_segment(benchmark::State& state, distribution kind) {
  const auto from = sample_of(kind);
  const auto prepared = prepare(from);
  const auto path = folder() + "/segment";
  const std::vector<std::uint32_t> crcs(segment_bytes / crc_block_bytes);
  const auto earlier = [](const indexed_term&) -> result<std::uint64_t> { return number - 1; };
  const sealed_facts facts{segment_bytes, 1, crcs};
  checked_file_facts with_names;
  for (auto _ : state)
    with_names = built(from, prepared, true).write(posix_env(), path, facts, earlier).value();
  const auto builder = built(from, prepared, false);
  const auto without = builder.write(posix_env(), path, facts, earlier).value();
  const auto slots = builder.slots();
  index_run_builder run;
  for (const auto& slot : slots) run.add(slot);
  const auto run_facts =
      run.write(posix_env(), folder() + "/run_of_one", {store_id, hash_seed, number, number})
          .value();
  const auto per_event = [&](std::uint64_t bytes) {
    return static_cast<double>(bytes) / static_cast<double>(events_per_segment);
  };
  state.counters["six B/event"] = per_event(with_names.size);
  state.counters["without names"] = per_event(without.size);
  state.counters["run B/event"] = per_event(run_facts.size);
  state.counters["terms"] = static_cast<double>(builder.terms());
}
BENCHMARK_CAPTURE(index_segment, uniform, distribution::uniform)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(index_segment, zipf, distribution::zipf)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(index_segment, bursts, distribution::bursts)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(index_segment, bursts_on_new_streams, distribution::bursts_on_new_streams)
    ->Unit(benchmark::kMillisecond);

void find_in_segment(benchmark::State& state, distribution kind, bool hit) {
  const auto from = sample_of(kind);
  const auto prepared = prepare(from);
  const auto path = folder() + "/segment";
  const std::vector<std::uint32_t> crcs(segment_bytes / crc_block_bytes);
  const auto earlier = [](const indexed_term&) -> result<std::uint64_t> { return number - 1; };
  built(from, prepared, true).write(posix_env(), path, {segment_bytes, 1, crcs}, earlier).value();
  const auto index =
      segment_index::open(posix_env(), path, {store_id, hash_seed, number, 42}).value();
  index.check().value();
  std::vector<std::uint64_t> hashes;
  for (const auto& event : prepared)
    hashes.push_back(hit ? term_hash(hash_seed, term_kind::stream, term_bytes(event.key))
                         : mixed(hashes.size()));
  std::vector<postings> found;
  std::vector<std::uint32_t> places;
  std::uint64_t n = 0;
  std::uint64_t events = 0;
  for (auto _ : state) {
    found.clear();
    places.clear();
    index.find(term_kind::stream, hashes[mixed(++n) % hashes.size()], found).value();
    for (const auto& one : found) index.places(one, places).value();
    events += places.size();
  }
  state.counters["places"] = static_cast<double>(events) / static_cast<double>(n);
}
BENCHMARK_CAPTURE(find_in_segment, hit_of_bursts, distribution::bursts, true);
BENCHMARK_CAPTURE(find_in_segment, hit_of_uniform, distribution::uniform, true);
BENCHMARK_CAPTURE(find_in_segment, miss, distribution::bursts, false);

void places_of_a_category(benchmark::State& state) {
  const auto from = sample_of(distribution::bursts);
  const auto path = folder() + "/segment";
  const std::vector<std::uint32_t> crcs(segment_bytes / crc_block_bytes);
  const auto earlier = [](const indexed_term&) -> result<std::uint64_t> { return number - 1; };
  built(from, prepare(from), false)
      .write(posix_env(), path, {segment_bytes, 1, crcs}, earlier)
      .value();
  const auto index =
      segment_index::open(posix_env(), path, {store_id, hash_seed, number, 42}).value();
  const std::uint32_t category = 1;
  const auto hash = term_hash(hash_seed, term_kind::category, term_bytes(category));
  std::vector<postings> found;
  index.find(term_kind::category, hash, found).value();
  std::vector<std::uint32_t> places;
  for (auto _ : state) {
    places.clear();
    index.places(found.at(0), places).value();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(places.size()) * state.iterations());
}
BENCHMARK(places_of_a_category)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace annals::embedded
