#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "annals/assert.h"
#include "annals/execute.h"
#include "annals/fold.h"
#include "annals/obs.h"
#include "annals/operation.h"
#include "annals/stream.h"

namespace annals {
inline namespace v1 {

/// The aggregates of one kind: state by replay, commands by decide and append.
///
/// `State` is a value; `Events` its closed event set. The domain's `evolve` and `decide` are found
/// by ADL.
///
/// Errors:  all calls: what event_store::read and append answer; serialization_error;
///          history_truncated when retention removed what folding needs; stream_gone.
/// Threads: cheap to copy; calls from any thread, as the store.
template <class State, class Events>
class category {
 public:
  using state_type = State;
  using events_type = Events;

  /// `name` is the streams' category: non-empty, without '-'; or empty for streams named by a bare
  /// UUID.
  category(event_store& store, std::string name) : store_(&store), name_(std::move(name)) {
    ANNALS_ASSERT(name_.find('-') == std::string::npos, "a category's name has no '-'");
    ANNALS_ASSERT(name_.empty() || check_stream_name(name_), "a category's name is a stream name");
  }

  std::string stream_of(const uuid& id) const { return stream_name_of(name_, id); }
  const std::string& name() const noexcept { return name_; }
  event_store& store() const noexcept { return *store_; }

  /// The state now; version 0 and `State{}` for an aggregate never written.
  result<loaded<State>> load(const uuid& id) const { return load(id, at{}); }
  /// The state at a version or a time: time travel.
  result<loaded<State>> load(const uuid& id, at when) const {
    return load_state<State, Events>(*store_, stream_of(id), when);
  }
  /// Errors:  aggregate_not_found for an aggregate never written.
  result<loaded<State>> load_existing(const uuid& id) const {
    auto state = load(id);
    if (state && state->version.number == 0)
      return fail(errc::aggregate_not_found, "stream " + stream_of(id) + " has no events");
    return state;
  }

  /// Loads, decides, appends; on a conflict again, with back-off, within the options' budget. With
  /// a command id, a known command is answered with its first result, before deciding.
  ///
  /// Errors:  rejected with error::reason(); version_conflict when the budget is spent;
  ///          command_id_reused; invalid_argument for a command id with a command that nothing
  ///          describes (include its `…_json.h`); in_doubt: send the same command id again.
  /// Blocks:  until durable. What decide or evolve throws passes through, with nothing stored.
  template <class Command>
  result<executed> execute(const uuid& id, const Command& command,
                           const execute_options& options = {}) const {
    const auto stream = stream_of(id);
    const auto digest = digest_of_command(stream, command, options);
    if (!digest) return std::unexpected(digest.error());
    return run(stream, options, *digest,
               [&](const State& state) { return decide_with<Events>(state, command); });
  }

  /// The same, without blocking. What decide or evolve throws becomes handler_failed.
  ///
  /// Threads: `done` runs as event_store's completions do. The store must live until then.
  template <class Command>
  void execute(const uuid& id, Command command, execute_options options,
               completion<executed> done) const {
    auto stream = stream_of(id);
    const auto digest = digest_of_command(stream, command, options);
    if (!digest)
      return complete([done = std::move(done), why = digest.error()]() mutable {
        done(std::unexpected(std::move(why)));
      });
    start_operation<State, Events>(
        *store_, std::move(stream), std::move(options), *digest,
        [command = std::move(command)](const State& state) {
          return decide_with<Events>(state, command);
        },
        std::move(done));
  }

  /// As execute, with a function `(const State&) -> decision<Events>` in place of a command. With a
  /// command id, any transaction on this stream under that id counts as the same.
  template <class Decide>
    requires std::convertible_to<std::invoke_result_t<Decide&, const State&>, decision<Events>>
  result<executed> transact(const uuid& id, Decide decide_on,
                            const execute_options& options = {}) const {
    const auto stream = stream_of(id);
    return run(stream, options, command_digest(stream, "transact", {}), decide_on);
  }
  /// As execute, with a function `(const State&) -> std::pair<decision<Events>, T>`; answers the T
  /// of the try that was stored. Without a value when the command id was known.
  template <class Decide>
    requires requires(std::invoke_result_t<Decide&, const State&> r) {
      { r.first } -> std::convertible_to<decision<Events>>;
    }
  auto transact(const uuid& id, Decide decide_on, const execute_options& options = {}) const {
    using value = decltype(std::invoke_result_t<Decide&, const State&>::second);
    using answer = std::pair<executed, std::optional<value>>;
    std::optional<value> said;
    auto outcome = transact(
        id,
        [&](const State& state) -> decision<Events> {
          auto [decided, says] = decide_on(state);
          said = std::move(says);
          return decided;
        },
        options);
    if (!outcome) return result<answer>(std::unexpected(outcome.error()));
    if (outcome->append.already_applied) said.reset();
    return result<answer>(answer{*outcome, std::move(said)});
  }
  /// The completion form of transact.
  template <class Decide>
    requires std::convertible_to<std::invoke_result_t<Decide&, const State&>, decision<Events>>
  void transact(const uuid& id, Decide decide_on, execute_options options,
                completion<executed> done) const {
    auto stream = stream_of(id);
    const auto digest = command_digest(stream, "transact", {});
    start_operation<State, Events>(*store_, std::move(stream), std::move(options), digest,
                                   std::move(decide_on), std::move(done));
  }

 private:
  template <class Command>
  static result<uuid> digest_of_command(const std::string& stream, const Command& command,
                                        const execute_options& options) {
    if (options.command_id.is_nil()) return uuid{};
    constexpr auto type = unqualified_name_of<Command>();
    if constexpr (has_payload_codec<Command>) {
      std::string payload;
      encode_payload(command, payload);
      return command_digest(stream, type, payload);
    } else {
      return fail(errc::invalid_argument, "command '" + std::string(type) +
                                              "' has a command id, but nothing describes its "
                                              "members; describe it like an event");
    }
  }

  template <class Decide>
  result<executed> run(const std::string& stream, const execute_options& options,
                       const uuid& digest, Decide&& decide_on) const {
    obs::span span("annals.execute", options.trace);
    if (!options.command_id.is_nil()) {
      auto known = find_applied(*store_, options.command_id, digest);
      if (!known) return std::unexpected(known.error());
      if (*known) return executed{.append = **known};
    }
    auto& environment = store_->environment();
    const auto started = environment.monotonic();
    prepared_append prepared;
    for (int attempt = 1;; ++attempt) {
      auto state = load_state<State, Events>(*store_, stream, at{});
      if (!state) return std::unexpected(state.error());
      const decision<Events> decided = decide_on(std::as_const(state->state));
      auto outcome = append_decision(*store_, stream, *state, decided, options, digest, prepared);
      if (outcome) outcome->attempts = attempt;
      if (outcome || outcome.error().code() != errc::version_conflict) return outcome;
      if (!may_retry(outcome.error(), attempt, options, environment.monotonic() - started))
        return std::unexpected(retries_exhausted(outcome.error(), attempt));
      const std::atomic<std::uint32_t> never{0};
      if (const auto pause = back_off(attempt + 1, environment); pause.count() > 0)
        environment.park(never, 0, pause);
    }
  }

  template <class Loaded>
  static result<executed> append_decision(event_store& store, const std::string& stream,
                                          const Loaded& state, const decision<Events>& decided,
                                          const execute_options& options, const uuid& digest,
                                          prepared_append& prepared) {
    if (decided.rejected())
      return std::unexpected(error::rejected(decided.why().reason, decided.why().message));
    if (decided.happened().empty() && options.command_id.is_nil())
      return executed{.append = {.stream_version = state.version}};
    prepared.prepare(stream, state.version, decided, options, digest);
    auto stored = store.append(prepared.request());
    if (!stored) return std::unexpected(stored.error());
    return executed{.append = *stored,
                    .events = stored->already_applied ? 0 : decided.happened().size()};
  }

  event_store* store_;
  std::string name_;
};

}  // namespace v1
}  // namespace annals
