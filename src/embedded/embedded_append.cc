// Appends and retention of the embedded store: checks and staging. See embedded_store.h.
#include <algorithm>
#include <ranges>
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
  append_facts facts;
  lock_type lock(log_->mutex());
  std::optional<verdict> refused;
  for (;;) {
    if (auto problem = refuses_writes()) {
      refused = verdict{std::unexpected(std::move(*problem))};
    } else if (log_->overloaded(most)) {
      refused = verdict{std::unexpected(overloaded())};
    } else if (lacks(facts, draft, request.unless)) {
      if (auto looked = look_up(lock, facts, draft, request.unless); looked)
        continue;
      else
        refused = verdict{std::unexpected(looked.error())};
    } else {
      refused = check_append(request, draft, facts);
      if (refused && !refused->unknown.is_nil()) {
        if (auto known = know_meanwhile(lock, refused->unknown); known)
          continue;
        else
          refused = verdict{std::unexpected(known.error())};
      }
    }
    if (refused || has_room(most)) break;
    // Without the mutex everything may change: what was checked is checked again.
    if (auto room = make_room(lock, most); !room) {
      refused = verdict{std::unexpected(room.error())};
      break;
    }
  }
  if (refused) return answer_refusal(std::move(lock), who, std::move(*refused), std::move(done));
  const auto kind = draft.events().empty() ? frame_kind::command : frame_kind::append;
  auto staged = stage_append(*log_, *index_, draft, facts.heads, kind, request.context.received);
  log_->wait_for_staged({.done = std::move(done),
                         .answer = staged,
                         .bytes = most,
                         .counted = true,
                         .lent = who == caller::waits});
}

// What sealed segments tell is looked up without the mutex; it stays true while no further segment
// has been indexed.
bool embedded_store::lacks(const append_facts& facts, const append_draft& draft,
                           std::span<const append_condition> unless) const {
  const auto& sealed = *index_->sealed();
  if (sealed.empty() || facts.from == index_->sealed()) return false;
  if (!draft.command_id().is_nil()) return true;
  if (std::ranges::any_of(unless, [&](const auto& condition) {
        return condition.after.in(0).sequence < sealed.last_sequence() + 1;
      }))
    return true;
  return std::ranges::any_of(draft.streams(), [&](const auto& part) {
    const auto* stream = index_->find(part.key);
    return stream == nullptr || !stream->known;
  });
}

result<void> embedded_store::look_up(lock_type& lock, append_facts& facts,
                                     const append_draft& draft,
                                     std::span<const append_condition> unless) {
  const auto seen = view();
  few<bool> is_recent;
  for (const auto& part : draft.streams()) is_recent.push_back(seen.find(part.key) != nullptr);
  lock.unlock();
  auto looked = look_up(seen, is_recent, facts, draft, unless);
  lock.lock();
  if (looked) facts.from = seen.sealed;
  return looked;
}

result<void> embedded_store::look_up(const log_view& seen, const few<bool>& is_recent,
                                     append_facts& facts, const append_draft& draft,
                                     std::span<const append_condition> unless) {
  facts = {};
  if (!draft.command_id().is_nil()) {
    seen.sealed->prefetch(term_kind::command, draft.command_id());
    for (std::size_t i = 0; i < is_recent.size(); ++i)
      if (!is_recent[i]) seen.sealed->prefetch(term_kind::stream, draft.streams()[i].key);
    const auto known = seen.sealed->find_command(draft.command_id());
    if (!known) return std::unexpected(known.error());
    if (*known) {
      auto record = record_of(seen, **known);
      if (!record) return std::unexpected(record.error());
      facts.command = std::move(*record);
    }
  }
  facts.heads.resize(is_recent.size());
  for (std::size_t i = 0; i < is_recent.size(); ++i) {
    const auto& key = draft.streams()[i].key;
    if (is_recent[i]) {
      if (auto known = know(seen, key); !known) return known;
      continue;
    }
    auto head = seen.sealed->find_stream(key);
    if (!head) return std::unexpected(head.error());
    facts.heads[i] = *head;
  }
  for (const auto& condition : unless) {
    auto match = sealed_match(seen, condition, draft.now());
    if (!match) return std::unexpected(match.error());
    facts.matches.push_back(std::move(*match));
  }
  return {};
}

