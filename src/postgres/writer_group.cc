// What leading does: a group is sent until it is answered. See append_writer.h; writer_flights.cc
// has what is sent before the answer to the group in front of it.
#include <algorithm>

#include "annals/assert.h"
#include "annals/stream.h"
#include "append_writer.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

constexpr std::chrono::milliseconds first_pause{10};
constexpr std::chrono::milliseconds longest_pause{1'000};
constexpr std::string_view read_only = "25006";  // the server is no primary any more
constexpr int most_passing_failures = 10;        // of the same group, where nothing is in doubt

constexpr int number_of_single = 8;  // behind those of all combinations

int number_of(group_parts parts) noexcept {
  return (parts.commands ? 1 : 0) | (parts.conditions ? 2 : 0) | (parts.tags ? 4 : 0);
}

}  // namespace

outcome<connection*> append_writer::connected(clock_reading deadline, std::span<pending> group) {
  if (connection_ && connection_->usable()) return connection_.get();
  drop_connection();
  if (env_.monotonic() >= deadline)
    return std::unexpected(failure{
        .sqlstate = "08001", .message = "no connection in time", .lost = true, .unsent = true});
  auto made = connection::open(env_, settings_.connect, session::write);
  if (!made) return std::unexpected(made.error());
  connection_ = std::move(*made);
  if (auto lowered = lower_floors(group); !lowered) {
    drop_connection();
    return std::unexpected(lowered.error());
  }
  return connection_.get();
}

// The server may be a standby that had not come as far as the one before: what is sent to it is
// stored, and looked for, behind what it has.
outcome<void> append_writer::lower_floors(std::span<pending> group) {
  const statement newest{
      {}, "SELECT coalesce(max(global_position), 0) FROM " + settings_.names.schema + ".events"};
  const auto got = connection_->run({command{&newest, {}}},
                                    env_.monotonic() + settings_.connect.connect_timeout);
  if (!got) {
    auto problem = got.error();
    problem.unsent = true;
    return std::unexpected(std::move(problem));
  }
  const auto head = static_cast<std::uint64_t>(got->at(0).int8(0, 0));
  const auto lower = [head](pending& one) {
    if (one.floor) one.floor = std::min(*one.floor, head);
  };
  floor_ = std::min(floor_.load(), head);
  std::ranges::for_each(group, lower);
  const std::scoped_lock lock(mutex_);
  for (auto& one : flights_) std::ranges::for_each(one.group, lower);
  std::ranges::for_each(queue_, lower);
  return {};
}

// The next server may be another one: nothing that was read from this one counts there.
void append_writer::drop_connection() {
  connection_.reset();
  names_.forget();
  heads_.forget();
  const std::scoped_lock lock(seen_mutex_);
  seen_.clear();
}

void append_writer::pause(int attempt) {
  const auto pause = std::min(longest_pause, first_pause * (1 << std::min(attempt, 10)));
  const std::atomic<std::uint32_t> nobody{0};
  env_.park(nobody, 0, pause);
}

// The identical group goes out again and again until the server has told of each member: one that
// is stored already is found by its marker, or by its command id, under the lock of appends.
void append_writer::send_until_answered(std::span<pending> group) {
  auto deadline = group.front().deadline;  // that of the last who gives up
  for (const auto& one : group) deadline = std::max(deadline, one.deadline);
  bool in_doubt = std::ranges::any_of(group, &pending::in_doubt);
  for (int attempt = 0;; ++attempt) {
    const auto sent = send(group, deadline);
    if (sent) return;
    const auto& problem = sent.error();
    in_doubt = in_doubt || (problem.lost && !problem.unsent);
    if (problem.lost || problem.sqlstate == read_only) drop_connection();
    const bool again =
        in_doubt || problem.lost || (problem.passing() && attempt < most_passing_failures);
    if (!again && problem.of_data() && group.size() > 1) {
      for (auto& one : group) one.draft.continues = false;
      for (auto& one : group) {
        one.draft.before = 0;
        send_until_answered(std::span(&one, 1));
      }
      return;
    }
    if (!again || env_.monotonic() >= deadline) return give_up(group, problem, in_doubt);
    pause(attempt);
  }
}

