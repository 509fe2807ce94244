#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "annals/decode.h"
#include "annals/domain.h"

/// Given events, when a command, then events or a rejection: tests of a domain that need no store
/// and no test framework. A specification that does not hold throws.
///
///     using given = annals::testing::given<order, order_events>;
///     given{created{…}}.when(pay{…}).then(paid{…});
namespace annals {
inline namespace v1 {
namespace testing {

/// Thrown when a specification does not hold; what() shows what was expected and what happened.
class specification_failed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What a command came to, to be compared with what was expected.
template <class Events>
class outcome {
 public:
  explicit outcome(decision<Events> decided) : decided_(std::move(decided)) {}

  /// Exactly these events, in this order.
  template <class... Expected>
  void then(const Expected&... expected) const {
    const std::vector<typename Events::variant> wanted{expected...};
    if (decided_.rejected() || texts(wanted) != texts(decided_.happened()))
      throw specification_failed("expected " + print(wanted) + ", but got " + print_outcome());
  }
  /// No events: it is already so.
  void then_nothing() const { then(); }
  /// A rejection with this reason.
  void then_rejected(std::string_view reason) const {
    if (!decided_.rejected() || decided_.why().reason != reason)
      throw specification_failed("expected the rejection '" + std::string(reason) + "', but got " +
                                 print_outcome());
  }

 private:
  using list = std::vector<typename Events::variant>;

  static std::vector<std::string> texts(const list& events) {
    std::vector<std::string> all;
    for (const auto& event : events)
      std::visit(
          [&]<class E>(const E& happened) {
            std::string text(Events::template entry<E>::name);
            text += ' ';
            encode_payload(happened, text);
            all.push_back(std::move(text));
          },
          event);
    return all;
  }
  static std::string print(const list& events) {
    if (events.empty()) return "nothing";
    std::string joined;
    for (const auto& text : texts(events)) joined += (joined.empty() ? "" : ", ") + text;
    return joined;
  }
  std::string print_outcome() const {
    return decided_.rejected() ? "the rejection '" + decided_.why().reason + "'"
                               : print(decided_.happened());
  }

  decision<Events> decided_;
};

/// The history a command meets.
template <class State, class Events>
class given {
 public:
  template <class... Event>
    requires(Events::template contains<Event> && ...)
  explicit given(const Event&... history) {
    ((state_ = evolve_with<State>(std::move(state_), history)), ...);
  }

  template <class Command>
  outcome<Events> when(const Command& command) const {
    return outcome<Events>(decide_with<Events>(state_, command));
  }
  /// The state that the history comes to.
  const State& state() const noexcept { return state_; }

 private:
  State state_{};
};

}  // namespace testing
}  // namespace v1
}  // namespace annals