result<std::optional<breaking_event>> embedded_store::sealed_match(
    const log_view& seen, const append_condition& condition, time_point now) {
  const auto after = condition.after.in(0).sequence;
  if (after > seen.sealed->last_sequence()) return std::optional<breaking_event>{};
  if (auto checked = check_history(seen, condition.after); !checked)
    return std::unexpected(checked.error());
  bool retains = false;
  {
    const lock_type lock(log_->mutex());
    retains = index_->has_retention();
  }
  event_item found;
  const auto sees = [&](const event_item& event) -> result<bool> {
    found = event;
    if (!retains) return true;
    const auto stream = find(seen, event.stream_key);
    if (!stream) return std::unexpected(stream.error());
    return !*stream ||
           !(*stream)->kept.hides({event.version}, {event.recorded}, (*stream)->newest, now);
  };
  const auto match = seen.sealed->first_match(condition.matching, after, sees);
  if (!match) return std::unexpected(match.error());
  if (!*match) return std::optional<breaking_event>{};
  const auto name = seen.sealed->name_at(found.name, found.stream_key);
  if (!name) return std::unexpected(name.error());
  return std::optional(breaking_event{.stream = std::string(*name),
                                      .version = {found.version},
                                      .position = {.sequence = found.sequence},
                                      .event_id = found.event_id});
}

result<void> embedded_store::know_meanwhile(lock_type& lock, const uuid& key) {
  const auto seen = view();
  lock.unlock();
  auto known = know(seen, key);
  lock.lock();
  return known;
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
  if (!in_order || log_->all_answered()) {
    lock.unlock();
    return complete(std::move(run));
  }
  log_->count_answer();
  completions_.post([log = log_, run = std::move(run)]() mutable {
    log->uncount_answer();
    run();
    log->note_answered();
  });
}

// The order of checks is the contract's: command id, expectations, conditions.
std::optional<embedded_store::verdict> embedded_store::check_append(const append_request& request,
                                                                    const append_draft& draft,
                                                                    const append_facts& facts) {
  if (auto known = check_command(draft, facts)) return known;
  if (auto merged = check_keys(draft)) return merged;
  for (std::size_t i = 0; i < request.streams.size(); ++i)
    if (auto refused = check_stream(i, request.streams[i], draft.streams()[i].key, facts))
      return refused;
  for (std::size_t i = 0; i < request.unless.size(); ++i)
    if (auto refused = check_condition(i, request.unless[i], draft.now(), facts)) return refused;
  return std::nullopt;
}

embedded_store::known_command embedded_store::find_known(const append_draft& draft,
                                                         const append_facts& facts) {
  known_command known{.record = facts.command};
  const auto* recent = index_->find_command(draft.command_id());
  if (recent == nullptr) return known;
  known.rests_on_staged = recent->place >= log_->durable();
  known.record.emplace(command_record{.result = recent->result, .digest = recent->digest});
  const auto* stream = index_->find(recent->stream);
  if (stream == nullptr) return known;
  if (stream->known) {
    known.record->stream = stream->name;
  } else {
    known.unknown = stream->key;
  }
  return known;
}

