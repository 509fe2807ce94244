#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "annals/postgres.h"
#include "name_book.h"

namespace annals {
inline namespace v1 {
namespace postgres {

/// An event on its way to the server.
struct draft_event {
  std::int32_t check = 0;  ///< of its stream, within the append, from 0
  std::int32_t nth = 0;    ///< in its stream, within the append, from 1
  uuid id{};
  std::string type{};
  std::string payload{};
  bool as_json = true;  ///< goes into event_data, else into event_bytes
  annals::codec codec = codec::json;
  std::int32_t schema = 1;
  bool genesis = false;
  std::string metadata{};  ///< empty: NULL
  std::int64_t timestamp = 0;
  std::vector<std::string> tags{};  ///< each once
};

/// What is asked of a stream before anything is stored.
struct draft_check {
  std::string name{};
  uuid key{};
  uuid aggregate_id{};
  std::string category{};
  naming names = naming::by_id;
  expect expected = expect::any();
  std::int32_t events = 0;
};

/// A condition: its queries, and the checkpoint after which events count.
struct draft_condition {
  struct item {
    std::vector<std::string> types{};
    std::vector<std::string> tags{};
  };
  std::vector<item> items{};
  checkpoint after{};
};

/// An append, copied from its request and made ready for the server.
struct append_draft {
  std::vector<draft_check> checks{};
  std::vector<draft_event> events{};
  std::vector<draft_condition> conditions{};
  uuid command_id{};  ///< the caller's, or one of our own; nil: none
  uuid digest{};
  bool own_command = false;
  std::string step_metadata{};   ///< of an append without events
  std::uint64_t earliest = 0;    ///< clock reading that its first event may have at the earliest
  std::size_t marked_event = 0;  ///< one whose id the store made: tells the append from all others
  bool marked = false;
  std::size_t bytes = 0;  ///< counted against limits::appends_in_flight_bytes
  /// True while it is sent as one with the append in front of it, to the same stream: whose check
  /// then holds for both. `before` events of that stream stand in front of its own.
  bool continues = false;
  std::int32_t before = 0;

  uuid marker() const noexcept { return marked ? events[marked_event].id : uuid{}; }
};

/// Copies a request.
///
/// Errors:  serialization_error for what the server could not store: payloads that are said to be
///          JSON and are no UTF-8, or that jsonb refuses; invalid_argument for NUL in names;
///          stream_key_collision for two names with one key.
result<append_draft> draft_of(const append_request& request, payload_column column, time_point now,
                              env& environment);

/// One event of an import, or an append, as it is stored.
result<draft_event> draft_event_of(const new_event& event, const append_context& context,
                                   std::string_view listed_first, payload_column column,
                                   time_point now);

/// True when `later` may be sent as one with `earlier`, which goes to the same stream: it passes
/// whenever that does.
bool may_continue(const append_draft& later, const append_draft& earlier);

/// Appends that are sent together: none may change the answer of another.
class group_content {
 public:
  /// True when nothing that is in depends with its answer on this append, nor it on them.
  bool admits(const append_draft& draft) const;
  void add(const append_draft& draft);

 private:
  std::unordered_map<uuid, bool> streams_{};  // by key; whether events go there
  std::unordered_set<uuid> commands_{};
  std::vector<const draft_event*> events_{};
};

}  // namespace postgres
}  // namespace v1
}  // namespace annals
