// Groups whose place is known are sent before those in front of them are answered. See
// append_writer.h.
#include <algorithm>

#include "append_writer.h"
#include "optimistic_statement.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

constexpr int first_optimistic = 16;  // among the numbers of statements

}  // namespace

// Where a group would stand behind those in the air. None: the server has to look.
outcome<std::optional<optimistic_group>> append_writer::placed(connection& on, const members& group,
                                                               clock_reading deadline,
                                                               bool may_ask) {
  std::vector<const append_draft*> drafts;
  drafts.reserve(group.size());
  for (const auto& one : group) {
    if (one.work || one.in_doubt || !is_optimistic(one.draft)) return std::nullopt;
    drafts.push_back(&one.draft);
  }
  if (!may_ask && !all_known(drafts)) return std::nullopt;
  const auto categories = find_categories(on, drafts, deadline);
  if (!categories) return std::unexpected(categories.error());
  const auto diverged = find_diverged(on, drafts, deadline);
  if (!diverged) return std::unexpected(diverged.error());
  if (std::ranges::find(*diverged, true) != diverged->end()) return std::nullopt;
  return heads_.place(drafts, *categories);
}

// What goes wrong before anything is sent is met again, and told, by send_until_answered.
void append_writer::launch(flight& one) {
  one.deadline = one.group.front().deadline;
  for (const auto& member : one.group) one.deadline = std::max(one.deadline, member.deadline);
  const bool behind = flights_.size() > 1;
  if (one.group.front().work) return;
  if (!behind && !connected(one.deadline)) return;
  auto& on = *connection_;
  auto where = placed(on, one.group, one.deadline, !behind);
  if (!where || !*where) return;
  const auto parts = optimistic_parts::of(**where);
  auto& text = statements_[first_optimistic + parts.number()];
  if (text.sql.empty()) text = optimistic_statement(settings_.names, parts);
  for (auto& member : one.group) member.floor = floor_;
  const auto sent =
      on.send({{command{&lock_, {}},
                command{&text, optimistic_parameters(**where, parts, settings_.names)}}},
              one.deadline);
  one.sent = std::move(*where);
  heads_.learn(*one.sent);
  if (!sent) drop_connection();  // what was in the air is found to be in doubt when it lands
}

void append_writer::land(flight& one) {
  if (one.sent && receive(one)) return;
  if (one.group.front().work)
    work_until_answered(one.group.front());
  else
    send_until_answered(one.group);
}

// Takes the answer to a group; true when it was stored. Else those behind it were not stored
// either: they ask for its last event.
bool append_writer::receive(flight& one) {
  auto told = connection_ ? connection_->receive(one.deadline)
                          : outcome<std::vector<rows>>(std::unexpected(failure{.lost = true}));
  if (told && connection_->warned())  // committed here, but not on the standby that it waited for
    told = std::unexpected(failure{.message = connection_->warning(), .lost = true});
  const auto events = static_cast<std::int64_t>(one.sent->events.size());
  if (told && told->at(1).affected() == events) {
    for (std::size_t m = 0; m < one.group.size(); ++m)
      one.group[m].answer = one.sent->members[m].stored;
    floor_ = one.sent->after.position;
    return true;
  }
  const bool lost = !told && told.error().lost;
  if (lost) {
    drop_connection();
    for (auto& member : one.group) member.in_doubt = true;
  }
  recall();
  if (connection_) heads_.unlearn(*one.sent);
  return false;
}

// Takes the answers to what is still in the air; nothing of that was stored, or it is in doubt.
void append_writer::recall() {
  for (auto& behind : flights_) {
    if (!behind.sent) continue;
    const auto told = connection_
                          ? connection_->receive(behind.deadline)
                          : outcome<std::vector<rows>>(std::unexpected(failure{.lost = true}));
    const bool refused = told ? told->at(1).affected() == 0 : !told.error().lost;
    if (!refused) {
      drop_connection();
      for (auto& member : behind.group) member.in_doubt = true;
    }
  }
  const std::scoped_lock lock(mutex_);
  for (auto behind = flights_.rbegin(); behind != flights_.rend(); ++behind) {
    if (!behind->sent) continue;
    if (connection_) heads_.unlearn(*behind->sent);
    behind->sent.reset();
  }
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
