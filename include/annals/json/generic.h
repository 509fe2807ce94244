#pragma once

#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>

#include "annals/json/canonical.h"
#include "annals/json/visitor_ref.h"

namespace annals {
inline namespace v1 {
namespace json {

/// What a reader met in place of what it expected.
struct problem {
  std::string path{};  ///< "items[3].price"; empty: the document itself
  std::string expected{};
  std::string found{};  ///< an excerpt
};

/// A value inside a document that is being read, once and in order; the parser behind it stays in
/// the library.
class value {
 public:
  bool is_null();
  bool get_bool(bool& out);
  bool get_string(std::string& out);
  bool get_double(double& out);
  /// The text of a number as it stands; empty when it is none.
  std::string_view number_text();
  /// Visits members, or elements, in the document's order, until `visit` answers false. Answers
  /// whether this is an object (an array), well-formed, and all visits answered true.
  bool for_each_member(visitor_ref<bool(std::string_view, value&)> visit);
  bool for_each_element(visitor_ref<bool(value&)> visit);
  /// The text of the value as it stands, without blanks around it; empty when it is malformed. The
  /// value is used up.
  std::string_view raw();
  /// The start of the value's text, for messages.
  std::string excerpt();

 private:
  friend class document_reader;
  alignas(8) std::byte storage_[40];
};

/// Parses `text` with the generic parser and hands its root to `visit`. False, with `problem` set,
/// when it is not well-formed, has anything after its end, or `visit` answered false.
bool read_document(std::string_view text, visitor_ref<bool(value&)> visit, problem& why);

/// Reads any well-formed document: members in any order, unknown ones ignored, a missing one is a
/// problem unless it is optional.
class generic_reader {
 public:
  explicit generic_reader(problem& why) : why_(why) {}

  template <class T>
  bool read(value& from, T& out);

 private:
  bool expected(value& from, std::string_view what) {
    if (why_.expected.empty()) {
      why_.expected = what;
      why_.found = from.excerpt();
    }
    return false;
  }
  bool inside(std::string_view segment) {  // of a failed read: names where it was
    const bool index = why_.path.starts_with('[') || why_.path.empty();
    why_.path.insert(0, std::string(segment) + (index ? "" : "."));
    return false;
  }
  template <class T>
  bool read_text(value& from, T& out, std::string_view what);
  template <class T>
  bool read_number(value& from, T& out);
  template <described_struct T>
  bool read_members(value& from, T& out);
  template <class E>
  bool read_enum(value& from, E& out);
  bool read_double(value& from, double& out);

  problem& why_;
};

template <class T>
bool generic_reader::read_text(value& from, T& out, std::string_view what) {
  std::string text;
  if (!from.get_string(text)) return expected(from, what);
  const auto parsed = [&] {
    if constexpr (std::same_as<T, uuid>) return uuid::parse(text);
    if constexpr (std::same_as<T, time_point>) return parse_rfc3339(text);
  }();
  if (!parsed) return expected(from, what);
  out = *parsed;
  return true;
}

template <class T>
bool generic_reader::read_number(value& from, T& out) {
  const auto text = from.number_text();
  if constexpr (is_decimal<T>) {
    const auto parsed = T::parse(text);
    if (!parsed)
      return expected(from, "a number with at most " + std::to_string(T::places) + " decimals");
    out = *parsed;
    return true;
  } else {
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (text.empty() || wrong != std::errc{} || end != text.data() + text.size())
      return expected(from, "an integer of " + std::to_string(sizeof(T) * 8) + " bits" +
                                (std::is_unsigned_v<T> ? ", not negative" : ""));
    return true;
  }
}

inline bool generic_reader::read_double(value& from, double& out) {
  if (from.get_double(out)) return true;
  std::string text;
  if (!from.get_string(text)) return expected(from, "a number");
  if (text == "NaN") {
    out = __builtin_nan("");
  } else if (text == "Infinity") {
    out = __builtin_inf();
  } else if (text == "-Infinity") {
    out = -__builtin_inf();
  } else {
    return expected(from, "a number");
  }
  return true;
}

template <class E>
bool generic_reader::read_enum(value& from, E& out) {
  std::string text;
  bool known = false;
  std::string names;
  const bool is_text = from.get_string(text);
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>([&](auto enumerator) {
    names += (names.empty() ? "" : ", ") + std::string(enumerator.name);
    if (!is_text || known || text != enumerator.name) return;
    known = true;
    out = enumerator.value;
  });
  return known || expected(from, "one of " + names);
}

template <described_struct T>
bool generic_reader::read_members(value& from, T& out) {
  constexpr std::size_t count = boost::mp11::mp_size<members_of<T>>::value;
  std::array<bool, count == 0 ? 1 : count> seen{};
  const bool well_formed = from.for_each_member([&](std::string_view key, value& member_value) {
    bool good = true;
    std::size_t index = 0;
    for_each_member<T>([&](auto member) {
      using member_type = decltype(member);
      const std::size_t here = index++;
      if (!good || key != member_type::name) return;
      if (seen[here]) {
        expected(member_value, "each member once");
        good = inside(member_type::name);
        return;
      }
      seen[here] = true;
      if (!read(member_value, out.*member_type::pointer)) good = inside(member_type::name);
    });
    return good;
  });
  if (!well_formed) return expected(from, "an object");
  bool complete = true;
  std::size_t index = 0;
  for_each_member<T>([&](auto member) {
    using member_type = decltype(member);
    auto& field = out.*member_type::pointer;
    if (seen[index++] || !complete) return;
    if constexpr (is_optional<std::remove_cvref_t<decltype(field)>>) {
      field.reset();
    } else {
      why_ = {
          .path = member_type::name, .expected = "this member", .found = "an object without it"};
      complete = false;
    }
  });
  return complete;
}

template <class T>
bool generic_reader::read(value& from, T& out) {
  if constexpr (described_struct<T>) {
    return read_members(from, out);
  } else if constexpr (std::same_as<T, bool>) {
    return from.get_bool(out) || expected(from, "true or false");
  } else if constexpr (integer<T> || is_decimal<T>) {
    return read_number(from, out);
  } else if constexpr (std::floating_point<T>) {
    double wide = 0;
    if (!read_double(from, wide)) return false;
    out = static_cast<T>(wide);
    return true;
  } else if constexpr (std::same_as<T, std::string>) {
    return from.get_string(out) || expected(from, "a string");
  } else if constexpr (std::same_as<T, uuid>) {
    return read_text(from, out, "a UUID in its canonical form");
  } else if constexpr (std::same_as<T, time_point>) {
    return read_text(from, out, "a time in RFC 3339");
  } else if constexpr (is_optional<T>) {
    if (from.is_null()) {
      out.reset();
      return true;
    }
    return read(from, out.emplace());
  } else if constexpr (is_vector<T>) {
    out.clear();
    std::size_t index = 0;
    return from.for_each_element([&](value& element) {
      const std::size_t here = index++;
      return read(element, out.emplace_back()) || inside("[" + std::to_string(here) + "]");
    }) || expected(from, "an array");
  } else if constexpr (is_text_map<T>) {
    out.clear();
    return from.for_each_member([&](std::string_view key, value& element) {
      const auto [entry, added] = out.try_emplace(std::string(key));
      if (!added) {
        expected(element, "each member once");
        return inside(key);
      }
      return read(element, entry->second) || inside(key);
    }) || expected(from, "an object");
  } else if constexpr (described_enum<T>) {
    return read_enum(from, out);
  } else {
    static_assert(sizeof(type_has_no_json_form<T>) != 0);
  }
}

}  // namespace json
}  // namespace v1
}  // namespace annals
