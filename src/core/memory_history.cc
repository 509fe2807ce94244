// Import and history of the memory engine. See memory_store.h.
#include "annals/stream.h"
#include "memory_store.h"

namespace annals {
inline namespace v1 {

result<void> memory_store::check_follows(const import_request& request) const {
  std::unordered_map<uuid, std::uint64_t> versions;
  auto sequence = events_.size();
  auto recorded = last_recorded_;
  for (const auto& imported : request.events) {
    const auto found = find(imported.stream);
    if (!found) return std::unexpected(found.error());
    auto [version, first] = versions.try_emplace(stream_key_of(imported.stream),
                                                 *found ? (*found)->version().number : 0);
    const bool follows = imported.position == position{.sequence = ++sequence} &&
                         imported.version.number == ++version->second &&
                         imported.recorded > recorded;
    if (*found && (*found)->kept.gone)
      return std::unexpected(stream_is_gone(imported.stream, (*found)->version()));
    if (!follows) return std::unexpected(does_not_follow(imported, sequence, version->second));
    recorded = imported.recorded;
  }
  return {};
}

result<void> memory_store::import_now(const import_request& request) {
  if (auto checked = check_follows(request); !checked) return checked;
  const auto& context = request.context;
  if (const auto known = commands_.find(context.command_id); known != commands_.end())
    return std::unexpected(command_id_reused(context.command_id, known->second));
  std::string_view first_listed = request.stream;
  if (first_listed.empty() && !request.events.empty()) first_listed = request.events.front().stream;
  const auto common = std::make_shared<const memory_append>(context);
  appended stored;
  for (const auto& imported : request.events) {
    store_event(find_or_make(imported.stream), imported.event, imported.recorded,
                *imported.event.timestamp, common);
    if (stored.first.sequence == 0) stored.first = imported.position;
    stored.last = imported.position;
  }
  if (!first_listed.empty()) {
    const auto found = find(first_listed);
    if (found && *found) stored.stream_version = (*found)->version();
  }
  remember(stored, common, context.command_digest, first_listed);
  return {};
}

result<void> memory_store::import_now(const retained_stream& retained) {
  const auto found = find(retained.stream);
  if (!found) return std::unexpected(found.error());
  if (*found == nullptr)
    return fail(errc::aggregate_not_found,
                "stream " + std::string(retained.stream) + " has no events");
  auto& changed = find_or_make(retained.stream);
  auto valid = changed.kept.become(retained, changed.version());
  if (valid) steps_.push_back({.stream = changed.name, .kept = changed.kept});
  return valid;
}

void memory_store::do_import(std::span<const history_entry> entries, caller,
                             completion<void> done) {
  checkpoint head;
  result<void> answer;
  {
    const std::scoped_lock lock(mutex_);
    if (closed_) answer = closed_error();
    for (std::size_t i = 0; answer && i < entries.size(); ++i)
      answer = std::visit([this](const auto& entry) { return import_now(entry); }, entries[i]);
    if (!closed_) head = checkpoint_at(events_.size());
  }
  if (!head.is_start()) notifier_.advance(head);
  complete(
      [done = std::move(done), answer = std::move(answer)]() mutable { done(std::move(answer)); });
}

namespace {

imported_event imported(const memory_event& event, std::span<const std::string_view> tags) {
  const auto view = event.view();
  const auto& facts = event.facts();
  return {.stream = event.stream(),
          .event = {.type = view.type(),
                    .schema = view.schema(),
                    .codec = view.codec(),
                    .payload = view.payload(),
                    .event_id = facts.event_id,
                    .timestamp = facts.timestamp,
                    .tags = tags,
                    .genesis = facts.genesis},
          .version = view.version(),
          .position = view.position(),
          .recorded = facts.recorded};
}

}  // namespace

// Steps and events never move and never change: only finding them needs the lock.
result<void> memory_store::do_read_history(history_sink on_entry) {
  std::vector<imported_event> events;
  std::size_t end = 0;
  {
    const std::scoped_lock lock(mutex_);
    end = steps_.size();
  }
  for (std::size_t i = 0; i < end; ++i) {
    const step* one = nullptr;
    events.clear();
    {
      const std::scoped_lock lock(mutex_);
      if (closed_) return closed_error();
      one = &steps_[i];
      if (one->first != 0)
        for (auto at = one->first; at <= one->last; ++at)
          events.push_back(imported(events_[at - 1], events_[at - 1].tags()));
    }
    history_entry entry = one->kept.of(one->stream);
    if (one->common != nullptr)
      entry = import_request{
          .events = events, .context = one->common->context(one->digest), .stream = one->stream};
    if (on_entry(entry) == flow::stop) break;
  }
  return {};
}

}  // namespace v1
}  // namespace annals
