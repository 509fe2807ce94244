#pragma once

#include <charconv>
#include <cstring>
#include <string>
#include <string_view>

#include "annals/json/encode.h"

namespace annals {
inline namespace v1 {
namespace json {

/// Reads what our own writer wrote: members in declared order, no blanks. Whatever it did not
/// expect makes it give up (false), and the generic reader decides; it never accepts what that one
/// refuses.
///
/// Cost:    straight pointer code; some 100 ns for an event of 220 bytes.
class canonical_reader {
 public:
  explicit canonical_reader(std::string_view text) noexcept
      : at_(text.data()), end_(text.data() + text.size()) {}

  template <class T>
  bool read(T& out);
  bool at_end() const noexcept { return at_ == end_; }

 private:
  bool take(std::string_view expected) noexcept {
    if (left() < expected.size() || std::memcmp(at_, expected.data(), expected.size()) != 0)
      return false;
    at_ += expected.size();
    return true;
  }
  bool take(char c) noexcept {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }

  /// A string of printable ASCII without escapes.
  bool plain_string(std::string_view& out) noexcept;
  /// The text of a number in canonical form: no leading zeros, no exponent.
  bool number_text(std::string_view& out) noexcept;

  template <class Integer>
  bool read_integer(Integer& out) noexcept;
  template <described_struct T>
  bool read_members(T& out);
  template <class List>
  bool read_list(List& out);
  template <class E>
  bool read_enum(E& out);

  const char* at_;
  const char* end_;
};

inline bool canonical_reader::plain_string(std::string_view& out) noexcept {
  if (!take('"')) return false;
  const char* const begin = at_;
  while (at_ != end_ && *at_ != '"') {
    const auto c = static_cast<unsigned char>(*at_);
    if (c < 0x20 || c >= 0x80 || c == '\\') return false;
    ++at_;
  }
  out = {begin, static_cast<std::size_t>(at_ - begin)};
  return take('"');
}

inline bool canonical_reader::number_text(std::string_view& out) noexcept {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const char* const begin = at_;
  take('-');
  const char* const whole = at_;
  while (at_ != end_ && digit(*at_)) ++at_;
  if (at_ == whole || (*whole == '0' && at_ - whole > 1)) return false;
  if (take('.')) {
    const char* const fraction = at_;
    while (at_ != end_ && digit(*at_)) ++at_;
    if (at_ == fraction) return false;
  }
  out = {begin, static_cast<std::size_t>(at_ - begin)};
  return true;
}

template <class Integer>
bool canonical_reader::read_integer(Integer& out) noexcept {
  std::string_view text;
  if (!number_text(text) || text == "-0") return false;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
  return problem == std::errc{} && end == text.data() + text.size();
}

template <described_struct T>
bool canonical_reader::read_members(T& out) {
  bool good = true;
  bool first = true;
  for_each_member<T>([&](auto member) {
    using member_type = decltype(member);
    if (!good) return;
    auto& field = out.*member_type::pointer;
    const bool present =
        first ? take(key_of<'{', member_type>::view) : take(key_of<',', member_type>::view);
    if constexpr (is_optional<std::remove_cvref_t<decltype(field)>>) {
      if (!present) {
        field.reset();
        return;
      }
      good = read(field.emplace());  // "null" is not canonical
    } else {
      good = present && read(field);
    }
    first = false;
  });
  return good && (first ? take("{}") : take('}'));
}

template <class List>
bool canonical_reader::read_list(List& out) {
  out.clear();
  if (!take('[')) return false;
  if (take(']')) return true;
  do {
    if (!read(out.emplace_back())) return false;
  } while (take(','));
  return take(']');
}

template <class E>
bool canonical_reader::read_enum(E& out) {
  std::string_view name;
  if (!plain_string(name)) return false;
  bool known = false;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>([&](auto enumerator) {
    if (known || name != enumerator.name) return;
    known = true;
    out = enumerator.value;
  });
  return known;
}

template <class T>
bool canonical_reader::read(T& out) {
  if constexpr (described_struct<T>) {
    return read_members(out);
  } else if constexpr (std::same_as<T, bool>) {
    out = take("true");
    return out || take("false");
  } else if constexpr (integer<T>) {
    return read_integer(out);
  } else if constexpr (std::same_as<T, std::string>) {
    std::string_view text;
    if (!plain_string(text)) return false;
    out.assign(text);
    return true;
  } else if constexpr (std::same_as<T, uuid>) {
    std::string_view text;
    if (!plain_string(text) || !is_canonical_uuid(text)) return false;
    out = *uuid::parse(text);
    return true;
  } else if constexpr (std::same_as<T, time_point>) {
    std::string_view text;
    if (!plain_string(text)) return false;
    const auto parsed = parse_rfc3339(text);
    if (parsed) out = *parsed;
    return parsed.has_value();
  } else if constexpr (is_decimal<T>) {
    std::string_view text;
    if (!number_text(text)) return false;
    const auto parsed = T::parse(text);
    if (parsed) out = *parsed;
    return parsed.has_value();
  } else if constexpr (is_vector<T>) {
    return read_list(out);
  } else if constexpr (described_enum<T>) {
    return read_enum(out);
  } else {
    return false;  // doubles, maps, optionals inside lists: the generic reader's
  }
}

}  // namespace json
}  // namespace v1
}  // namespace annals
