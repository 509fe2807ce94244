// Appends and retention of the embedded store: checks and staging. See embedded_store.h.
#include <unordered_map>

#include "annals/stream.h"
#include "embedded_store.h"
#include "staging.h"

namespace annals {
inline namespace v1 {
namespace embedded {
error embedded_store::overloaded() {
  return {errc::overloaded,
          "too many appends are in flight (limits::appends_in_flight, "
          "limits::appends_in_flight_bytes); append again when some have completed"};
}

std::optional<error> embedded_store::refuses_writes() const {
  if (closed_) return error(errc::shutting_down, "the store is closed; open it again");
  if (log_->failure())
    return error(errc::store_failed, "nothing was stored: an earlier write failed (" +
                                         log_->failure()->message() + "); open the store again");
  return std::nullopt;
}

void embedded_store::do_append(const append_request& request, caller who,
                               completion<appended> done) {
  append_draft draft(request, environment());
  const std::size_t most = draft.most_bytes();
  lock_type lock(log_->mutex());
  std::optional<verdict> refused;
  for (;;) {
    if (auto problem = refuses_writes())
      refused = verdict{std::unexpected(std::move(*problem))};
    else if (log_->overloaded(most))
      refused = verdict{std::unexpected(overloaded())};
    else
      refused = check_append(request, draft);
    if (refused || log_->has_room(most)) break;
    // Without the mutex everything may change: what was checked is checked again.
    if (auto room = log_->make_room(lock, most); !room) {
      refused = verdict{std::unexpected(room.error())};
      break;
    }
  }
  if (refused) return answer_refusal(std::move(lock), who, std::move(*refused), std::move(done));
  const auto kind = draft.events().empty() ? frame_kind::command : frame_kind::append;
  auto staged = stage_append(*log_, *index_, draft, kind, request.context.received);
  log_->wait_for_staged({.done = std::move(done),
                         .answer = staged,
                         .bytes = most,
                         .counted = true,
                         .lent = who == caller::waits});
}

// What rests on staged data waits for it. Other answers go out inside the call, but those of
// completion forms not before the answers of earlier calls, which run in order; unless there are
// too many of them already.
void embedded_store::answer_refusal(lock_type lock, caller who, verdict refused,
                                    completion<appended> done) {
  const bool in_order = who == caller::goes_on && !log_->overloaded(0);
  if (!log_->quiet() && (refused.rests_on_staged || in_order))
    return log_->wait_for_staged({.done = std::move(done),
                                  .answer = std::move(refused.answer),
                                  .counted = true,
                                  .lent = who == caller::waits});
  auto run = [done = std::move(done), answer = std::move(refused.answer)]() mutable {
    done(std::move(answer));
  };
  if (!in_order || log_->in_flight() == 0) {
    lock.unlock();
    return complete(std::move(run));
  }
  log_->count_answer();
  completions_.post([log = log_, run = std::move(run)]() mutable {
    log->uncount_answer();
    run();
  });
}

// The order of checks is the contract's: command id, expectations, conditions.
std::optional<embedded_store::verdict> embedded_store::check_append(const append_request& request,
                                                                    const append_draft& draft) {
  if (auto known = check_command(draft)) return known;
  if (auto merged = check_keys(draft)) return merged;
  for (std::size_t i = 0; i < request.streams.size(); ++i)
    if (auto refused = check_stream(i, request.streams[i], draft.streams()[i].key)) return refused;
  for (std::size_t i = 0; i < request.unless.size(); ++i)
    if (auto refused = check_condition(i, request.unless[i], draft.now())) return refused;
  return std::nullopt;
}

std::optional<embedded_store::verdict> embedded_store::check_command(
    const append_draft& draft) const {
  if (draft.command_id().is_nil()) return std::nullopt;
  const auto* known = index_->find_command(draft.command_id());
  if (known == nullptr) return std::nullopt;
  verdict answer{.rests_on_staged = known->place >= log_->durable()};
  if (known->digest != draft.digest()) {
    answer.answer = std::unexpected(command_id_reused(draft.command_id(), record_of(*known)));
  } else {
    answer.answer = known->result;
    answer.answer->already_applied = true;
  }
  return answer;
}

// Two names of one append with the same key; a key that is there already is seen by find().
std::optional<embedded_store::verdict> embedded_store::check_keys(const append_draft& draft) const {
  const auto& streams = draft.streams();
  if (streams.size() < 2) return std::nullopt;
  std::unordered_map<uuid, std::string_view> names;
  for (const auto& part : streams)
    if (const auto [other, fresh] = names.try_emplace(part.key, part.name);
        !fresh && other->second != part.name)
      return verdict{std::unexpected(stream_key_collision(part.name, other->second))};
  return std::nullopt;
}

std::optional<embedded_store::verdict> embedded_store::check_stream(std::size_t index,
                                                                    const stream_write& write,
                                                                    const uuid& key) {
  const auto found = find(write.name, key);
  if (!found) return verdict{std::unexpected(found.error()), true};
  const auto* stream = *found;
  const auto actual = stream ? stream->newest() : version{};
  if (stream && stream->staged.gone && !write.events.empty())
    return verdict{std::unexpected(stream_is_gone(write.name, actual)), !stream->kept.gone};
  if (write.expected.holds(actual)) return std::nullopt;
  const auto newest = actual.number == 0 ? breaking_event{.stream = std::string(write.name)}
                                         : describe(stream->last_sequence());
  return verdict{std::unexpected(version_conflict(index, write, newest)),
                 !is_durable(newest.position.sequence)};
}

std::optional<embedded_store::verdict> embedded_store::check_condition(
    std::size_t index, const append_condition& condition, time_point now) {
  if (auto checked = check_history(condition.after); !checked)
    return verdict{std::unexpected(checked.error()), true};
  const auto match = index_->first_match(condition.matching, condition.after.in(0).sequence, now);
  if (match == 0) return std::nullopt;
  return verdict{std::unexpected(condition_failed(index, describe(match))), !is_durable(match)};
}

breaking_event embedded_store::describe(std::uint64_t sequence) const {
  const auto& event = index_->event(sequence);
  const auto& stream = index_->stream_of(event);
  return {.stream = stream.name,
          .version = stream.newest_at(sequence),
          .position = {.sequence = sequence},
          .event_id = event.id};
}

result<appended> embedded_store::wait_for(lock_type lock, appended staged) {
  std::atomic<std::uint32_t> done{0};
  result<appended> answer;
  log_->wait_for_staged({.done =
                             [&](result<appended> outcome) {
                               answer = std::move(outcome);
                               done.store(1, std::memory_order_release);
                             },
                         .answer = staged,
                         .lent = true});
  lock.unlock();
  log_->lend(done);
  return answer;
}

// Without the lock's mutex everything may change: what was checked is checked again.
result<void> embedded_store::stage_retained(
    lock_type& lock, std::string_view name,
    const std::function<result<void>(retention&, version)>& change) {
  const uuid key = stream_key_of(name);
  for (;;) {
    if (auto problem = refuses_writes()) return std::unexpected(std::move(*problem));
    const auto found = find(name, key);
    if (!found) return std::unexpected(found.error());
    auto* const stream = *found;
    if (stream == nullptr || stream->sequences.empty())
      return fail(errc::aggregate_not_found, "stream " + std::string(name) + " has no events");
    auto changed = stream->staged;
    if (auto valid = change(changed, stream->newest()); !valid) return valid;
    if (!log_->has_room(retention_frame_bytes)) {
      if (auto room = log_->make_room(lock, retention_frame_bytes); !room) return room;
      continue;
    }
    stage_retention(*log_, *stream, changed);
    stream->staged = changed;
    log_->when_durable([stream, changed] { stream->kept = changed; });
    return {};
  }
}

result<void> embedded_store::do_retain(std::string_view name, const retention_change& change) {
  lock_type lock(log_->mutex());
  auto staged = stage_retained(
      lock, name, [&](retention& kept, version newest) { return kept.change(change, newest); });
  if (!staged) return staged;
  auto stored = wait_for(std::move(lock), {});
  if (!stored) return std::unexpected(stored.error());
  return {};
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
