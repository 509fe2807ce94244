#include "workload.h"

#include <algorithm>

namespace annals {
namespace simulated {
namespace {

constexpr std::uint64_t streams = 5;
constexpr std::uint64_t counters = 2;
constexpr std::uint64_t most_threads = 4;
constexpr std::uint64_t most_calls = 12;           // of one thread
constexpr std::size_t great_payload = 48U << 10U;  // so that segments fill up

std::size_t draw_bytes(testing::simulation& machine) {
  switch (machine.draw(16)) {
    case 0: return static_cast<std::size_t>(machine.draw(great_payload));
    case 1: return 0;
    default: return static_cast<std::size_t>(machine.draw(300));
  }
}

uuid draw_id(env& world) {
  std::array<std::uint8_t, 16> random{};
  world.random(random);
  return make_uuid_v4(random);
}

}  // namespace

std::optional<std::string> workload::run() {
  std::vector<std::unique_ptr<thread>> running;
  const auto threads = 1 + draw(most_threads);
  for (std::uint64_t i = 0; i < threads; ++i)
    running.push_back(world_.spawn("client", [this] {
      for (auto calls = draw(most_calls); calls > 0; --calls) act();
    }));
  for (auto& one : running) one->join();
  for (auto left = unanswered_.load(); left != 0; left = unanswered_.load())
    world_.park(unanswered_, left);
  return problem_;
}

void workload::act() {
  switch (draw(16)) {
    case 0: return read_everything();
    case 1: return save_snapshot();
    case 2: return retain();
    case 3: return append_again();
    case 4:
    case 5:
    case 6: return execute();
    case 7:
    case 8:
    case 9:
    case 10: return append(false);
    default: return append(true);
  }
}

// Some are rejected: a counter does not fall below zero.
void workload::execute() {
  const auto amount = static_cast<std::int64_t>(draw(9)) - 3;
  note(ledger_.add(store_, draw(counters), amount));
}

std::string workload::some_stream() {
  return "order-" + std::to_string(draw(streams));
}

// Expectations are drawn too; most hold, some do not.
planned_append workload::plan_append() {
  planned_append planned;
  if (draw(2) == 0) planned.command_id = draw_id(world_);
  const auto number = oracle_.next_number();
  const bool several = draw(6) == 0;
  std::size_t index = 0;
  for (std::uint64_t s = 0; s < (several ? 2U : 1U); ++s) {
    const auto stream = several ? "order-" + std::to_string(s) : some_stream();
    planned.streams.push_back(stream);
    planned.expected.push_back(several || draw(6) == 0 ? expect::at({draw(12)}) : expect::any());
    for (auto events = 1 + draw(3); events > 0; --events, ++index)
      planned.events.push_back({stream, oracle::payload(number, index, draw_bytes(machine_))});
  }
  return planned;
}

void workload::append(bool waits) {
  const auto number = oracle_.next_number();
  oracle_.begin(plan_append());
  send(number, waits);
}

void workload::append_again() {
  const auto number = oracle_.any_command(draw(UINT64_MAX));
  if (number) send(*number, true);
}

void workload::send(std::size_t number, bool waits) {
  const auto plan = oracle_.plan_of(number);  // a copy: the oracle's moves when others begin
  std::vector<std::vector<new_event>> events(plan.streams.size());
  std::vector<stream_write> writes;
  for (std::size_t s = 0; s < plan.streams.size(); ++s) {
    for (const auto& one : plan.events)
      if (one.stream == plan.streams[s])
        events[s].push_back({.type = "happened", .payload = std::as_bytes(std::span(one.payload))});
    writes.push_back({plan.streams[s], plan.expected[s], events[s]});
  }
  const append_request request{.streams = writes, .context = {.command_id = plan.command_id}};
  if (waits) return answer(number, store_.append(request));
  ++unanswered_;
  store_.append(request, [this, number](const result<appended>& answered) {
    answer(number, answered);
    --unanswered_;
    world_.wake_all(unanswered_);
  });
}

void workload::answer(std::size_t number, const result<appended>& answered) {
  if (answered) {
    acknowledged_ = std::max(acknowledged_, answered->last.sequence);
    watcher_.acknowledged(answered->last.sequence);
  }
  note(oracle_.answered(number, answered));
}

// What was acknowledged before a read begins is in it, and nothing is left out.
void workload::read_everything() {
  const auto wanted = acknowledged_;
  std::uint64_t last = 0;
  bool gap = false;
  const auto end = store_.read({}, [&](const event_batch& batch) {
    for (const auto& view : batch.events) gap = gap || view.position().sequence != ++last;
    return flow::more;
  });
  if (!end) {
    if (end.error().code() == errc::store_corrupt) note("reading: " + end.error().to_string());
    return;
  }
  if (gap) note("a read has a gap");
  if (last < wanted)
    note("a read ends at position " + std::to_string(last) + ", " + std::to_string(wanted) +
         " was acknowledged before");
}

void workload::save_snapshot() {
  const auto stream = some_stream();
  const auto listed = store_.list_streams({.prefix = stream, .limit = 1});
  if (!listed || listed->empty()) return;
  const auto& found = listed->front();
  const std::string state = "state at " + std::to_string(found.version.number);
  uuid last;
  const auto take_last = [&](const event_batch& batch) {
    for (const auto& view : batch.events) last = view.header().event_id;
    return flow::more;
  };
  const auto end = store_.read({.stream = found.name, .from = found.version}, take_last);
  if (!end || last.is_nil()) return;
  const auto saved = store_.save_snapshot({.stream = found.name,
                                           .shape = 1,
                                           .version = found.version,
                                           .last_event = last,
                                           .state = std::as_bytes(std::span(state))});
  if (!saved && saved.error().code() == errc::invalid_argument)
    note("saving a snapshot: " + saved.error().to_string());
}

// So long that everything stays: what the oracle reads must not be hidden.
void workload::retain() {
  const auto days = std::chrono::hours(24 * (10'000 + draw(1000)));
  const auto done = store_.retain(some_stream(), {.max_age = days});
  if (!done && done.error().code() == errc::invalid_argument)
    note("retaining: " + done.error().to_string());
}

void workload::note(std::optional<std::string> problem) {
  if (problem && !problem_) problem_ = std::move(problem);
}

}  // namespace simulated
}  // namespace annals
