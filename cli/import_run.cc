#include "import_run.h"

#include <algorithm>
#include <utility>

#include "interrupts.h"

namespace annals_cli {
namespace {

constexpr std::uint32_t batches_in_flight = 3;    // while one is written, the next is read
constexpr std::size_t travels_alone = 8U << 20U;  // bytes of payload in a batch

bool same(const annals::imported_event& a, const annals::imported_event& b) {
  return a.event.event_id == b.event.event_id && a.position == b.position &&
         a.version == b.version && a.stream == b.stream && a.recorded == b.recorded &&
         a.event.timestamp == b.event.timestamp && a.event.type == b.event.type &&
         a.event.schema == b.event.schema && a.event.codec == b.event.codec &&
         a.event.genesis == b.event.genesis && std::ranges::equal(a.event.tags, b.event.tags) &&
         std::ranges::equal(a.event.payload, b.event.payload);
}

bool same(const annals::import_request& a, const annals::import_request& b) {
  const auto& first = a.context;
  const auto& second = b.context;
  return first.command_id == second.command_id && first.command_digest == second.command_digest &&
         first.correlation_id == second.correlation_id &&
         first.causation_id == second.causation_id && first.trace == second.trace &&
         first.tracestate == second.tracestate &&
         std::ranges::equal(first.user_metadata, second.user_metadata) &&
         (first.command_id.is_nil() || a.stream == b.stream) &&
         std::ranges::equal(a.events, b.events,
                            [](const auto& one, const auto& other) { return same(one, other); });
}

bool same(const annals::retained_stream& a, const annals::retained_stream& b) {
  return a.stream == b.stream && a.truncate_before == b.truncate_before &&
         a.tombstone == b.tombstone && a.max_age == b.max_age && a.max_count == b.max_count;
}

bool same(const annals::history_entry& a, const annals::history_entry& b) {
  if (a.index() != b.index()) return false;
  if (const auto* append = std::get_if<annals::import_request>(&a))
    return same(*append, std::get<annals::import_request>(b));
  return same(std::get<annals::retained_stream>(a), std::get<annals::retained_stream>(b));
}

std::uint64_t events_of(const annals::history_entry& entry) {
  const auto* append = std::get_if<annals::import_request>(&entry);
  return append == nullptr ? 0 : append->events.size();
}

std::size_t payload_of(const annals::history_entry& entry) {
  const auto* append = std::get_if<annals::import_request>(&entry);
  std::size_t bytes = 0;
  if (append != nullptr)
    for (const auto& one : append->events) bytes += one.event.payload.size();
  return bytes;
}

std::unexpected<annals::error> interrupted() {
  return annals::fail(annals::errc::shutting_down,
                      "interrupted; what was imported is whole, import the same again to go on "
                      "from there");
}

}  // namespace

annals::result<void> import_run::run() {
  auto done = compare();
  if (done) done = store_all();
  wait_until(0);
  // Of a refusal and a line that is wrong, the refusal came first.
  if (auto stored = outcome(); !stored) return stored;
  return done;
}

annals::result<void> import_run::next_batch() {
  const auto batch = batches_.next();
  if (!batch && is_interrupted()) return interrupted();
  if (!batch) return std::unexpected(batch.error());
  batch_ = batch->entries;
  at_end_ = batch_.empty();
  bar_.advance_to(batch->bytes, batch->events);
  return {};
}

annals::result<void> import_run::compare() {
  annals::result<void> outcome;
  const auto read = store_.read_history([&](const annals::history_entry& here) {
    outcome = compare_next(here);
    return outcome ? annals::flow::more : annals::flow::stop;
  });
  return read ? outcome : read;
}

annals::result<void> import_run::compare_next(const annals::history_entry& here) {
  if (is_interrupted()) return interrupted();
  if (batch_.empty() && !at_end_)
    if (auto read = next_batch(); !read) return read;
  const auto position = std::to_string(figures_.there + 1);
  if (at_end_)
    return annals::fail(annals::errc::checkpoint_diverged,
                        "the store is ahead: the export ends before position " + position +
                            "; nothing was imported");
  if (!same(batch_.front(), here))
    return annals::fail(annals::errc::checkpoint_diverged,
                        "the store has diverged at position " + position +
                            ": the export has something else there; nothing was imported");
  figures_.there += events_of(here);
  batch_ = batch_.subspan(1);
  return {};
}

annals::result<void> import_run::store_all() {
  for (;;) {
    if (is_interrupted()) return interrupted();
    if (batch_.empty() && !at_end_)
      if (auto read = next_batch(); !read) return read;
    if (at_end_) return {};
    begin(std::exchange(batch_, {}));
    if (auto so_far = outcome(); !so_far) return so_far;
  }
}

void import_run::begin(std::span<const annals::history_entry> entries) {
  import_figures batch;
  std::size_t bytes = 0;
  for (const auto& entry : entries) {
    batch.events += events_of(entry);
    batch.appends += std::holds_alternative<annals::import_request>(entry) ? 1 : 0;
    bytes += payload_of(entry);
  }
  wait_until(bytes > travels_alone ? 0 : batches_in_flight - 1);
  ++begun_;
  store_.import(entries,
                [this, batch](const annals::result<void>& answer) { stored(batch, answer); });
}

void import_run::stored(const import_figures& batch, const annals::result<void>& answer) {
  auto& environment = store_.environment();
  {
    const std::scoped_lock lock(mutex_);
    if (answer && !problem_) {
      figures_.events += batch.events;
      figures_.appends += batch.appends;
    } else if (!problem_) {
      problem_ = answer.error();
    }
  }
  ++done_;
  environment.wake_all(done_);
}

void import_run::wait_until(std::uint32_t most) {
  for (auto done = done_.load(); begun_ - done > most; done = done_.load())
    store_.environment().park(done_, done);
}

annals::result<void> import_run::outcome() {
  const std::scoped_lock lock(mutex_);
  if (problem_) return std::unexpected(*problem_);
  return {};
}

}  // namespace annals_cli
