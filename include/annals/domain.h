#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "annals/decimal.h"
#include "annals/time.h"
#include "annals/uuid.h"

/// The one header a domain file includes: no JSON, no store, no thread.
namespace annals {
inline namespace v1 {

/// A string as a template argument: the stored name of an event.
template <std::size_t N>
struct fixed_string {
  char text[N]{};
  // NOLINTNEXTLINE(google-explicit-constructor): a literal is meant
  consteval fixed_string(const char (&literal)[N]) { std::copy_n(literal, N, text); }
  constexpr std::string_view view() const noexcept { return {text, N - 1}; }
};

/// An event a store can keep: a value that is copied freely and shared between threads.
template <class E>
concept domain_event =
    std::copyable<E> && std::is_default_constructible_v<E> && !std::is_polymorphic_v<E>;

/// Says under which name and schema number an event type is stored. Stored: neither changes
/// meaning; a changed struct gets the next schema number.
template <domain_event E, fixed_string Name, std::uint16_t Schema = 1, bool Genesis = false>
struct stored {
  using type = E;
  static constexpr std::string_view name = Name.view();
  static constexpr std::uint16_t schema = Schema;
  static constexpr bool genesis = Genesis;
  static_assert(!name.empty() && name.size() <= 255, "a stored name has 1 to 255 bytes");
  static_assert(Schema >= 1, "schemas count from 1");
};

/// A summary event: after it, older events of its stream are not needed for folding.
template <domain_event E, fixed_string Name, std::uint16_t Schema = 1>
using stored_genesis = stored<E, Name, Schema, true>;

/// The closed set of events of one kind of aggregate: one table, in one place.
template <class... Stored>
struct events {
  using variant = std::variant<typename Stored::type...>;
  using table = std::tuple<Stored...>;
  static constexpr std::size_t size = sizeof...(Stored);

  template <class E>
  static constexpr bool contains = (std::same_as<E, typename Stored::type> || ...);

  /// The place of an event type in the table.
  template <class E>
    requires contains<E>
  static consteval std::size_t index_of() {
    constexpr bool same[] = {std::same_as<E, typename Stored::type>...};
    return static_cast<std::size_t>(std::find(same, same + size, true) - same);
  }
  /// The entry of an event type.
  template <class E>
    requires contains<E>
  using entry = std::tuple_element_t<index_of<E>(), table>;

 private:
  static constexpr bool names_differ() {
    constexpr std::string_view names[] = {Stored::name...};
    for (std::size_t i = 0; i < size; ++i)
      for (std::size_t k = i + 1; k < size; ++k)
        if (names[i] == names[k]) return false;
    return true;
  }
  static_assert(size > 0, "an aggregate has at least one kind of event");
  static_assert(names_differ(), "two events are stored under one name");
};

/// A refusal by the domain: a stable code for programs, and words for people.
struct rejection {
  std::string reason{};
  std::string message{};
};

inline rejection reject(std::string reason, std::string message = {}) {
  return {std::move(reason), std::move(message)};
}

// Named in the compiler's error line, with the types that it is about, when a function of the
// domain is missing or an event is not of its set.
template <class State, class Event>
struct evolve_is_missing;
template <class State, class Command>
struct decide_is_missing;
template <class Event>
struct event_is_outside_the_set;

/// What a decision comes to: events, nothing (already so), or a rejection.
///
/// `return paid{…};`, `return {first{…}, second{…}};`, `return {};` and `return reject("…");` all
/// make one.
template <class Events>
class decision {
  // An aggregate of another set is let in, to be refused by name instead of by a failed conversion.
  template <class E>
  static constexpr bool looks_like_event =
      Events::template contains<E> || (std::is_aggregate_v<E> && !std::same_as<E, rejection>);

 public:
  using event = typename Events::variant;

  decision() = default;
  decision(rejection why) : rejection_(std::move(why)), rejected_(true) {}  // NOLINT

  template <class... E>
    requires(sizeof...(E) > 0 && (looks_like_event<std::remove_cvref_t<E>> && ...))
  decision(E&&... happened) {  // NOLINT(google-explicit-constructor): events are decisions
    events_.reserve(sizeof...(E));
    (add(std::forward<E>(happened)), ...);
  }

  bool rejected() const noexcept { return rejected_; }
  const rejection& why() const noexcept { return rejection_; }
  const std::vector<event>& happened() const& noexcept { return events_; }
  std::vector<event>&& happened() && noexcept { return std::move(events_); }

 private:
  template <class E>
  void add(E&& happened) {
    using type = std::remove_cvref_t<E>;
    if constexpr (Events::template contains<type>) {
      events_.emplace_back(std::forward<E>(happened));
    } else {
      static_assert(sizeof(event_is_outside_the_set<type>) != 0);
    }
  }

  std::vector<event> events_{};
  rejection rejection_{};
  bool rejected_ = false;
};

/// Folds one event into a state, with the domain's `evolve(State, const Event&)` found by ADL.
template <class State, class Event>
State evolve_with(State state, const Event& event) {
  if constexpr (requires {
                  { evolve(std::move(state), event) } -> std::convertible_to<State>;
                }) {
    return evolve(std::move(state), event);
  } else {
    static_assert(sizeof(evolve_is_missing<State, Event>) != 0);
  }
}

/// Folds an event of the set into a state.
template <class State, class... Event>
State evolve_any(State state, const std::variant<Event...>& event) {
  return std::visit(
      [&](const auto& happened) { return evolve_with<State>(std::move(state), happened); }, event);
}

/// Decides a command, with the domain's `decide(const State&, const Command&)` found by ADL.
template <class Events, class State, class Command>
decision<Events> decide_with(const State& state, const Command& command) {
  if constexpr (requires {
                  { decide(state, command) } -> std::convertible_to<decision<Events>>;
                }) {
    return decide(state, command);
  } else {
    static_assert(sizeof(decide_is_missing<State, Command>) != 0);
  }
}

/// Rebuilds a state from events.
///
/// Errors:  aggregate_not_found when there are none.
template <class State, class Event>
result<State> from_events(const std::vector<Event>& history) {
  if (history.empty())
    return fail(errc::aggregate_not_found, "no events to rebuild the aggregate from");
  State state{};
  for (const auto& event : history) state = evolve_any<State>(std::move(state), event);
  return state;
}

}  // namespace v1
}  // namespace annals
