#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "annals/json.h"

namespace annals {

/// What the generic reader says, without the canonical one in front.
template <class T>
std::optional<T> read_generically(std::string_view text) {
  T value{};
  json::problem why;
  json::generic_reader reader(why);
  const bool good =
      json::read_document(text, [&](json::value& root) { return reader.read(root, value); }, why);
  return good ? std::optional(std::move(value)) : std::nullopt;
}

/// What the canonical reader says of a text that ends where its memory does: a sanitizer sees who
/// reads on.
template <class T>
std::optional<T> read_canonically(std::string_view text) {
  const std::vector<char> copy(text.begin(), text.end());
  T value{};
  json::canonical_reader reader({copy.data(), copy.size()});
  return reader.read(value) && reader.at_end() ? std::optional(std::move(value)) : std::nullopt;
}

}  // namespace annals

/// One struct with every kind of member, for the tests of JSON.
namespace described {

enum class color { red, green, blue };
struct point {
  std::int32_t x = 0;
  std::int32_t y = 0;
  bool operator==(const point&) const = default;
};
struct everything {
  bool flag = false;
  std::int64_t whole = 0;
  std::uint8_t small = 0;
  double real = 0;
  std::string text{};
  std::optional<std::string> maybe{};
  std::vector<point> points{};
  std::optional<point> place{};
  described::color color{};
  annals::uuid id{};
  annals::time_point time{};
  annals::decimal<3> price{};
  std::map<std::string, std::int64_t> counts{};
  std::vector<std::string> words{};
  bool operator==(const everything&) const = default;
};
struct nothing {
  bool operator==(const nothing&) const = default;
};
struct only_optional {
  std::optional<std::int64_t> a{};
  std::optional<std::int64_t> b{};
  bool operator==(const only_optional&) const = default;
};

BOOST_DESCRIBE_ENUM(color, red, green, blue)
BOOST_DESCRIBE_STRUCT(point, (), (x, y))
BOOST_DESCRIBE_STRUCT(everything, (),
                      (flag, whole, small, real, text, maybe, points, place, color, id, time, price,
                       counts, words))
BOOST_DESCRIBE_STRUCT(nothing, (), ())
BOOST_DESCRIBE_STRUCT(only_optional, (), (a, b))

}  // namespace described
