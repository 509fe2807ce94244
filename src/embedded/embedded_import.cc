// Import into the embedded store: what other stores hold. See embedded_store.h.
#include "embedded_store.h"
#include "staging.h"

namespace annals {
inline namespace v1 {
namespace embedded {

result<void> embedded_store::check_follows(const import_request& request, const append_draft& draft,
                                           const append_facts& facts) {
  few<std::optional<stream_head>, 2> heads;
  for (std::size_t i = 0; i < draft.streams().size(); ++i) {
    const auto& part = draft.streams()[i];
    heads.push_back(newest_head(part.key, i < facts.heads.size() ? &facts.heads[i] : nullptr));
    if (heads.back() && heads.back()->name != part.name)
      return std::unexpected(stream_key_collision(part.name, heads.back()->name));
  }
  auto sequence = log_->staged_sequence();
  hlc recorded{log_->clock()};
  for (std::size_t i = 0; i < request.events.size(); ++i) {
    const auto& imported = request.events[i];
    auto& head = heads[draft.events()[i].stream];
    if (!head) head.emplace();
    if (head->kept.gone)
      return std::unexpected(
          stream_is_gone(draft.streams()[draft.events()[i].stream].name, head->newest));
    auto& version = head->newest.number;
    const bool follows = imported.position == position{.sequence = ++sequence} &&
                         imported.version.number == ++version && imported.recorded > recorded;
    if (!follows) return std::unexpected(does_not_follow(imported, sequence, version));
    recorded = imported.recorded;
  }
  return {};
}

// What was encoded without the mutex is checked with it, again after each wait for room.
result<std::size_t> embedded_store::stage_imported(lock_type& lock, const import_request& request) {
  append_draft draft(request, environment());
  const std::size_t most = draft.most_bytes();
  append_facts facts;
  lock.lock();
  for (;;) {
    if (auto problem = refuses_writes()) return std::unexpected(std::move(*problem));
    if (lacks(facts, draft, {})) {
      if (auto looked = look_up(lock, facts, draft, {}); !looked)
        return std::unexpected(looked.error());
      continue;
    }
    if (const auto known = find_known(draft, facts); known.record) {
      if (known.unknown.is_nil())
        return std::unexpected(command_id_reused(draft.command_id(), *known.record));
      if (auto told = know_meanwhile(lock, known.unknown); !told)
        return std::unexpected(told.error());
      continue;
    }
    if (auto merged = check_keys(draft)) return std::unexpected(merged->answer.error());
    if (auto follows = check_follows(request, draft, facts); !follows)
      return std::unexpected(follows.error());
    if (has_room(most)) break;
    if (auto room = make_room(lock, most); !room) return std::unexpected(room.error());
  }
  const auto kind = draft.events().empty() ? frame_kind::command : frame_kind::import;
  stage_append(*log_, *index_, draft, facts.heads, kind, {});
  return most;
}

result<std::size_t> embedded_store::stage_imported(lock_type& lock,
                                                   const retained_stream& retained) {
  lock.lock();
  const auto staged = stage_retained(lock, retained.stream, [&](retention& kept, version newest) {
    return kept.become(retained, newest);
  });
  if (!staged) return std::unexpected(staged.error());
  return retention_frame_bytes;
}

void embedded_store::do_import(std::span<const history_entry> entries, caller who,
                               completion<void> done) {
  completion<appended> answer = [done = std::move(done)](result<appended> stored) mutable {
    done(stored ? result<void>{} : std::unexpected(stored.error()));
  };
  std::size_t bytes = 0;
  lock_type lock(log_->mutex());
  if (log_->overloaded(1))
    return answer_refusal(std::move(lock), who, {std::unexpected(overloaded())}, std::move(answer));
  for (const auto& entry : entries) {
    lock.unlock();
    const auto staged =
        std::visit([&](const auto& one) { return stage_imported(lock, one); }, entry);
    // Those before it are stored: the refusal goes out when they are.
    if (!staged)
      return answer_refusal(std::move(lock), who, {std::unexpected(staged.error()), true},
                            std::move(answer));
    bytes += *staged;
  }
  log_->wait_for_staged(
      {.done = std::move(answer), .bytes = bytes, .counted = true, .lent = who == caller::waits});
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
