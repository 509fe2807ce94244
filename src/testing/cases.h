#pragma once

#include <source_location>
#include <span>

#include "subject.h"

namespace annals {
inline namespace v1 {
namespace testing {

/// What a case needs of an engine beyond what all of them do; asked of `info()`.
enum class need : std::uint8_t { nothing, several_streams, conditions };

/// One sentence of the specification and its proof.
struct conformance_case {
  using body = void (*)(subject& on);

  constexpr conformance_case(const char* says, body proves, need of = need::nothing,
                             std::source_location stands = std::source_location::current())
      : sentence(says), run(proves), needs(of), where(stands) {}

  const char* sentence;
  body run;
  need needs;
  std::source_location where;
};

using case_list = std::span<const conformance_case>;

// The groups; each file NOUN_cases.cc is one suite.
case_list append_cases();
case_list argument_cases();
case_list checkpoint_cases();
case_list clock_cases();
case_list close_cases();
case_list command_cases();
case_list completion_cases();
case_list concurrency_cases();
case_list condition_cases();
case_list coroutine_cases();
case_list event_cases();
case_list expectation_cases();
case_list filter_cases();
case_list history_cases();
case_list import_cases();
case_list in_flight_cases();
case_list limit_cases();
case_list listing_cases();
case_list name_cases();
case_list notify_cases();
case_list read_cases();
case_list retention_cases();
case_list several_streams_cases();
case_list snapshot_cases();

}  // namespace testing
}  // namespace v1
}  // namespace annals