void append_writer::work_until_answered(pending& one) {
  bool in_doubt = false;
  for (int attempt = 0;; ++attempt) {
    const auto on = connected(one.deadline);
    auto done =
        on ? one.work(**on, one.deadline) : outcome<result<void>>(std::unexpected(on.error()));
    if (done && !(*on)->warned()) {
      one.work_answer = std::move(*done);
      return;
    }
    const auto problem = done ? failure{.message = (*on)->warning(), .lost = true} : done.error();
    in_doubt = in_doubt || (problem.lost && !problem.unsent);
    // Whatever transaction it has begun ends with the connection.
    if (problem.lost || !connection_->idle() || problem.sqlstate == read_only) drop_connection();
    const bool again =
        in_doubt || problem.lost || (problem.passing() && attempt < most_passing_failures);
    if (!again || env_.monotonic() >= one.deadline) {
      one.work_answer = std::unexpected(
          in_doubt ? error(errc::in_doubt, "it may or may not be stored (" + words_of(problem) +
                                               "); look, and do it again")
                   : to_error(problem, "writing to " + settings_.names.schema));
      return;
    }
    pause(attempt);
  }
}

outcome<void> append_writer::send(std::span<pending> group, clock_reading deadline) {
  const auto on = connected(deadline, group);
  if (!on) return std::unexpected(on.error());
  std::uint64_t floor = floor_;
  for (auto& one : group) {
    if (!one.floor) one.floor = floor_;
    floor = std::min(floor, *one.floor);
  }
  std::vector<const append_draft*> drafts;
  drafts.reserve(group.size());
  for (const auto& one : group) drafts.push_back(&one.draft);
  const auto parts = group_parts::of(drafts);
  const auto before = [](failure problem) {  // nothing was stored up to here
    problem.unsent = true;
    return std::unexpected(std::move(problem));
  };
  const auto categories = find_categories(**on, drafts, deadline);
  if (!categories) return before(categories.error());
  std::vector<bool> diverged;
  if (parts.conditions) {
    auto found = find_diverged(**on, drafts, deadline);
    if (!found) return before(found.error());
    diverged = std::move(*found);
  }
  const bool single = is_single(drafts);
  auto& text = statements_[single ? number_of_single : number_of(parts)];
  if (text.sql.empty())
    text = single ? single_statement(settings_.names) : group_statement(settings_.names, parts);
  auto parameters =
      single ? single_parameters(*drafts.front(), settings_.names, categories->front(), floor)
             : group_parameters(drafts, parts, settings_.names, *categories, diverged, floor,
                                env_.now());
  const auto told =
      (*on)->run({command{&lock_, {}}, command{&text, std::move(parameters)}}, deadline);
  if (!told) return std::unexpected(told.error());
  if ((*on)->warned())  // committed here, but not on the standby that it waited for
    return std::unexpected(failure{.message = (*on)->warning(), .lost = true});
  auto given = give_answers(**on, group, read_group_answer(told->at(1)));
  if (!given) given.error().lost = true;  // it is stored: what became of it is asked again
  return given;
}

outcome<std::vector<std::int32_t>> append_writer::find_categories(
    connection& on, std::span<const append_draft* const> group, clock_reading deadline) {
  std::vector<std::int32_t> ids;
  for (const auto* draft : group) {
    if (draft->continues) continue;
    for (const auto& check : draft->checks) {
      auto id = names_.find(check.category, check.names);
      if (!id) {
        if (auto loaded = names_.load(on, deadline); !loaded)
          return std::unexpected(loaded.error());
        id = names_.find(check.category, check.names);
      }
      // A stream that is only checked, in a category that nobody has written to, has no events.
      if (!id && check.events == 0) id = 0;
      if (!id) {
        const auto made = names_.make(on, check.category, check.names, deadline);
        if (!made) return std::unexpected(made.error());
        id = *made;
      }
      ids.push_back(*id);
    }
  }
  return ids;
}

