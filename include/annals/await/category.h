#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include "annals/await/store.h"
#include "annals/category.h"
#include "annals/task.h"

/// The co_await forms of a category's calls. docs/coroutines.md says where a coroutine goes on.
namespace annals {
inline namespace v1 {

/// Executes a command when awaited: `result<executed> done = co_await execute(orders, id, pay{…});`
/// The category, the command and the options are copied or moved in.
///
/// Errors:  those of category::execute, completion form: handler_failed with what decide or evolve
///          threw.
template <class State, class Events, class Command, class Options = execute_options>
  requires std::convertible_to<Options, execute_options>
auto execute(const category<State, Events>& in, const uuid& id, Command&& command,
             Options&& options) {
  return await_call < executed,
         awaits_unnamed<Command> &&
             awaits_unnamed < Options >> ([in, id, command = std::forward<Command>(command),
                                           options = execute_options(std::forward<Options>(
                                               options))](completion<executed> done) mutable {
               in.execute(id, std::move(command), std::move(options), std::move(done));
             });
}
/// The same, with options as they are by default.
template <class State, class Events, class Command>
auto execute(const category<State, Events>& in, const uuid& id, Command&& command) {
  return await_call<executed, awaits_unnamed<Command>>(
      [in, id, command = std::forward<Command>(command)](completion<executed> done) mutable {
        in.execute(id, std::move(command), {}, std::move(done));
      });
}

/// As execute, with a function `(const State&) -> decision<Events>` in place of a command.
template <class State, class Events, class Decide, class Options = execute_options>
  requires std::convertible_to<Options, execute_options>
auto transact(const category<State, Events>& in, const uuid& id, Decide&& decide_on,
              Options&& options) {
  return await_call < executed,
         awaits_unnamed<Decide> &&
             awaits_unnamed < Options >> ([in, id, decide_on = std::forward<Decide>(decide_on),
                                           options = execute_options(std::forward<Options>(
                                               options))](completion<executed> done) mutable {
               in.transact(id, std::move(decide_on), std::move(options), std::move(done));
             });
}
/// The same, with options as they are by default.
template <class State, class Events, class Decide>
auto transact(const category<State, Events>& in, const uuid& id, Decide&& decide_on) {
  return await_call<executed, awaits_unnamed<Decide>>(
      [in, id, decide_on = std::forward<Decide>(decide_on)](completion<executed> done) mutable {
        in.transact(id, std::move(decide_on), {}, std::move(done));
      });
}

/// Loads the state now, or at a version or a time, when awaited:
/// `result<loaded<order>> state = co_await load(orders, id);`
///
/// Errors:  those of category::load; handler_failed with what evolve threw.
template <class State, class Events>
task<result<loaded<State>>> load(category<State, Events> from, uuid id, at when = at{}) {
  const auto stream = from.stream_of(id);
  stream_fold<State, Events> fold(when);
  const read_request request{.stream = stream, .to = when.version};
  const auto end = co_await read(from.store(), request, std::ref(fold));
  if (!end) co_return std::unexpected(end.error());
  co_return fold.finish(*end, stream);
}

}  // namespace v1
}  // namespace annals
