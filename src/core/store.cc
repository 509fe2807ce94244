#include "annals/store.h"

#include "annals/assert.h"
#include "annals/engine.h"
#include "annals/limits.h"
#include "annals/obs.h"
#include "annals/stream.h"
#include "request_checks.h"

namespace annals {
inline namespace v1 {
namespace {

// How long a blocking append waits before it asks again whether there is room.
constexpr std::chrono::microseconds room_poll{200};

void assert_may_block() {
  ANNALS_ASSERT(!inside_completion(),
                "a blocking call inside a completion; use the completion form there");
}

void wait_for_room(env& environment) {
  const std::atomic<std::uint32_t> never{0};
  environment.park(never, 0, room_poll);
}

/// The answer of a completion form, awaited by a blocking one.
template <class T>
class answer_slot {
 public:
  completion<T> completer(env& environment) {
    return [this, &environment](result<T> answer) {
      answer_.emplace(std::move(answer));
      done_.store(1, std::memory_order_release);
      environment.wake_all(
          done_);  // after the store nothing of this object is touched but its address
    };
  }
  const std::atomic<std::uint32_t>& done() const noexcept { return done_; }
  bool is_done() const noexcept { return done_.load(std::memory_order_acquire) != 0; }
  void wait(env& environment) const {
    while (!is_done()) environment.park(done_, 0);
  }
  result<T> take() { return std::move(*answer_); }

 private:
  std::optional<result<T>> answer_{};
  std::atomic<std::uint32_t> done_{0};
};

template <class T>
void complete_with(completion<T>& done, result<T> answer) {
  complete(
      [done = std::move(done), answer = std::move(answer)]() mutable { done(std::move(answer)); });
}

std::uint64_t count_events(const append_request& request) {
  std::uint64_t events = 0;
  for (const auto& write : request.streams) events += write.events.size();
  return events;
}

void describe(obs::span& span, const append_request& request) {
  if (!span) return;
  const auto& first = request.streams.front();
  span.set("annals.aggregate_id", aggregate_id_of(first.name).to_string());
  span.set("annals.expected_version", first.expected.to_string());
  span.set("annals.event_count", count_events(request));
}

}  // namespace

event_store::event_store(env& environment, store_info info)
    : info_(std::move(info)), env_(environment) {}

event_store::~event_store() {
  ANNALS_ASSERT(!inside_completion(), "a store destroyed inside a completion");
}

result<appended> event_store::append(const append_request& request) {
  assert_may_block();
  if (auto checked = check_append(request, info_); !checked)
    return std::unexpected(checked.error());
  obs::span span("annals.append", request.context.trace);
  describe(span, request);
  for (;;) {
    answer_slot<appended> slot;
    do_append(request, caller::waits, slot.completer(env_));
    if (!slot.is_done()) do_lend(slot.done());
    slot.wait(env_);
    auto answer = slot.take();
    if (!answer && answer.error().code() == errc::overloaded) {
      wait_for_room(env_);
      continue;
    }
    if (!answer) span.fail(name_of(answer.error().code()));
    return answer;
  }
}

void event_store::append(const append_request& request, completion<appended> done) {
  if (auto checked = check_append(request, info_); !checked) {
    complete_with<appended>(done, std::unexpected(checked.error()));
    return;
  }
  obs::span span("annals.append", request.context.trace);
  describe(span, request);
  do_append(request, caller::goes_on, std::move(done));
}

result<read_end> event_store::read(const read_request& request, sink on_batch) {
  assert_may_block();
  if (auto checked = check_read(request); !checked) return std::unexpected(checked.error());
  answer_slot<read_end> slot;
  do_read(request, std::move(on_batch), slot.completer(env_));
  slot.wait(env_);
  return slot.take();
}

void event_store::read(const read_request& request, sink on_batch, completion<read_end> done) {
  if (auto checked = check_read(request); !checked) {
    complete_with<read_end>(done, std::unexpected(checked.error()));
    return;
  }
  // What the sink throws has no caller to pass through to.
  auto thrown = std::make_shared<std::optional<error>>();
  do_read(
      request,
      [on_batch = std::move(on_batch), thrown](const event_batch& batch) mutable {
        try {
          return on_batch(batch);
        } catch (...) {
          *thrown = handler_failed("reading", std::current_exception());
          return flow::stop;
        }
      },
      [done = std::move(done), thrown](result<read_end> end) mutable {
        if (*thrown) {
          done(std::unexpected(std::move(**thrown)));
        } else {
          done(std::move(end));
        }
      });
}

std::unique_ptr<wait_handle> event_store::notify_past(const checkpoint& seen,
                                                      completion<checkpoint> done) {
  return do_notify_past(seen, std::move(done));
}

result<std::optional<command_record>> event_store::find_command(const uuid& command_id) {
  if (command_id.is_nil()) return fail(errc::invalid_argument, "the nil UUID is no command id");
  return do_find_command(command_id);
}

result<void> event_store::save_snapshot(const snapshot_write& write) {
  if (auto checked = check_snapshot(write); !checked) return checked;
  return do_save_snapshot(write);
}

result<std::optional<snapshot>> event_store::load_snapshot(std::string_view stream,
                                                           std::uint64_t shape) {
  if (auto checked = check_stream_name(stream); !checked) return std::unexpected(checked.error());
  return do_load_snapshot(stream, shape);
}

result<void> event_store::retain(std::string_view stream, const retention_change& change) {
  assert_may_block();
  if (auto checked = check_stream_name(stream); !checked) return checked;
  return do_retain(stream, change);
}

result<std::vector<stream_info>> event_store::list_streams(const list_request& request) {
  if (auto checked = check_list(request); !checked) return std::unexpected(checked.error());
  return do_list_streams(request);
}

result<void> event_store::import(const import_request& request) {
  assert_may_block();
  const history_entry entry(request);
  if (auto checked = check_import({&entry, 1}); !checked) return checked;
  for (;;) {
    answer_slot<void> slot;
    do_import({&entry, 1}, caller::waits, slot.completer(env_));
    if (!slot.is_done()) do_lend(slot.done());
    slot.wait(env_);
    auto answer = slot.take();
    if (answer || answer.error().code() != errc::overloaded) return answer;
    wait_for_room(env_);
  }
}

void event_store::import(std::span<const history_entry> entries, completion<void> done) {
  auto checked = check_import(entries);
  if (!checked || entries.empty()) return complete_with<void>(done, std::move(checked));
  do_import(entries, caller::goes_on, std::move(done));
}

result<void> event_store::read_history(history_sink on_entry) {
  assert_may_block();
  return do_read_history(std::move(on_entry));
}

result<checkpoint> event_store::head() {
  return do_head();
}

result<void> event_store::close() {
  assert_may_block();
  return do_close();
}

}  // namespace v1
}  // namespace annals