bool append_writer::all_known(std::span<const append_draft* const> group) {
  for (const auto* draft : group) {
    for (const auto& check : draft->checks)
      if (!names_.find(check.category, check.names)) return false;
    for (const auto& condition : draft->conditions) {
      const std::scoped_lock lock(seen_mutex_);
      if (!condition.after.is_start() && !seen_.contains(condition.after.in(0).sequence))
        return false;
    }
  }
  return true;
}

// Positions and their events never change: what a reader has seen need not be asked again.
outcome<std::vector<bool>> append_writer::find_diverged(connection& on,
                                                        std::span<const append_draft* const> group,
                                                        clock_reading deadline) {
  const statement event{"event_at", "SELECT event_id FROM " + settings_.names.schema +
                                        ".events WHERE global_position = $1"};
  std::vector<bool> diverged;
  for (const auto* draft : group)
    for (const auto& condition : draft->conditions) {
      if (condition.after.is_start()) {
        diverged.push_back(false);
        continue;
      }
      const auto mark = condition.after.in(0);
      std::optional<std::uint64_t> there;
      {
        const std::scoped_lock lock(seen_mutex_);
        if (const auto known = seen_.find(mark.sequence); known != seen_.end())
          there = known->second;
      }
      if (!there && mark.sequence <= INT64_MAX) {
        const auto got = on.run(
            {command{&event, {parameter::of_int8(static_cast<std::int64_t>(mark.sequence))}}},
            deadline);
        if (!got) return std::unexpected(got.error());
        if (got->at(0).size() == 1) {
          there = fingerprint_of(got->at(0).uuid(0, 0));
          remember(mark.sequence, *there);
        }
      }
      diverged.push_back(condition.after.store_id() != settings_.store_id || !there ||
                         *there != mark.fingerprint);
    }
  return diverged;
}

// An append that continues another passes with it. Where that one was refused, it has no answer yet
// and goes out again by itself.
outcome<void> append_writer::give_answers(connection& on, std::span<pending> group,
                                          const group_answer& told) {
  std::uint64_t last = told.newest.position;
  placed_member of{nullptr, 0, 0, 0};
  std::size_t checks = 0;
  std::size_t conditions = 0;
  std::size_t number = 0;
  for (std::size_t m = 0; m < group.size(); ++m) {
    const auto& draft = group[m].draft;
    if (draft.continues) {
      const auto& before = group[m - 1].answer;
      if (!before || !*before) continue;
      group[m].answer =
          appended{.first = {.sequence = (*before)->last.sequence + 1},
                   .last = {.sequence = (*before)->last.sequence + draft.events.size()},
                   .stream_version = {(*before)->stream_version.number + draft.events.size()}};
      last = std::max(last, group[m].answer->value().last.sequence);
      continue;
    }
    of = {&draft, number++, checks, conditions};
    auto answer = answer_of(on, of, told, last);
    if (!answer) return std::unexpected(answer.error());
    group[m].answer = std::move(*answer);
    checks += draft.checks.size();
    conditions += draft.conditions.size();
  }
  if (last > floor_) floor_ = last;
  std::vector<const append_draft*> drafts;
  std::vector<bool> stored;
  for (const auto& one : group) {
    drafts.push_back(&one.draft);
    stored.push_back(one.answer && *one.answer &&
                     (*one.answer)->first.sequence > told.newest.position);
  }
  heads_.learn(drafts, stored, told);
  return {};
}

outcome<result<appended>> append_writer::answer_of(connection& on, const placed_member& of,
                                                   const group_answer& told, std::uint64_t& last) {
  const auto& draft = *of.draft;
  const auto before = found_before(on, draft, told);
  if (!before) return std::unexpected(before.error());
  if (*before) return result<appended>(**before);
  if (auto settled = settled_by(on, of, told)) return std::move(*settled);
  const auto count = draft.events.size();
  appended stored{.stream_version = {told.checks[of.first_check].actual.number +
                                     static_cast<std::uint64_t>(draft.checks.front().events)}};
  if (count != 0) {
    stored.first = {.sequence = last + 1};
    stored.last = {.sequence = last + count};
  }
  last += count;
  return result<appended>(stored);
}

