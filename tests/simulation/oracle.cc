#include "oracle.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace annals {
namespace simulated {
namespace {

/// The attempt and index that stand at the start of a payload: "12.0|…".
std::optional<std::pair<std::size_t, std::size_t>> author_of(std::string_view payload) {
  std::size_t attempt = 0;
  std::size_t index = 0;
  const auto* end = payload.data() + payload.size();
  const auto first = std::from_chars(payload.data(), end, attempt);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != '.') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, index);
  if (second.ec != std::errc{} || second.ptr == end || *second.ptr != '|') return std::nullopt;
  return std::pair(attempt, index);
}

/// Written by commands, see counter.h.
bool is_counter(std::string_view stream) {
  return stream.starts_with("counter-");
}

std::string at(std::size_t index) {
  return "at position " + std::to_string(index + 1) + ": ";
}

}  // namespace

// Filled so that a torn or mixed up payload is seen: with letters that depend on the append.
std::string oracle::payload(std::size_t number, std::size_t index, std::size_t bytes) {
  auto text = std::to_string(number) + '.' + std::to_string(index) + '|';
  for (std::size_t i = text.size(); i < bytes; ++i)
    text += static_cast<char>('a' + (number * 7 + index * 3 + i) % 26);
  return text;
}

void oracle::begin(planned_append planned) {
  attempts_.push_back({.plan = std::move(planned)});
}

std::optional<std::string> oracle::answered(std::size_t number, const result<appended>& answer) {
  auto& one = attempts_[number];
  if (answer) {
    const bool moved = one.state == state::acknowledged && answer->first != one.answer.first;
    if (moved || (!answer->already_applied && std::exchange(one.stored, true)))
      return "append " + std::to_string(number) + ", sent again, was stored again";
    one.state = state::acknowledged;
    one.answer = *answer;
    return std::nullopt;
  }
  if (one.state == state::acknowledged) return std::nullopt;  // what it was first, stands
  const auto code = answer.error().code();
  const bool unknown = code == errc::in_doubt || code == errc::database_error;
  // Sent twice at once, in doubt once: it may be there, whatever the other answer was.
  if (one.state == state::in_doubt) return std::nullopt;
  one.state = unknown ? state::in_doubt : state::refused;
  return std::nullopt;
}

std::optional<std::size_t> oracle::any_command(std::uint64_t drawn) const {
  std::vector<std::size_t> some;
  for (std::size_t i = 0; i < attempts_.size(); ++i) {
    const bool settled =
        attempts_[i].state == state::acknowledged || attempts_[i].state == state::refused;
    if (settled && !attempts_[i].plan.command_id.is_nil()) some.push_back(i);
  }
  if (some.empty()) return std::nullopt;
  return some[drawn % some.size()];
}

std::size_t oracle::acknowledged() const {
  return static_cast<std::size_t>(
      std::ranges::count(attempts_, state::acknowledged, &attempt::state));
}

oracle::seen_event oracle::seen_of(const event_view& view) {
  const auto facts = view.metadata();
  return {facts.stream, std::string(view.text()), facts.version.number, facts.event_id,
          facts.recorded};
}

std::optional<std::string> oracle::compare_seen(const std::vector<seen_event>& seen) const {
  if (seen.size() > known_.size())
    return "a reader has seen " + std::to_string(seen.size()) + " events, the store holds " +
           std::to_string(known_.size());
  const auto [one, other] = std::ranges::mismatch(seen, known_);
  if (one == seen.end()) return std::nullopt;
  return at(static_cast<std::size_t>(one - seen.begin())) + "a reader has seen stream " +
         one->stream + ", \"" + one->payload.substr(0, 20) + "\", the store holds stream " +
         other->stream + ", \"" + other->payload.substr(0, 20) + '"';
}

std::optional<std::string> oracle::read_all(event_store& store,
                                            std::vector<seen_event>& all) const {
  std::map<std::string, std::uint64_t> versions;
  std::optional<std::string> problem;
  const auto end = store.read({}, [&](const event_batch& batch) {
    for (const auto& view : batch.events) {
      const auto facts = view.metadata();
      if (facts.position.sequence != all.size() + 1) problem = at(all.size()) + "a gap in the log";
      if (facts.version.number != ++versions[facts.stream])
        problem = at(all.size()) + "a gap in stream " + facts.stream;
      if (!all.empty() && facts.recorded <= all.back().recorded)
        problem = at(all.size()) + "the store's clock does not go on";
      all.push_back(seen_of(view));
    }
    return flow::more;
  });
  if (!end) return "reading everything: " + end.error().to_string();
  return problem;
}

