#pragma once

#include "annals/engine.h"
#include "connection.h"
#include "draft.h"

namespace annals {
inline namespace v1 {
namespace postgres {

/// What a group needs of its statement; each combination is a statement of its own.
struct group_parts {
  bool commands = false;
  bool conditions = false;
  bool tags = false;

  static group_parts of(std::span<const append_draft* const> group);
};

/// The newest event of a store.
struct newest_event {
  std::uint64_t position = 0;  ///< 0: not known, or there is none
  uuid id{};
  std::int64_t reading = INT64_MIN;  ///< its clock reading, turned

  bool operator==(const newest_event&) const = default;
};

/// What the server said of a group, in rows of different kinds.
struct group_answer {
  struct check {
    int fault = 0;  ///< see group_statement.cc
    version actual{};
    std::uint64_t position = 0;  ///< of the newest event, where there was a fault
    uuid event_id{};
    std::string holder{};
  };
  struct condition {
    std::size_t member = 0;
    std::size_t number = 0;  ///< within the group
    bool diverged = false;
    std::uint64_t position = 0;
    version at{};
    uuid event_id{};
    uuid aggregate_id{};
    std::int32_t category = 0;
  };
  struct known_command {
    std::size_t member = 0;
    uuid digest{};
    std::string stream{};
    appended first{};
  };
  struct found_event {
    uuid event_id{};
    std::uint64_t position = 0;
  };
  newest_event newest{};  ///< before the group
  std::vector<check> checks{};
  std::vector<condition> conditions{};  ///< those that failed
  std::vector<known_command> commands{};
  std::vector<found_event> found{};  ///< what an earlier sending of this group has stored
};

namespace fault {
inline constexpr int none = 0, key_collision = 1, gone = 2, expectation = 3;
}  // namespace fault

/// What the store is made of, as far as statements must know.
struct sql_names {
  std::string schema{};   ///< quoted
  std::string channel{};  ///< to notify; empty: nobody is told
  payload_column payload = payload_column::json;
};

/// The statement that locks the row that all appends lock, in a round trip of one's own or in front
/// of others: what comes behind sees all that was committed before.
statement lock_statement(const sql_names& names);

/// Checks all members of a group, numbers and stores those that pass, and says what became of each.
statement group_statement(const sql_names& names, group_parts parts);

/// A group as parameters of its statement. `category_ids` has one for each check, `diverged` one
/// for each condition, `floor` is a position from before the group was first sent.
std::vector<parameter> group_parameters(std::span<const append_draft* const> group,
                                        group_parts parts, const sql_names& names,
                                        std::span<const std::int32_t> category_ids,
                                        const std::vector<bool>& diverged, std::uint64_t floor,
                                        time_point now);

/// True for one append of one event, of which nothing is asked but its stream; it has a statement
/// of its own, which answers alike.
bool is_single(std::span<const append_draft* const> group);
statement single_statement(const sql_names& names);
std::vector<parameter> single_parameters(const append_draft& draft, const sql_names& names,
                                         std::int32_t category_id, std::uint64_t floor);

/// What an event is, as parameters: its time, schema, codec, genesis, type, the two columns of its
/// payload, metadata.
void add_event(std::vector<parameter>& to, const draft_event& event, payload_column payload);

/// Texts of statements: `S.` stands for the schema, TURN for the bit that readings are turned by.
std::string replaced(std::string text, std::string_view what, std::string_view by);
std::string with_names(std::string text, const sql_names& names);
/// Here parameters have names: @name becomes the number of its place.
std::string with_numbers(std::string text, const std::string& schema,
                         std::span<const std::string_view> parameters);
/// The names of a statement's parameters in their order; a list whose part it lacks is left out.
struct parameter_list {
  bool there = true;
  std::span<const std::string_view> names{};
};
std::vector<std::string_view> names_in(std::initializer_list<parameter_list> lists);
std::string quoted_literal(std::string_view text);
std::string name_with(std::string name, group_parts parts);

/// A clock reading as statements take it: BIGINT keeps the order of readings when their highest bit
/// is turned.
std::int64_t turned_reading(std::uint64_t reading) noexcept;

/// And back, as events have it.
std::int64_t stored_reading(std::int64_t turned) noexcept;

group_answer read_group_answer(const rows& from);

/// Stores the retention of a stream that is there, and its place in the history; two statements.
std::string retention_sql(const sql_names& names, const std::string& stream, const retention& kept,
                          std::int64_t after_position);

/// Whether retention hides the event `e`, as SQL; `now` is an expression for UTC microseconds.
std::string hidden_sql(const std::string& schema, const std::string& now);

}  // namespace postgres
}  // namespace v1
}  // namespace annals