// The version of the first stream is told by what it was expected to be, or by its last event.
outcome<std::optional<appended>> append_writer::found_before(connection& on,
                                                             const append_draft& draft,
                                                             const group_answer& told) {
  if (!draft.marked) return std::nullopt;
  const auto found =
      std::ranges::find(told.found, draft.marker(), &group_answer::found_event::event_id);
  if (found == told.found.end()) return std::nullopt;
  const auto first = found->position - draft.marked_event;
  appended stored{.first = {.sequence = first},
                  .last = {.sequence = first + draft.events.size() - 1}};
  const auto& check = draft.checks.front();
  stored.stream_version = check.expected.version();
  if (check.events == 0) return stored;
  const statement at{
      {}, "SELECT version FROM " + settings_.names.schema + ".events WHERE global_position = $1"};
  const auto place = first + static_cast<std::uint64_t>(check.events) - 1;
  const auto got = on.run({command{&at, {parameter::of_int8(static_cast<std::int64_t>(place))}}},
                          env_.monotonic() + settings_.deadline);
  if (!got) return std::unexpected(got.error());
  if (got->at(0).size() == 0)
    return std::unexpected(
        failure{.message = "stored at " + std::to_string(first) + ", and not there any more"});
  stored.stream_version = {static_cast<std::uint64_t>(got->at(0).int8(0, 0))};
  return stored;
}

// The order of checks is the contract's: command id, expectations, conditions.
std::optional<result<appended>> append_writer::settled_by(connection& on, const placed_member& of,
                                                          const group_answer& told) {
  const auto& draft = *of.draft;
  const auto refuse = [](error why) { return result<appended>(std::unexpected(std::move(why))); };
  for (const auto& known : told.commands) {
    if (known.member != of.number) continue;
    auto first = known.first;
    // One of our own ids is known only when this very group was stored before.
    first.already_applied = !draft.own_command;
    if (known.digest == draft.digest) return result<appended>(first);
    return refuse(command_id_reused(draft.command_id, {known.first, known.digest, known.stream}));
  }
  for (std::size_t i = 0; i < draft.checks.size(); ++i) {
    const auto& found = told.checks[of.first_check + i];
    const auto& check = draft.checks[i];
    if (found.fault == fault::key_collision)
      return refuse(stream_key_collision(check.name, found.holder));
    if (found.fault == fault::gone) return refuse(stream_is_gone(check.name, found.actual));
    if (found.fault == fault::expectation)
      return refuse(version_conflict(i, {.name = check.name, .expected = check.expected},
                                     {.stream = check.name,
                                      .version = found.actual,
                                      .position = {.sequence = found.position},
                                      .event_id = found.event_id}));
  }
  return failed_condition(on, of, told);
}

std::optional<result<appended>> append_writer::failed_condition(connection& on,
                                                                const placed_member& of,
                                                                const group_answer& told) {
  const group_answer::condition* first = nullptr;
  for (const auto& one : told.conditions)
    if (one.member == of.number && (first == nullptr || one.number < first->number)) first = &one;
  if (first == nullptr) return std::nullopt;
  const auto index = first->number - of.first_condition;
  if (first->diverged)
    return result<appended>(std::unexpected(checkpoint_diverged(
        of.draft->conditions[index].after, store_info{.store_id = settings_.store_id})));
  return result<appended>(
      std::unexpected(condition_failed(index, {.stream = stream_name_of(on, *first),
                                               .version = first->at,
                                               .position = {.sequence = first->position},
                                               .event_id = first->event_id})));
}

// Of the event that broke a condition; empty where its name cannot be read any more.
std::string append_writer::stream_name_of(connection& on, const group_answer::condition& hit) {
  const auto deadline = env_.monotonic() + settings_.deadline;
  auto found = names_.find(hit.category);
  if (!found && names_.load(on, deadline)) found = names_.find(hit.category);
  if (!found) return {};
  if (found->names != naming::by_key) return name_of(*found, hit.aggregate_id);
  auto name = names_.name_of_key(hit.aggregate_id);
  if (!name && names_.load_names(on, std::span(&hit.aggregate_id, 1), deadline))
    name = names_.name_of_key(hit.aggregate_id);
  return name.value_or(std::string());
}

