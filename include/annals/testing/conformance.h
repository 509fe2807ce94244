#pragma once

#include <functional>
#include <memory>
#include <string>

#include "annals/store.h"

/// The conformance suite: what every engine promises, as GoogleTest cases. An engine joins it in a
/// test program that links `annals::testing` and `GTest::gtest_main`:
///
///     const bool joined = annals::testing::check_conformance(
///         {.name = "memory", .persists = false, .open = [](const std::string&, annals::env& world)
///         {
///            return annals::make_memory_store(world);
///          }});
///
/// Read together, the names of the cases are the specification; docs/consistency.md says it in
/// prose.
namespace annals {
inline namespace v1 {
namespace testing {

/// An engine under test.
struct engine {
  std::string name{};  ///< of letters, digits and '_'; stands before the names of the suites

  /// True when opening the same directory again brings everything back. Then most cases look twice:
  /// at once, and after closing and opening.
  bool persists = true;

  /// Makes the world of one case, e.g. a simulated one; empty: the operating system's env.
  std::function<std::unique_ptr<env>()> world{};

  /// Opens a store that lives in `directory` (exists, empty when first opened) and in `world`. Is
  /// called once per case and again to reopen, never twice at a time for one directory.
  std::function<result<std::unique_ptr<event_store>>(const std::string& directory, env& world)>
      open{};
};

/// Registers every case for an engine, as suites named "NAME/append", "NAME/read" and so on.
/// Clauses that the store's `info()` refuses are checked to be refused; never are engines told by
/// name. Answers true.
///
/// Threads: before RUN_ALL_TESTS, e.g. as initialiser of a variable at namespace scope.
bool check_conformance(const engine& tested);

}  // namespace testing
}  // namespace v1
}  // namespace annals
