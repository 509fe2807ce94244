#pragma once

#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "annals/engine.h"
#include "annals/execute.h"
#include "annals/fold.h"
#include "annals/obs.h"

namespace annals {
inline namespace v1 {

/// A command on its way: the completion form of the load–decide–append loop. Keeps itself alive
/// until its completion has run.
///
/// Threads: its steps run one after the other, on the caller's thread first, then on those of the
///          store's completions and the env's timer.
template <class State, class Events, class Decide>
class operation : public std::enable_shared_from_this<operation<State, Events, Decide>> {
 public:
  operation(event_store& store, std::string stream, execute_options options, const uuid& digest,
            Decide decide_on, completion<executed> done)
      : store_(store),
        stream_(std::move(stream)),
        options_(std::move(options)),
        digest_(digest),
        decide_(std::move(decide_on)),
        done_(std::move(done)),
        started_(store.environment().monotonic()) {}

  void start() {
    obs::span span("annals.execute", options_.trace);
    if (!options_.command_id.is_nil()) {
      auto known = find_applied(store_, options_.command_id, digest_);
      if (!known) return finish_later(std::unexpected(known.error()));
      if (*known) return finish_later(executed{.append = **known});
    }
    load();
  }

 private:
  using fold = stream_fold<State, Events>;

  void load() {
    ++attempt_;
    fold_.emplace(at{});
    auto self = this->shared_from_this();
    store_.read(
        {.stream = stream_}, [self](const event_batch& batch) { return (*self->fold_)(batch); },
        [self](result<read_end> end) { self->loaded_state(std::move(end)); });
  }

  void loaded_state(result<read_end> end) {
    if (!end) return finish(std::unexpected(end.error()));
    auto state = fold_->finish(*end, stream_);
    if (!state) return finish(std::unexpected(state.error()));
    try {
      append(*state, decide_(std::as_const(state->state)));
    } catch (...) {
      finish(std::unexpected(handler_failed("deciding on " + stream_, std::current_exception())));
    }
  }

  void append(const loaded<State>& state, const decision<Events>& decided) {
    if (decided.rejected())
      return finish(std::unexpected(error::rejected(decided.why().reason, decided.why().message)));
    events_ = decided.happened().size();
    if (events_ == 0 && options_.command_id.is_nil())
      return finish(executed{.append = {.stream_version = state.version}, .attempts = attempt_});
    prepared_append prepared;
    prepared.prepare(stream_, state.version, decided, options_, digest_);
    store_.append(prepared.request(), [self = this->shared_from_this()](result<appended> stored) {
      self->answered(std::move(stored));
    });
  }

  void answered(result<appended> stored) {
    if (stored)
      return finish(executed{.append = *stored,
                             .events = stored->already_applied ? 0 : events_,
                             .attempts = attempt_});
    if (stored.error().code() != errc::version_conflict)
      return finish(std::unexpected(stored.error()));
    auto& environment = store_.environment();
    if (!may_retry(stored.error(), attempt_, options_, environment.monotonic() - started_))
      return finish(std::unexpected(retries_exhausted(stored.error(), attempt_)));
    const auto pause = back_off(attempt_ + 1, environment);
    if (pause.count() == 0) return load();
    environment.post(pause, [self = this->shared_from_this()] { self->load(); });
  }

  void finish(result<executed> outcome) { done_(std::move(outcome)); }
  /// As finish, from inside the call that started the operation.
  void finish_later(result<executed> outcome) {
    complete([self = this->shared_from_this(), outcome = std::move(outcome)]() mutable {
      self->finish(std::move(outcome));
    });
  }

  event_store& store_;
  std::string stream_;
  execute_options options_;
  uuid digest_;
  Decide decide_;
  completion<executed> done_;
  std::chrono::nanoseconds started_;
  int attempt_ = 0;
  std::size_t events_ = 0;
  std::optional<fold> fold_{};
};

template <class State, class Events, class Decide>
void start_operation(event_store& store, std::string stream, execute_options options,
                     const uuid& digest, Decide decide_on, completion<executed> done) {
  std::make_shared<operation<State, Events, Decide>>(store, std::move(stream), std::move(options),
                                                     digest, std::move(decide_on), std::move(done))
      ->start();
}

}  // namespace v1
}  // namespace annals