std::optional<embedded_store::verdict> embedded_store::check_command(const append_draft& draft,
                                                                     const append_facts& facts) {
  if (draft.command_id().is_nil()) return std::nullopt;
  const auto known = find_known(draft, facts);
  if (!known.record) return std::nullopt;
  verdict answer{.rests_on_staged = known.rests_on_staged, .unknown = known.unknown};
  if (known.record->digest != draft.digest()) {
    answer.answer = std::unexpected(command_id_reused(draft.command_id(), *known.record));
  } else {
    answer.answer = known.record->result;
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
                                                                    const uuid& key,
                                                                    const append_facts& facts) {
  // As it mostly is: a stream that is there, to which nothing has happened.
  const auto* recent = index_->find(key);
  if (recent != nullptr && recent->name == write.name && !index_->has_retention() &&
      write.expected.holds(recent->newest()))
    return std::nullopt;
  const auto stream = newest_head(key, index < facts.heads.size() ? &facts.heads[index] : nullptr);
  if (stream && stream->name != write.name)
    return verdict{std::unexpected(stream_key_collision(write.name, stream->name)), true};
  const auto actual = stream ? stream->newest : version{};
  if (stream && stream->kept.gone && !write.events.empty())
    return verdict{std::unexpected(stream_is_gone(write.name, actual)),
                   !retention_held(key, log_->durable(), stream->kept).gone};
  if (write.expected.holds(actual)) return std::nullopt;
  const auto newest = actual.number == 0
                          ? breaking_event{.stream = std::string(write.name)}
                          : breaking_event{.stream = std::string(stream->name),
                                           .version = actual,
                                           .position = {.sequence = stream->last_sequence},
                                           .event_id = stream->last_id};
  return verdict{std::unexpected(version_conflict(index, write, newest)),
                 !is_durable(newest.position.sequence)};
}

/// A stream as it is staged; its entry in the recent segments, if it has one, is known.
std::optional<stream_head> embedded_store::newest_head(
    const uuid& key, const std::optional<stream_head>* sealed) const {
  if (index_->find(key) != nullptr) return index_->head_of(key);
  return sealed != nullptr ? *sealed : std::nullopt;
}

/// What the frames before `bound` decide of a stream; `sealed` when no recent one has it.
retention embedded_store::retention_held(const uuid& key, lsn bound,
                                         const retention& sealed) const {
  const recent_stream* oldest = nullptr;
  for (const auto& one : index_->recent() | std::views::reverse) {
    const auto* stream = std::as_const(*one).find(key);
    if (stream == nullptr) continue;
    if (const auto* changed = one->find_retention(key, bound)) return *changed;
    oldest = stream;
  }
  return oldest == nullptr ? sealed : oldest->older;
}

std::optional<embedded_store::verdict> embedded_store::check_condition(
    std::size_t index, const append_condition& condition, time_point now,
    const append_facts& facts) {
  const auto after = condition.after.in(0).sequence;
  if (auto checked = check_recent_history(condition.after); !checked)
    return verdict{std::unexpected(checked.error()), true};
  if (index < facts.matches.size() && facts.matches[index])
    return verdict{std::unexpected(condition_failed(index, *facts.matches[index]))};
  const auto match = first_recent_match(condition.matching, after, now);
  if (match == 0) return std::nullopt;
  for (const auto& one : index_->recent()) {
    if (!one->holds(match)) continue;
    const auto& event = one->event(match);
    const auto& stream = one->stream_of(event);
    if (!stream.known) return verdict{.unknown = stream.key};
    const breaking_event breaking{.stream = stream.name,
                                  .version = one->newest_at(stream, match),
                                  .position = {.sequence = match},
                                  .event_id = event.id};
    return verdict{std::unexpected(condition_failed(index, breaking)), !is_durable(match)};
  }
  return std::nullopt;
}

// Staged events count: a checkpoint that names one was learnt from a completion or a reader.
result<void> embedded_store::check_recent_history(const checkpoint& mark) const {
  const auto at = mark.in(0);
  if (mark.is_start()) return {};
  if (mark.store_id() == info().store_id && at.sequence <= index_->last_sequence()) {
    if (at.sequence != 0 && at.sequence <= index_->sealed()->last_sequence()) return {};  // checked
    for (const auto& one : index_->recent())
      if (one->holds(at.sequence) && fingerprint_of(one->event(at.sequence).id) == at.fingerprint)
        return {};
  }
  return std::unexpected(checkpoint_diverged(mark, info()));
}

// Of a stream that is not known nothing is hidden: the caller gets to know it, and asks again.
std::uint64_t embedded_store::first_recent_match(const query& selects, std::uint64_t after,
                                                 time_point now) const {
  const bool retains = index_->has_retention();
  const auto match_in = [&](const recent_segment& one) {
    const auto sees = [&](std::uint64_t sequence) {
      if (!retains) return true;
      const auto& event = one.event(sequence);
      const auto& stream = one.stream_of(event);
      const auto kept = retention_held(stream.key, log_->durable(), stream.older);
      return !kept.hides(one.newest_at(stream, sequence), event.recorded,
                         index_->find(stream.key)->newest(), now);
    };
    if (selects.items.empty()) return one.first_match({}, {}, after, sees);
    std::uint64_t first = 0;
    for (const auto& item : selects.items) {
      std::vector<std::uint32_t> types;
      for (const auto type : item.types)
        if (const auto number = index_->types.number_of(type); number != 0) types.push_back(number);
      if (types.empty() && !item.types.empty()) continue;
      const auto match = one.first_match(types, item.tags, after, sees);
      if (match != 0 && (first == 0 || match < first)) first = match;
    }
    return first;
  };
  for (const auto& one : index_->recent())
    if (const auto match = match_in(*one); match != 0) return match;
  return 0;
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
  std::shared_ptr<const sealed_log> from;
  std::optional<stream_head> sealed;
  bool full = false;
  for (;;) {
    if (auto problem = refuses_writes()) return std::unexpected(std::move(*problem));
    const auto* recent = index_->find(key);
    const bool unknown = recent != nullptr ? !recent->known : from != index_->sealed();
    if (unknown && !index_->sealed()->empty()) {
      from = index_->sealed();
      auto looked = know_meanwhile(lock, key);
      if (looked && recent == nullptr) {
        lock.unlock();
        auto head = from->find_stream(key);
        lock.lock();
        if (!head) return std::unexpected(head.error());
        sealed = *head;
      }
      if (!looked) return looked;
      continue;
    }
    auto stream = newest_head(key, &sealed);
    if (stream && stream->name != name)
      return std::unexpected(stream_key_collision(name, stream->name));
    if (!stream || stream->newest.number == 0)
      return fail(errc::aggregate_not_found, "stream " + std::string(name) + " has no events");
    auto changed = stream->kept;
    if (auto valid = change(changed, stream->newest); !valid) return valid;
    const auto found = find_room(lock, retention_frame_bytes, full);
    if (!found) return std::unexpected(found.error());
    if (*found == room_kind::none_yet) continue;
    stage_retention(*log_, *index_, *stream, changed, *found == room_kind::held_back);
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
