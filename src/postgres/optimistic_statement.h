#pragma once

#include "known_heads.h"

namespace annals {
inline namespace v1 {
namespace postgres {

/// What an optimistic group needs of its statement; each combination is a statement of its own.
struct optimistic_parts {
  bool commands = false;
  bool conditions = false;
  bool tags = false;
  bool streams = false;    ///< some that the writer does not know
  bool one_event = false;  ///< and so one append: its values go out as they are, not as arrays

  static optimistic_parts of(const optimistic_group& group);
  int number() const noexcept;
};

/// True where the optimistic statement has the conditions of an append: each of one tag at least.
/// What it takes from there is stricter than what was asked.
bool is_optimistic(const append_draft& draft);

/// The statement of a group whose place its writer knows. It stores all of it, and answers how many
/// events that were, when the newest event is the one it believes in and all checks pass; else it
/// stores nothing and answers 0, and the statement of groups has to tell why.
///
/// Executed late, behind our back, after the group was sent again, it has no effect: whatever the
/// second sending or anybody else has stored is newer than the event it asks for.
statement optimistic_statement(const sql_names& names, optimistic_parts parts);

std::vector<parameter> optimistic_parameters(const optimistic_group& group, optimistic_parts parts,
                                             const sql_names& names);

}  // namespace postgres
}  // namespace v1
}  // namespace annals
