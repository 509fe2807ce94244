#pragma once

#include <charconv>
#include <span>
#include <string>
#include <string_view>

#include "annals/json/describe.h"

/// Canonical JSON: members in declared order, no blanks, one spelling for every value. Empty
/// optionals are left out of objects.
namespace annals {
inline namespace v1 {
namespace json {

/// Appends a JSON string: quotes, backslash and control characters escaped, all else as it is.
/// What is not UTF-8 is replaced by U+FFFD: a document is always UTF-8.
void append_string(std::string& out, std::string_view text);
/// Appends the shortest number that reads back the same; NaN and infinities as the strings "NaN",
/// "Infinity", "-Infinity", as protobuf's JSON mapping does.
void append_double(std::string& out, double value);

template <class Integer>
void append_integer(std::string& out, Integer value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

/// `"name":`, with a separator in front, as a constant.
template <char Before, class Member>
struct key_of {
  static constexpr std::string_view name = Member::name;
  static constexpr std::size_t size = name.size() + 4;
  static constexpr std::array<char, size> text = [] {
    std::array<char, size> t{Before, '"'};
    std::copy(name.begin(), name.end(), t.begin() + 2);
    t[size - 2] = '"';
    t[size - 1] = ':';
    return t;
  }();
  static constexpr std::string_view view{text.data(), size};
};

template <class T>
void encode(const T& value, std::string& out);

template <described_struct T>
void encode_members(const T& value, std::string& out) {
  bool first = true;
  for_each_member<T>([&](auto member) {
    using member_type = decltype(member);
    const auto& field = value.*member_type::pointer;
    if constexpr (is_optional<std::remove_cvref_t<decltype(field)>>) {
      if (!field) return;
    }
    out += first ? key_of<'{', member_type>::view : key_of<',', member_type>::view;
    first = false;
    encode(field, out);
  });
  out += first ? "{}" : "}";
}

template <described_enum E>
void encode_enum(E value, std::string& out) {
  bool known = false;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>([&](auto enumerator) {
    if (known || value != enumerator.value) return;
    known = true;
    append_string(out, enumerator.name);
  });
  if (!known) append_integer(out, static_cast<std::underlying_type_t<E>>(value));
}

template <class Range, class EncodeOne>
void encode_list(const Range& range, std::string& out, char open, char close,
                 EncodeOne&& encode_one) {
  out += open;
  bool first = true;
  for (const auto& one : range) {
    if (!first) out += ',';
    first = false;
    encode_one(one);
  }
  out += close;
}

/// Appends the canonical JSON of a value.
///
/// Cost:    one pass, no allocation but for `out`.
template <class T>
void encode(const T& value, std::string& out) {
  if constexpr (std::same_as<T, bool>) {
    out += value ? "true" : "false";
  } else if constexpr (integer<T>) {
    append_integer(out, value);
  } else if constexpr (std::floating_point<T>) {
    append_double(out, static_cast<double>(value));
  } else if constexpr (std::same_as<T, std::string>) {
    append_string(out, value);
  } else if constexpr (std::same_as<T, uuid>) {
    const auto size = out.size();
    out.resize(size + 38, '"');
    value.print_to(std::span<char, 36>(out.data() + size + 1, 36));
  } else if constexpr (std::same_as<T, time_point>) {
    out.append(1, '"').append(to_rfc3339(value)).append(1, '"');
  } else if constexpr (is_decimal<T>) {
    out += value.to_string();
  } else if constexpr (is_optional<T>) {
    value ? encode(*value, out) : void(out += "null");
  } else if constexpr (is_vector<T>) {
    encode_list(value, out, '[', ']', [&](const auto& one) { encode(one, out); });
  } else if constexpr (is_text_map<T>) {
    encode_list(value, out, '{', '}', [&](const auto& one) {
      append_string(out, one.first);
      out += ':';
      encode(one.second, out);
    });
  } else if constexpr (described_enum<T>) {
    encode_enum(value, out);
  } else if constexpr (described_struct<T>) {
    encode_members(value, out);
  } else {
    static_assert(sizeof(type_has_no_json_form<T>) != 0);
  }
}

}  // namespace json
}  // namespace v1
}  // namespace annals
