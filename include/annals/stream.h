#pragma once

#include <string>
#include <string_view>

#include "annals/uuid.h"

namespace annals {
inline namespace v1 {

/// The namespace of stream keys: key = UUIDv5(this, whole name). Stored; it never changes.
///
/// Source:  docs/format.md, "Identities".
inline constexpr uuid stream_key_namespace{{0x8a, 0x4e, 0x0b, 0x6d, 0x31, 0xf2, 0x5c, 0x07, 0x9d,
                                            0x5e, 0x2b, 0x90, 0xc4, 0x77, 0x1a, 0xe3}};

/// Checks a stream name: 1 to limits::stream_name_bytes bytes of UTF-8 without control characters,
/// not starting with '$' (reserved).
///
/// Errors:  invalid_argument or limit_exceeded, naming the byte that is wrong.
result<void> check_stream_name(std::string_view name);

/// What stands before the first '-'; empty where there is none, and for a bare UUID.
std::string_view category_of(std::string_view name) noexcept;

/// The identity of a stream in every engine: the UUID itself when the name is nothing but a
/// canonical UUID, else UUIDv5 of the whole name.
uuid stream_key_of(std::string_view name) noexcept;

/// U when the name is `category-U` or nothing but U (a canonical UUID), else the stream key.
uuid aggregate_id_of(std::string_view name) noexcept;
/// The same, where the stream's key is known.
uuid aggregate_id_of(std::string_view name, const uuid& stream_key) noexcept;

/// The name of an aggregate's stream: `category-id`, or the bare id when the category is empty.
std::string stream_name_of(std::string_view category, const uuid& aggregate_id);

/// True when `text` is well-formed UTF-8 (no surrogates, no overlong forms).
bool is_utf8(std::string_view text) noexcept;

}  // namespace v1
}  // namespace annals
