#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "annals/decode.h"
#include "annals/limits.h"
#include "annals/store.h"

/// What category.h builds on: the options and outcome of a command, and the parts of the
/// load–decide–append loop that do not depend on the domain's types.
namespace annals {
inline namespace v1 {

/// How a command is executed.
struct execute_options {
  uuid command_id{};      ///< nil: none. A known one is answered without deciding again.
  uuid correlation_id{};  ///< nil: none
  uuid causation_id{};    ///< nil: none
  std::optional<time_point> timestamp{};  ///< of the events; none: the store's clock
  hlc received{};
  trace_context trace{};
  std::vector<std::string> tags{};                            ///< on every event of the command
  int attempts = limits::execute_attempts;                    ///< tries, the first included
  std::chrono::milliseconds budget = limits::execute_budget;  ///< from the first try to giving up
};

/// What a command came to.
struct executed {
  appended append{};       ///< `already_applied` when the command id was known
  std::size_t events = 0;  ///< stored by this call; 0 when there was nothing to do
  int attempts = 1;
};

/// The digest of a command: of its stream, its type's name and its canonical JSON.
uuid command_digest(std::string_view stream, std::string_view type, std::string_view payload);

/// The first result of a command id, or none when it is unknown.
///
/// Errors:  command_id_reused, with stream and version of the first.
result<std::optional<appended>> find_applied(event_store& store, const uuid& command_id,
                                             const uuid& digest);

/// How long to wait before try number `attempt` (2, 3, …): none at first, then doubling from 1 ms
/// to 64 ms, each time shortened by up to half at random.
std::chrono::nanoseconds back_off(int attempt, env& environment);

/// True when a failed append is worth another try: a conflict, within attempts and budget.
bool may_retry(const error& cause, int attempts_made, const execute_options& options,
               std::chrono::nanoseconds elapsed);

/// A conflict that outlived its budget, with the number of attempts in the message.
error retries_exhausted(const error& last, int attempts_made);

/// The unqualified name of a type, e.g. "pay". Part of command digests: renaming a command type
/// makes its known ids answer command_id_reused.
template <class T>
consteval std::string_view unqualified_name_of() {
  std::string_view text =
      __PRETTY_FUNCTION__;  // "… [with T = shop::pay; …]" or "… [T = shop::pay]"
  text.remove_prefix(text.find("T = ") + 4);
  text = text.substr(0, text.find_first_of(";]<"));
  const auto colon = text.rfind("::");
  return colon == std::string_view::npos ? text : text.substr(colon + 2);
}

/// Encoded events and the append request that borrows them. Not movable: the request points inside.
class prepared_append {
 public:
  prepared_append() = default;
  prepared_append(const prepared_append&) = delete;
  prepared_append& operator=(const prepared_append&) = delete;

  /// Encodes the events of a decision for a stream at `seen`.
  template <class Events>
  void prepare(const std::string& stream, version seen, const decision<Events>& decided,
               const execute_options& options, const uuid& digest) {
    clear();
    for (const auto& event : decided.happened())
      std::visit(
          [&]<class E>(const E& happened) { add<typename Events::template entry<E>>(happened); },
          event);
    seal(stream, seen, options, digest);
  }
  const append_request& request() const noexcept { return request_; }
  std::size_t events() const noexcept { return events_.size(); }

 private:
  template <class Entry, class E>
  void add(const E& happened) {
    encode_payload(happened, payloads_);
    ends_.push_back(payloads_.size());
    events_.push_back({.type = Entry::name,
                       .schema = Entry::schema,
                       .codec = payload_codec<E>::kind,
                       .genesis = Entry::genesis});
  }
  void clear();
  void seal(const std::string& stream, version seen, const execute_options& options,
            const uuid& digest);

  std::string payloads_{};
  std::vector<std::size_t> ends_{};
  std::vector<new_event> events_{};
  std::vector<std::string_view> tags_{};
  stream_write write_{};
  append_request request_{};
};

}  // namespace v1
}  // namespace annals
