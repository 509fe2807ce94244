// Any log: open and verify agree about it; what opens is read whole, repaired by a writer, and goes
// on. The first byte: whether CRCs are mended.
#include "mended.h"
#include "store_in_memory.h"

using namespace annals;
using fuzz::require;

namespace {

bool too_new(const auto& answer) {
  return !answer && answer.error().code() == errc::store_too_new;
}

/// Reads all events there are, at most so many, at growing positions; answers how many.
std::uint64_t read_all(event_store& store, std::uint64_t events) {
  std::uint64_t seen = 0;
  const auto end = store.read({}, [&](const event_batch& batch) {
    for (const auto& event : batch.events) {
      require(event.position().sequence > seen && event.position().sequence <= events,
              "positions grow and end with the log");
      seen = event.position().sequence;
      require(event.metadata().version == event.version(), "metadata agrees");
    }
    return flow::more;
  });
  require(end.has_value(), "an open store is read whole");
  return end->delivered + end->removed;
}

void append_one(event_store& store) {
  const new_event event{.type = "happened"};
  const stream_write write{"fuzz-1", expect::any(), {&event, 1}};
  const auto done = store.append({.streams = {&write, 1}});
  require(done || done.error().code() == errc::stream_gone ||
              done.error().code() == errc::stream_key_collision,
          "an open store takes an event");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto input = fuzz::bytes_of(data + 1, size - 1);
  fuzz::bytes frames(input.begin(), input.end());
  if (data[0] % 2 == 1)
    fuzz::mend_frames(frames, {.seed = embedded::seed_of(fuzz::an_empty_store().header.salt)});
  const auto world = fuzz::world_with(frames);
  const auto report = verify_embedded(fuzz::root, {}, *world);
  require(report || too_new(report), "verify reports, or says that the store is too new");
  auto opened = open_embedded(fuzz::root, {.read_only = true}, *world);
  if (!opened) {
    const auto code = opened.error().code();
    require(code == errc::store_corrupt || code == errc::store_too_new, "the error is typed");
    // Behind damage verify may meet frames of a newer program, which only that one can judge.
    require(too_new(report) || (code == errc::store_corrupt && !report->damage.empty()),
            "verify names what open refuses");
    return 0;
  }
  // A reader shows what is known to be acknowledged and looks at nothing behind it; verify and the
  // next writer judge all there is.
  const bool sound = report && report->damage.empty();
  const auto most = sound ? report->events : UINT64_MAX;
  require(read_all(**opened, most) <= most, "a reader makes nothing up");
  opened->reset();
  if (!sound) {
    const auto refused = open_embedded(fuzz::root, {.segment_bytes = 1U << 20U}, *world);
    require(!refused, "a writer refuses what verify calls damaged or too new");
    return 0;
  }
  {
    const auto writer = open_embedded(fuzz::root, {.segment_bytes = 1U << 20U}, *world);
    require(writer.has_value(), "what can be read can be written to");
    require(read_all(**writer, report->events) == report->events,
            "every event is delivered or counted");
    append_one(**writer);
    require((*writer)->close().has_value(), "and closed");
  }
  const auto after = verify_embedded(fuzz::root, {}, *world);
  require(after && after->damage.empty() && after->torn_tail_bytes == 0, "and is whole then");
  require(after->events >= report->events, "nothing is lost");
  return 0;
}
