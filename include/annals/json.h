#pragma once

#include <string>
#include <string_view>

#include "annals/json/generic.h"
#include "annals/payload.h"

/// JSON payloads of described structs. One line per struct, in a header beside the domain:
///
///     BOOST_DESCRIBE_STRUCT(paid, (), (payment_id, amount))
///
/// Member names are the stored field names; renaming one is a schema change. docs/json.md has the
/// form of every type.
namespace annals {
inline namespace v1 {
namespace json {

/// Reads a value from a document through the generic parser.
///
/// Errors:  as decode.
template <class T>
[[gnu::noinline]] result<T> decode_generically(std::string_view text) {
  result<T> decoded;
  problem why;
  generic_reader generic(why);
  if (!read_document(text, [&](json::value& root) { return generic.read(root, *decoded); }, why))
    decoded =
        fail(errc::serialization_error, (why.path.empty() ? "" : why.path + ": ") + "expected " +
                                            why.expected + ", found " + why.found);
  return decoded;
}

/// Reads a value from a document: canonical ones straight, all others through the generic parser.
///
/// Errors:  serialization_error with the field's path, what was expected and what was found.
/// Cost:    the value is made where the caller gets it; nothing is copied.
template <class T>
result<T> decode(std::string_view text) {
  result<T> decoded;
  canonical_reader canonical(text);
  if (!canonical.read(*decoded) || !canonical.at_end()) decoded = decode_generically<T>(text);
  return decoded;
}

}  // namespace json

template <class T>
  requires(json::described_struct<T> || json::described_enum<T>)
struct payload_codec<T> {
  static constexpr codec kind = codec::json;
  static void encode(const T& value, std::string& out) { json::encode(value, out); }
  static result<T> decode(std::string_view payload) { return json::decode<T>(payload); }
};

}  // namespace v1
}  // namespace annals
