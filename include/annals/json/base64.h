#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace annals {
inline namespace v1 {
namespace json {

/// Appends bytes in base64, padded, on one line.
///
/// Source:  RFC 4648, section 4.
void append_base64(std::string& out, std::span<const std::byte> bytes);

/// Appends the bytes that a base64 text stands for. False, with nothing appended, where it is not
/// what append_base64 writes: one text for the same bytes.
bool parse_base64(std::string_view text, std::string& out);

}  // namespace json
}  // namespace v1
}  // namespace annals
