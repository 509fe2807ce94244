#pragma once

#include <string_view>

#include "annals/result.h"

namespace annals {
inline namespace v1 {
namespace json {

/// Checks a whole document that comes from outside: RFC 8259, and beyond it no member twice in one
/// object (compared unescaped), no half of a surrogate pair, no byte order mark, nothing after the
/// document but blanks. Numbers follow the grammar and are as long as they like: they are kept as
/// text.
///
/// Units:   at most limits::json_depth objects and arrays inside each other.
/// Errors:  malformed_input with the byte, counted from 0, the path of the value
/// ("items[3].price"),
///          what was expected and what was found; limit_exceeded for the depth.
/// Cost:    one pass; some 1 ns a byte.
/// Source:  docs/json.md, "Documents from outside".
result<void> validate(std::string_view text);

/// True when `validate` would accept the document; for sorting documents, without words.
bool is_valid(std::string_view text);

}  // namespace json
}  // namespace v1
}  // namespace annals
