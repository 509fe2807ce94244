#include <charconv>
#include <cstdio>
#include <string>
#include <vector>

#include "annals/embedded.h"

// condition_bench DIRECTORY fill EVENTS | plain COUNT | fresh COUNT | since COUNT
//
// What an append condition costs, counted in instructions: bench/condition_cost runs it under
// callgrind, which counts inside measured() only.
//
//   fill   makes a store: streams of ten events, each event with a tag of its stream, two types
//   plain  appends one event to a new stream, COUNT times
//   fresh  the same unless a tag that no event has, of a type, stands anywhere in the store
//   since  the same unless a tag that events have comes behind the position that was read
namespace bench {
namespace {

using annals::append_condition;
using annals::event_store;
using annals::new_event;
using annals::query_item;
using annals::stream_write;

constexpr std::size_t events_per_stream = 10;
constexpr std::size_t streams_per_append = 100;
constexpr std::string_view payload_text = R"({"customer":"17850","country":"GB","total":"139.12"})";

std::string order_name(std::size_t number) {
  return "order-" + std::to_string(number);
}
std::string order_tag(std::size_t number) {
  return "order:" + std::to_string(number);
}
new_event event_of(std::string_view type, std::span<const std::string_view> tags) {
  return {.type = type, .payload = std::as_bytes(std::span(payload_text)), .tags = tags};
}

void append_streams(event_store& store, std::size_t first, std::size_t count) {
  std::vector<std::string> names(count);
  std::vector<std::string> tags(count);
  std::vector<std::string_view> shown(count);
  std::vector<std::vector<new_event>> events(count);
  std::vector<stream_write> writes;
  for (std::size_t i = 0; i < count; ++i) {
    names[i] = order_name(first + i);
    tags[i] = order_tag(first + i);
    shown[i] = tags[i];
    for (std::size_t n = 0; n < events_per_stream; ++n)
      events[i].push_back(event_of(n == 0 ? "created" : "changed", {&shown[i], 1}));
    writes.push_back({names[i], annals::expect::none(), events[i]});
  }
  store.append({.streams = writes}).value();
}

void fill(event_store& store, std::size_t events) {
  const auto streams = events / events_per_stream;
  for (std::size_t i = 0; i < streams; i += streams_per_append)
    append_streams(store, i, std::min(streams_per_append, streams - i));
}

/// What is counted.
[[gnu::noinline]] void measured(event_store& store, const annals::append_request& request) {
  store.append(request).value();
}

void append_single(event_store& store, std::string_view kind, std::size_t count) {
  const auto head = store.head().value();
  const std::vector<std::string_view> types{"created"};
  const auto run = head.in(0).sequence;  // names that no run before has used
  for (std::size_t i = 0; i < count; ++i) {
    const auto name = "single-" + std::to_string(run) + '-' + std::to_string(i);
    const auto tag = kind == "fresh" ? "single:" + name : order_tag(i * 977);
    const std::string_view shown = tag;
    const auto event = event_of("created", {});
    const stream_write write{name, annals::expect::none(), {&event, 1}};
    const query_item selected{types, {&shown, 1}};
    const append_condition unless{.matching = {{&selected, 1}},
                                  .after = kind == "since" ? head : annals::checkpoint{}};
    const std::span<const append_condition> conditions(&unless, kind == "plain" ? 0 : 1);
    measured(store, {.streams = {&write, 1}, .unless = conditions});
  }
}

int run(const std::string& directory, std::string_view kind, std::string_view number) {
  std::size_t count = 0;
  const auto [end, bad] = std::from_chars(number.begin(), number.end(), count);
  const bool known = kind == "fill" || kind == "plain" || kind == "fresh" || kind == "since";
  if (bad != std::errc{} || end != number.end() || count == 0 || !known) {
    std::fprintf(stderr,
                 "usage: condition_bench DIRECTORY fill EVENTS | plain COUNT | fresh COUNT | since "
                 "COUNT\n");
    return 2;
  }
  const auto store = annals::open_embedded(directory, {.create = kind == "fill"}).value();
  if (kind == "fill")
    fill(*store, count);
  else
    append_single(*store, kind, count);
  store->close().value();
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  if (argc == 4) return bench::run(argv[1], argv[2], argv[3]);
  return bench::run("", "", "");
}
