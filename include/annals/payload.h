#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "annals/event.h"

namespace annals {
inline namespace v1 {

/// How a type becomes a payload and back. `annals/json.h` provides it for described structs; a
/// specialisation of your own does for another encoding:
///
///     template <> struct annals::payload_codec<T> {
///       static constexpr codec kind = codec::binary;
///       static void encode(const T& value, std::string& out);   // appends to `out`
///       static result<T> decode(std::string_view payload);      // serialization_error
///     };
template <class T>
struct payload_codec;

// Named when a type has no codec in sight: include the header that describes it (`…_json.h`).
template <class T>
struct payload_codec_is_missing;

template <class T>
concept has_payload_codec = requires(const T& value, std::string& out, std::string_view in) {
  payload_codec<T>::encode(value, out);
  { payload_codec<T>::decode(in) } -> std::same_as<result<T>>;
};

template <class T>
void encode_payload(const T& value, std::string& out) {
  if constexpr (has_payload_codec<T>) {
    payload_codec<T>::encode(value, out);
  } else {
    static_assert(sizeof(payload_codec_is_missing<T>) != 0);
  }
}

/// Errors:  serialization_error, with the field's path and what was found; callers put the event
///          type in front.
template <class T>
result<T> decode_payload(std::string_view payload) {
  if constexpr (has_payload_codec<T>) {
    return payload_codec<T>::decode(payload);
  } else {
    static_assert(sizeof(payload_codec_is_missing<T>) != 0);
  }
}

}  // namespace v1
}  // namespace annals
