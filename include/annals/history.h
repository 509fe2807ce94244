#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string_view>
#include <variant>

#include "annals/requests.h"

/// The history of a store: what read_history gives and import takes, in the order in which it was
/// stored. Borrowed, as requests are.
namespace annals {
inline namespace v1 {

/// A recorded event with everything it has where it comes from.
struct imported_event {
  std::string_view stream{};
  new_event event{};  ///< id and timestamp must be set
  annals::version version{};
  annals::position position{};
  hlc recorded{};
};

/// One append. Without events it is a command id that is remembered.
struct import_request {
  std::span<const imported_event> events{};
  append_context context{};  ///< a command id comes with its digest; `received` is not used
  std::string_view
      stream{};  ///< the first stream the append listed; empty: that of its first event
};

/// The retention of a stream, complete, as a change of it left it.
struct retained_stream {
  std::string_view stream{};
  version truncate_before{1};
  bool tombstone = false;
  std::chrono::microseconds max_age{0};  ///< zero: none
  std::uint64_t max_count = 0;           ///< zero: none
};

using history_entry = std::variant<import_request, retained_stream>;
using history_sink = std::move_only_function<flow(const history_entry&)>;

}  // namespace v1
}  // namespace annals
