#include "memory_store.h"

#include <algorithm>
#include <array>
#include <utility>

#include "annals/assert.h"
#include "annals/memory.h"
#include "annals/stream.h"

namespace annals {
inline namespace v1 {
namespace {

uuid random_id(env& environment) {
  std::array<std::uint8_t, 16> random{};
  environment.random(random);
  return make_uuid_v4(random);
}

}  // namespace

std::unexpected<error> memory_store::closed_error() {
  return fail(errc::shutting_down, "the store is closed; open it again");
}

std::unique_ptr<event_store> make_memory_store(env& environment, const uuid& store_id) {
  return std::make_unique<memory_store>(environment,
                                        store_id.is_nil() ? random_id(environment) : store_id);
}

memory_store::memory_store(env& environment, const uuid& store_id)
    : event_store(environment, {.store_id = store_id,
                                .engine = "memory",
                                .address = "memory:",
                                .durability = durability::memory}),
      completions_(environment),
      notifier_(environment, completions_) {}

memory_store::~memory_store() {
  const auto closed = do_close();
  ANNALS_ASSERT(closed, "closing memory cannot fail");
}

void memory_store::do_append(const append_request& request, caller, completion<appended> done) {
  result<appended> answer;
  checkpoint head;
  {
    const std::scoped_lock lock(mutex_);
    answer = append_now(request);
    head = checkpoint_at(events_.size());
  }
  if (answer) notifier_.advance(head);
  complete(
      [done = std::move(done), answer = std::move(answer)]() mutable { done(std::move(answer)); });
}

// The order of checks is the contract's: command id, expectations, conditions.
result<appended> memory_store::append_now(const append_request& request) {
  if (closed_) return closed_error();
  const auto& context = request.context;
  const uuid digest = context.command_digest.is_nil() ? digest_of(request) : context.command_digest;
  if (const auto known = commands_.find(context.command_id); known != commands_.end()) {
    if (known->second.digest != digest)
      return std::unexpected(command_id_reused(context.command_id, known->second));
    auto first = known->second.result;
    first.already_applied = true;
    return first;
  }
  if (auto checked = check_expectations(request); !checked) return std::unexpected(checked.error());
  for (std::size_t i = 0; i < request.unless.size(); ++i)
    if (auto checked = check_condition(i, request.unless[i]); !checked)
      return std::unexpected(checked.error());

  const auto now = environment().now();
  auto recorded = next_hlc(last_recorded_, context.received, now);
  const auto common = std::make_shared<const memory_append>(context);
  const auto before = events_.size();
  for (const auto& write : request.streams)
    for (const auto& event : write.events) {
      store_event(find_or_make(write.name), event, recorded, now, common);
      recorded = recorded.plus(1);
    }
  const auto first_stream = find(request.streams.front().name);
  appended stored{.stream_version = *first_stream ? (*first_stream)->version() : version{}};
  if (events_.size() > before) {
    stored.first = {.sequence = before + 1};
    stored.last = {.sequence = events_.size()};
  }
  remember(stored, common, digest, request.streams.front().name);
  return stored;
}

void memory_store::remember(const appended& stored,
                            const std::shared_ptr<const memory_append>& common, const uuid& digest,
                            std::string_view first_listed) {
  const bool known = !common->command_id.is_nil();
  if (known)
    commands_.emplace(common->command_id,
                      command_record{stored, digest, std::string(first_listed)});
  steps_.push_back({.common = common,
                    .first = stored.first.sequence,
                    .last = stored.last.sequence,
                    .digest = known ? digest : uuid{},
                    .stream = std::string(first_listed)});
}

result<void> memory_store::check_expectations(const append_request& request) const {
  std::unordered_map<uuid, std::string_view> names;  // two new streams may have one key
  for (std::size_t i = 0; i < request.streams.size(); ++i) {
    const auto& write = request.streams[i];
    const auto [holder, first] = names.try_emplace(stream_key_of(write.name), write.name);
    if (!first) return std::unexpected(stream_key_collision(write.name, holder->second));
    const auto found = find(write.name);
    if (!found) return std::unexpected(found.error());
    const auto actual = *found ? (*found)->version() : version{};
    if (*found && (*found)->kept.gone && !write.events.empty())
      return std::unexpected(stream_is_gone(write.name, actual));
    if (!write.expected.holds(actual))
      return std::unexpected(version_conflict(i, write, newest_of(write.name, *found)));
  }
  return {};
}

result<void> memory_store::check_condition(std::size_t index,
                                           const append_condition& condition) const {
  if (auto checked = check_history(condition.after); !checked) return checked;
  const auto now = environment().now();
  for (auto sequence = condition.after.in(0).sequence + 1; sequence <= events_.size(); ++sequence) {
    const auto& event = events_[sequence - 1];
    if (matches(condition.matching, event.type(), event.tags()) && !is_hidden(event, now))
      return std::unexpected(condition_failed(index, describe(sequence)));
  }
  return {};
}

result<void> memory_store::check_history(const checkpoint& seen) const {
  if (seen.is_start()) return {};
  const auto mark = seen.in(0);
  const bool ours = seen.store_id() == info().store_id && mark.sequence <= events_.size() &&
                    mark.sequence > 0 &&
                    events_[mark.sequence - 1].fingerprint() == mark.fingerprint;
  if (ours) return {};
  return std::unexpected(checkpoint_diverged(seen, info()));
}

result<const memory_store::stream*> memory_store::find(std::string_view name) const {
  const auto found = streams_.find(stream_key_of(name));
  if (found == streams_.end()) return nullptr;
  if (found->second.name != name)
    return std::unexpected(stream_key_collision(name, found->second.name));
  return &found->second;
}

memory_store::stream& memory_store::find_or_make(std::string_view name) {
  const auto key = stream_key_of(name);
  auto [found, made] = streams_.try_emplace(key);
  if (made) {
    found->second.name = name;
    found->second.key = key;
    by_name_.emplace(found->second.name, &found->second);
  }
  return found->second;
}

void memory_store::store_event(stream& to, const new_event& event, hlc recorded, time_point now,
                               const std::shared_ptr<const memory_append>& common) {
  const event_header header{
      .event_id = event.event_id.is_nil() ? make_event_id(environment()) : event.event_id,
      .stream_key = to.key,
      .aggregate_id = aggregate_id_of(to.name),
      .timestamp = event.timestamp.value_or(now),
      .recorded = recorded,
      .genesis = event.genesis};
  const std::uint64_t sequence = events_.size() + 1;
  to.sequences.push_back(sequence);
  events_.emplace_back(event,
                       memory_event::place{.stream = to.name,
                                           .header = header,
                                           .version = to.version(),
                                           .position = {.sequence = sequence}},
                       common);
  last_recorded_ = recorded;
}

breaking_event memory_store::describe(std::uint64_t sequence) const {
  const auto& event = events_[sequence - 1];
  return {.stream = std::string(event.stream()),
          .version = event.at_version(),
          .position = event.at(),
          .event_id = event.facts().event_id};
}

breaking_event memory_store::newest_of(std::string_view name, const stream* of) const {
  if (of == nullptr) return {.stream = std::string(name)};
  return describe(of->sequences.back());
}

checkpoint memory_store::checkpoint_at(std::uint64_t sequence) const {
  if (sequence == 0) return {};
  return {info().store_id,
          {.sequence = sequence, .fingerprint = events_[sequence - 1].fingerprint()}};
}

std::unique_ptr<wait_handle> memory_store::do_notify_past(const checkpoint& seen,
                                                          completion<checkpoint> done) {
  checkpoint head;
  {
    const std::scoped_lock lock(mutex_);
    if (closed_) return notifier_.refuse(closed_error().error(), std::move(done));
    if (auto ours = check_history(seen); !ours)
      return notifier_.refuse(ours.error(), std::move(done));
    head = checkpoint_at(events_.size());
  }
  auto handle = notifier_.add(seen.in(0).sequence, head, std::move(done));
  const std::scoped_lock lock(mutex_);
  notifier_.advance(checkpoint_at(events_.size()));  // an append may have come between the two
  if (closed_) notifier_.close();                    // or close()
  return handle;
}

result<std::optional<command_record>> memory_store::do_find_command(const uuid& command_id) {
  const std::scoped_lock lock(mutex_);
  if (closed_) return closed_error();
  const auto found = commands_.find(command_id);
  if (found == commands_.end()) return std::optional<command_record>{};
  return std::optional(found->second);
}

result<void> memory_store::do_save_snapshot(const snapshot_write& write) {
  const std::scoped_lock lock(mutex_);
  if (closed_) return closed_error();
  const auto found = find(write.stream);
  if (!found) return std::unexpected(found.error());
  if (*found == nullptr || (*found)->version() < write.version)
    return fail(errc::invalid_argument, "stream " + std::string(write.stream) +
                                            " has not reached version " +
                                            std::to_string(write.version.number));
  auto made = std::make_shared<snapshot>(
      snapshot{write.version, write.last_event, write.shape,
               std::vector<std::byte>(write.state.begin(), write.state.end())});
  auto& kept = find_or_make(write.stream).snapshots[write.shape];
  if (!kept || kept->version <= write.version) kept = std::move(made);
  return {};
}

result<std::optional<snapshot>> memory_store::do_load_snapshot(std::string_view name,
                                                               std::uint64_t shape) {
  const std::scoped_lock lock(mutex_);
  if (closed_) return closed_error();
  const auto found = find(name);
  if (!found) return std::unexpected(found.error());
  const auto kept = *found ? snapshot_of(**found, shape) : nullptr;
  if (!kept) return std::optional<snapshot>{};
  return std::optional(*kept);
}

// One that names another last event than the stream has there is of another history.
std::shared_ptr<const snapshot> memory_store::snapshot_of(const stream& of,
                                                          std::uint64_t shape) const {
  const auto found = of.snapshots.find(shape);
  if (found == of.snapshots.end()) return nullptr;
  const auto sequence = of.sequences[found->second->version.number - 1];
  const bool ours = events_[sequence - 1].facts().event_id == found->second->last_event;
  return ours ? found->second : nullptr;
}

result<void> memory_store::do_retain(std::string_view name, const retention_change& change) {
  const std::scoped_lock lock(mutex_);
  if (closed_) return closed_error();
  const auto found = find(name);
  if (!found) return std::unexpected(found.error());
  if (*found == nullptr)
    return fail(errc::aggregate_not_found, "stream " + std::string(name) + " has no events");
  auto& changed = find_or_make(name);
  auto valid = changed.kept.change(change, changed.version());
  if (valid) steps_.push_back({.stream = changed.name, .kept = changed.kept});
  return valid;
}

result<std::vector<stream_info>> memory_store::do_list_streams(const list_request& request) {
  const std::scoped_lock lock(mutex_);
  if (closed_) return closed_error();
  const auto now = environment().now();
  std::vector<stream_info> page;
  const bool after_prefix = request.after >= request.prefix;
  auto at = after_prefix && !request.after.empty() ? by_name_.upper_bound(request.after)
                                                   : by_name_.lower_bound(request.prefix);
  for (; at != by_name_.end() && page.size() < request.limit; ++at) {
    const auto& [name, of] = *at;
    if (!name.starts_with(request.prefix)) break;
    if (request.category && category_of(name) != *request.category) continue;
    page.push_back({.name = of->name,
                    .key = of->key,
                    .version = of->version(),
                    .first_kept = first_kept_of(*of, now),
                    .last = {.sequence = of->sequences.back()},
                    .gone = of->kept.gone});
  }
  return page;
}

result<checkpoint> memory_store::do_head() {
  const std::scoped_lock lock(mutex_);
  if (closed_) return closed_error();
  return checkpoint_at(events_.size());
}

result<void> memory_store::do_close() {
  {
    const std::scoped_lock lock(mutex_);
    if (std::exchange(closed_, true)) return {};
  }
  notifier_.close();
  completions_.drain();
  return {};
}

// Nothing to lead: do_append has answered before it returned.
void memory_store::do_lend(const std::atomic<std::uint32_t>&) {}

}  // namespace v1
}  // namespace annals
