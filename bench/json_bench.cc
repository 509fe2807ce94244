#include <benchmark/benchmark.h>

#include "events.h"

// Encoding and decoding of the reference events. `generic` is the same decode by simdjson, which
// reads any document: the ratio to it is what the canonical reader buys.
namespace bench {
namespace {

template <class T>
void encode(benchmark::State& state, const T& value) {
  std::string out;
  for (auto _ : state) {
    out.clear();
    annals::json::encode(value, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.counters["bytes"] = static_cast<double>(out.size());
  state.SetItemsProcessed(state.iterations());
}

template <class T>
void decode(benchmark::State& state, const T& value) {
  const auto text = json_of(value);
  for (auto _ : state) benchmark::DoNotOptimize(annals::json::decode<T>(text));
  state.counters["bytes"] = static_cast<double>(text.size());
  state.SetItemsProcessed(state.iterations());
}

template <class T>
void decode_generic(benchmark::State& state, const T& value) {
  const auto text = json_of(value);
  for (auto _ : state) {
    T out{};
    annals::json::problem why;
    annals::json::generic_reader reader(why);
    const bool good = annals::json::read_document(
        text, [&](annals::json::value& root) { return reader.read(root, out); }, why);
    benchmark::DoNotOptimize(good);
    benchmark::DoNotOptimize(out);
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(encode, paid, a_payment());
BENCHMARK_CAPTURE(encode, created_1_item, an_order(1));
BENCHMARK_CAPTURE(encode, created_20_items, an_order(20));
BENCHMARK_CAPTURE(decode, paid, a_payment());
BENCHMARK_CAPTURE(decode, created_1_item, an_order(1));
BENCHMARK_CAPTURE(decode, created_20_items, an_order(20));
BENCHMARK_CAPTURE(decode_generic, paid, a_payment());
BENCHMARK_CAPTURE(decode_generic, created_1_item, an_order(1));
BENCHMARK_CAPTURE(decode_generic, created_20_items, an_order(20));

}  // namespace
}  // namespace bench
