#pragma once

#include "group_statement.h"

namespace annals {
inline namespace v1 {
namespace postgres {

/// True for one append of one event whose checks the optimistic statement has: a version, or none;
/// at most one condition, of one tag. What it takes from there is stricter than what was asked.
bool is_optimistic(const append_draft& draft);

/// The statement of a lonely append to a stream that has events. It stores the event, and answers
/// its version, when nothing was stored behind the position `floor` and all checks pass; else it
/// stores nothing and answers no row, and the statement of groups has to tell why.
///
/// Executed late, behind our back, after the append was sent again, it has no effect: whatever the
/// second sending or anybody else has stored stands behind `floor`.
statement optimistic_statement(const sql_names& names, group_parts parts);

std::vector<parameter> optimistic_parameters(const append_draft& draft, const sql_names& names,
                                             std::uint64_t floor);

}  // namespace postgres
}  // namespace v1
}  // namespace annals