std::optional<std::string> oracle::compare_known(const std::vector<seen_event>& all, bool lied) {
  if (all.size() < known_.size() && !lied)
    return "the store holds " + std::to_string(all.size()) + " events; it held " +
           std::to_string(known_.size()) + " after the last crash";
  const auto [known, now] = std::ranges::mismatch(known_, all);
  if (known == known_.end() || now == all.end()) return std::nullopt;
  return at(static_cast<std::size_t>(known - known_.begin())) + "stream " + known->stream + ", \"" +
         known->payload.substr(0, 20) + "\" has become stream " + now->stream + ", \"" +
         now->payload.substr(0, 20) + '"';
}

// Each append stands in one piece, whole, and was not refused.
std::optional<std::string> oracle::compare_new(const std::vector<seen_event>& all) {
  found_.clear();
  for (std::size_t i = 0; i < all.size();) {
    if (is_counter(all[i].stream)) {
      ++i;
      continue;
    }
    const auto author = author_of(all[i].payload);
    if (!author || author->first >= attempts_.size() || author->second != 0)
      return at(i) + "nobody appended \"" + all[i].payload.substr(0, 20) + '"';
    const auto& one = attempts_[author->first];
    if (!found_.emplace(author->first, i + 1).second)
      return at(i) + "append " + std::to_string(author->first) + " is there twice";
    if (one.state == state::refused)
      return at(i) + "append " + std::to_string(author->first) + " was refused, and is there";
    for (const auto& event : one.plan.events) {
      if (i == all.size() || all[i].payload != event.payload || all[i].stream != event.stream)
        return at(i) + "append " + std::to_string(author->first) + " is there in part";
      ++i;
    }
  }
  return std::nullopt;
}

std::optional<std::string> oracle::compare_answers(const std::vector<seen_event>& all, bool lied) {
  for (std::size_t number = 0; number < attempts_.size(); ++number) {
    auto& one = attempts_[number];
    if (one.plan.events.empty()) continue;
    const auto found = found_.find(number);
    const auto name = "append " + std::to_string(number);
    if (one.state == state::acknowledged) {
      if (found == found_.end()) {
        if (!lied) return name + " was acknowledged, and is lost";
        one.state = state::refused;
        one.stored = false;
        continue;
      }
      const auto last = found->second + one.plan.events.size() - 1;
      if (found->second != one.answer.first.sequence || last != one.answer.last.sequence)
        return name + " was acknowledged at position " + one.answer.first.to_string() +
               ", and stands at " + std::to_string(found->second);
      continue;
    }
    if (one.state == state::unanswered) return name + " was never answered";
    // Now it is known; and stays so.
    one.stored = found != found_.end();
    if (!one.stored) {
      one.state = state::refused;
    } else {
      one.state = state::acknowledged;
      one.answer.first = {.sequence = found->second};
      one.answer.last = {.sequence = found->second + one.plan.events.size() - 1};
      const auto& first_stream = one.plan.events.front().stream;
      for (auto i = found->second; i <= one.answer.last.sequence; ++i)
        if (all[i - 1].stream == first_stream) one.answer.stream_version = {all[i - 1].version};
    }
  }
  return std::nullopt;
}

std::optional<std::string> oracle::compare_commands(event_store& store, bool lied) {
  std::map<uuid, const attempt*> applied;
  for (const auto& one : attempts_)
    if (one.state == state::acknowledged && !one.plan.events.empty())
      applied.emplace(one.plan.command_id, &one);
  for (std::size_t number = 0; number < attempts_.size(); ++number) {
    const auto& one = attempts_[number];
    if (one.plan.command_id.is_nil() || one.plan.events.empty()) continue;
    const auto record = store.find_command(one.plan.command_id);
    if (!record) return "find_command: " + record.error().to_string();
    const auto known = applied.find(one.plan.command_id);
    const auto name = "the command of append " + std::to_string(number);
    if (known == applied.end()) {
      if (*record && !lied) return name + " was not stored, and is known";
      continue;
    }
    if (!*record) return name + " is not known";
    if ((*record)->result.first != known->second->answer.first ||
        (*record)->result.last != known->second->answer.last)
      return name + " is known with another result";
  }
  return std::nullopt;
}

std::optional<std::string> oracle::compare(event_store& store, bool lied) {
  std::vector<seen_event> all;
  if (auto problem = read_all(store, all)) return problem;
  if (auto problem = compare_known(all, lied)) return problem;
  if (auto problem = compare_new(all)) return problem;
  if (auto problem = compare_answers(all, lied)) return problem;
  if (auto problem = compare_commands(store, lied)) return problem;
  known_ = std::move(all);
  return std::nullopt;
}

}  // namespace simulated
}  // namespace annals
