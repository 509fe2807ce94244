#pragma once

#include <array>
#include <boost/describe.hpp>
#include <boost/mp11.hpp>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "annals/decimal.h"
#include "annals/time.h"
#include "annals/uuid.h"

/// What a C++ type is in JSON, known at compile time from one BOOST_DESCRIBE line per struct.
namespace annals {
inline namespace v1 {
namespace json {

template <class T>
concept described_struct = std::is_class_v<T> && boost::describe::has_describe_members<T>::value;
template <class T>
concept described_enum = std::is_enum_v<T> && boost::describe::has_describe_enumerators<T>::value;

template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_text_map = false;
template <class T>
inline constexpr bool is_text_map<std::map<std::string, T>> = true;
template <class T>
inline constexpr bool is_decimal = false;
template <int Places>
inline constexpr bool is_decimal<decimal<Places>> = true;
template <class T>
concept integer = std::is_integral_v<T> && !std::same_as<T, bool> && !std::same_as<T, char>;

// Named in the compiler's error line when a member was forgotten, or a type has no JSON form.
template <class T>
struct described_member_is_missing;
template <class T>
struct type_has_no_json_form;

/// Converts to anything, to count what an aggregate is initialised from.
struct any_member {
  template <class T>
  constexpr operator T() const noexcept {  // NOLINT(google-explicit-constructor)
    std::unreachable();                    // only ever asked whether it would compile
  }
};

template <class T, std::size_t... I>
consteval bool initialised_from(std::index_sequence<I...>) {
  return requires { T{(static_cast<void>(I), any_member{})...}; };
}

/// How many members an aggregate has.
template <class T, std::size_t N = 0>
consteval std::size_t member_count() {
  static_assert(std::is_aggregate_v<T>, "described structs are plain aggregates");
  if constexpr (initialised_from<T>(std::make_index_sequence<N + 1>{})) {
    return member_count<T, N + 1>();
  } else {
    return N;
  }
}

template <described_struct T>
using members_of = boost::describe::describe_members<T, boost::describe::mod_public>;

/// Whether T's description has all its members. A class, so that the compiler says it once.
template <described_struct T>
struct members_are_complete : std::true_type {
  static constexpr bool all = boost::mp11::mp_size<members_of<T>>::value == member_count<T>();
  static_assert(sizeof(std::conditional_t<all, T, described_member_is_missing<T>>) != 0);
};

/// Calls `use(name, pointer_to_member)` for each member in declared order.
template <described_struct T, class Use>
constexpr void for_each_member(Use&& use) {
  static_assert(members_are_complete<T>::value);
  boost::mp11::mp_for_each<members_of<T>>([&](auto member) { use(member); });
}

}  // namespace json
}  // namespace v1
}  // namespace annals
