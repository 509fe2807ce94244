#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "annals/json/encode.h"
#include "annals/json/number.h"
#include "annals/json/plain.h"

namespace annals {
inline namespace v1 {
namespace json {

/// Reads what our own writer wrote: members in declared order, no blanks. Whatever it did not
/// expect makes it give up (false), and the generic reader decides; it never accepts what that one
/// refuses.
///
/// Cost:    straight pointer code; strings are looked at 16 bytes at a time, and those of up to 15
///          copied without a call. docs/performance.md has figures.
/// Source:  ADR 0003.
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

  /// Room is made for so many elements of a list at most before they are read, and for no more than
  /// the text can hold if they are as long as the first.
  static constexpr std::size_t elements_at_once = 16;

  /// A string of printable ASCII without escapes.
  bool plain_string(std::string_view& out) noexcept;
  bool read_uuid(uuid& out) noexcept;
  bool read_string(std::string& out);
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
  at_ = skip_plain(at_, end_);
  out = {begin, static_cast<std::size_t>(at_ - begin)};
  return take('"');
}

/// Short ones, which strings hold in themselves, are copied with what is behind them: without a
/// call, and without a branch on their size.
inline bool canonical_reader::read_string(std::string& out) {
  constexpr std::size_t small = 15;
  std::string_view text;
  if (!plain_string(text)) return false;
  if (text.size() <= small && text.size() + left() >= small) {
    out.resize_and_overwrite(small, [&](char* to, std::size_t) noexcept {
      std::memcpy(to, text.data(), small);
      return text.size();
    });
  } else {
    out.assign(text);
  }
  return true;
}

inline bool canonical_reader::read_uuid(uuid& out) noexcept {
  constexpr std::size_t size = 36;
  if (left() < size + 2 || at_[0] != '"' || at_[size + 1] != '"') return false;
  const auto parsed = parse_canonical_uuid({at_ + 1, size});
  if (!parsed) return false;
  out = *parsed;
  at_ += size + 2;
  return true;
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
  const char* const begin = at_;
  if (!read(out.emplace_back())) return false;
  const auto size = static_cast<std::size_t>(at_ - begin) + 1;
  if (left() > size) out.reserve(std::min(elements_at_once, left() / size + 1));
  while (take(','))
    if (!read(out.emplace_back())) return false;
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
    canonical_number number;
    return take_number(at_, end_, number) && to_integer(number, out);
  } else if constexpr (std::same_as<T, std::string>) {
    return read_string(out);
  } else if constexpr (std::same_as<T, uuid>) {
    return read_uuid(out);
  } else if constexpr (std::same_as<T, time_point>) {
    std::string_view text;
    if (!plain_string(text)) return false;
    const auto parsed = parse_rfc3339(text);
    if (parsed) out = *parsed;
    return parsed.has_value();
  } else if constexpr (is_decimal<T>) {
    canonical_number number;
    return take_number(at_, end_, number) && to_decimal(number, out);
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