void append_writer::give_up(std::span<pending> group, const failure& problem, bool in_doubt) {
  for (auto& one : group)
    one.answer = std::unexpected(
        in_doubt ? error(errc::in_doubt, "it may or may not have been stored (" +
                                             words_of(problem) + "); send the same command id")
                 : to_error(problem, "appending"));
}

outcome<append_writer::prepared> append_writer::prepare(connection& on, const append_draft& draft,
                                                        clock_reading deadline) {
  const append_draft* const one = &draft;
  prepared ready{.draft = one, .floor = floor_};
  auto categories = find_categories(on, std::span(&one, 1), deadline);
  if (!categories) return std::unexpected(categories.error());
  ready.categories = std::move(*categories);
  auto diverged = find_diverged(on, std::span(&one, 1), deadline);
  if (!diverged) return std::unexpected(diverged.error());
  ready.diverged = std::move(*diverged);
  return ready;
}

result<appended> append_writer::append_on(connection& on, prepared& ready, clock_reading deadline) {
  const auto group = std::span(&ready.draft, 1);
  const auto parts = group_parts::of(group);
  // Not kept: names of prepared statements are the owner's of the connection.
  auto lock = lock_;
  auto text = group_statement(settings_.names, parts);
  lock.name.clear();
  text.name.clear();
  const auto told =
      on.run({command{&lock, {}},
              command{&text, group_parameters(group, parts, settings_.names, ready.categories,
                                              ready.diverged, ready.floor, env_.now())}},
             deadline);
  if (!told) return std::unexpected(to_error(told.error(), "appending"));
  const auto answer = read_group_answer(told->at(1));
  auto last = answer.newest.position;
  ready.floor = last;
  auto told_so = answer_of(on, {ready.draft, 0, 0, 0}, answer, last);
  if (!told_so) return std::unexpected(to_error(told_so.error(), "appending"));
  return std::move(*told_so);
}

result<appended> append_writer::look_for(const prepared& ready, const failure& cause) {
  const auto deadline = env_.monotonic() + settings_.deadline;
  const auto& draft = *ready.draft;
  array_parameter markers(type::uuids, type::uuid);
  if (draft.marked) markers.add_uuid(draft.marker());
  const auto& schema = settings_.names.schema;
  const statement found{{},
                        "SELECT event_id, global_position FROM " + schema +
                            ".events WHERE global_position > $1 AND event_id = ANY($2)"};
  const statement known{{},
                        "SELECT stream_version, first_position, last_position FROM " + schema +
                            ".commands WHERE command_id = $1 AND digest = $2"};
  const std::vector<command> look{
      {&lock_, {}},
      {&found,
       {parameter::of_int8(static_cast<std::int64_t>(ready.floor)), std::move(markers).finish()}},
      {&known, {parameter::of_uuid(draft.command_id), parameter::of_uuid(draft.digest)}}};
  for (int attempt = 0; env_.monotonic() < deadline; ++attempt) {
    const auto on = connection::open(env_, settings_.connect, session::write);
    const auto got =
        on ? (*on)->run(look, deadline) : outcome<std::vector<rows>>(std::unexpected(on.error()));
    if (!got) {
      pause(attempt);
      continue;
    }
    const auto& command_there = got->at(2);
    const auto number = [&](int column) {
      return static_cast<std::uint64_t>(command_there.int8(0, column));
    };
    if (command_there.size() == 1)
      return appended{.first = {.sequence = number(1)},
                      .last = {.sequence = number(2)},
                      .stream_version = {number(0)}};
    group_answer told;
    for (int i = 0; i < got->at(1).size(); ++i)
      told.found.push_back(
          {got->at(1).uuid(i, 0), static_cast<std::uint64_t>(got->at(1).int8(i, 1))});
    const auto there = found_before(**on, draft, told);
    if (!there) {
      pause(attempt);
      continue;
    }
    if (*there) return **there;
    return fail(errc::store_in_use, "the connection was lost before the commit (" +
                                        words_of(cause) + "), nothing was stored; try again");
  }
  return fail(errc::in_doubt, "it may or may not have been stored (" + words_of(cause) +
                                  "); send the same command id again");
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
