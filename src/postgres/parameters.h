#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "annals/time.h"
#include "annals/uuid.h"

namespace annals {
inline namespace v1 {
namespace postgres {

/// The types of parameters, by the numbers that PostgreSQL's catalogue gives them.
namespace type {
inline constexpr std::uint32_t boolean = 16, bytea = 17, int8 = 20, int2 = 21, int4 = 23, text = 25,
                               json = 114, uuid = 2950, timestamptz = 1184, jsonb = 3802;
inline constexpr std::uint32_t booleans = 1000, byteas = 1001, int2s = 1005, int4s = 1007,
                               texts = 1009, int8s = 1016, timestamptzs = 1185, jsons = 199,
                               uuids = 2951, jsonbs = 3807;
}  // namespace type

/// Microseconds from 1970, where Unix counts from, to 2000, where PostgreSQL does.
inline constexpr std::int64_t postgres_epoch_us = 946'684'800'000'000;

/// A time as TIMESTAMPTZ has it; none for one that it cannot hold.
std::optional<std::int64_t> to_timestamptz(time_point time) noexcept;
time_point from_timestamptz(std::int64_t stored) noexcept;

/// A value as the wire has it: binary, in network order. Empty optional: NULL.
struct parameter {
  std::uint32_t type = 0;
  std::optional<std::string> bytes{};

  static parameter of_int8(std::int64_t value);
  static parameter of_int4(std::int32_t value);
  static parameter of_int2(std::int16_t value);
  static parameter of_bool(bool value);
  static parameter of_uuid(const uuid& value);
  static parameter of_text(std::string_view value);
  static parameter of_bytea(std::span<const std::byte> value);
  static parameter of_json(std::string_view value);
  static parameter null(std::uint32_t of_type) { return {of_type, std::nullopt}; }
};

/// Appends integers and fields in network order.
void put_int2(std::string& out, std::int16_t value);
void put_int4(std::string& out, std::int32_t value);
void put_int8(std::string& out, std::int64_t value);

/// A number as BIGINT has it; one beyond its range is its greatest.
constexpr std::int64_t as_bigint(std::uint64_t value) noexcept {
  return value > INT64_MAX ? INT64_MAX : static_cast<std::int64_t>(value);
}
inline parameter bigint(std::uint64_t value) {
  return parameter::of_int8(as_bigint(value));
}
/// The same bits: of hashes and clock readings, which are no numbers.
constexpr std::int64_t same_bits(std::uint64_t value) noexcept {
  return static_cast<std::int64_t>(value);
}

/// One-dimensional arrays, element by element.
class array_parameter {
 public:
  /// `of_type` is an array's, `element` that of its elements.
  array_parameter(std::uint32_t of_type, std::uint32_t element);

  void add_null();
  void add_bytes(std::string_view value);
  void add_int2(std::int16_t value);
  void add_int4(std::int32_t value);
  void add_int8(std::int64_t value);
  void add_bool(bool value) { add_bytes(std::string_view(value ? "\1" : "\0", 1)); }
  void add_uuid(const uuid& value);
  /// A document for an element of type json, or jsonb, which wants its version in front.
  void add_json(std::string_view document);

  std::uint32_t type() const noexcept { return type_; }
  std::int32_t size() const noexcept { return size_; }
  parameter finish() &&;
  /// Its only element, as a parameter that is no array.
  parameter only() &&;

 private:
  std::uint32_t type_;
  std::uint32_t element_;
  std::int32_t size_ = 0;
  bool has_null_ = false;
  std::string bytes_;
};

inline array_parameter int2s() {
  return {type::int2s, type::int2};
}
inline array_parameter int4s() {
  return {type::int4s, type::int4};
}
inline array_parameter int8s() {
  return {type::int8s, type::int8};
}
inline array_parameter booleans() {
  return {type::booleans, type::boolean};
}
inline array_parameter texts() {
  return {type::texts, type::text};
}
inline array_parameter uuids() {
  return {type::uuids, type::uuid};
}

template <class... Arrays>
void finish_into(std::vector<parameter>& out, Arrays&... arrays) {
  (out.push_back(std::move(arrays).finish()), ...);
}

/// An array of texts as PostgreSQL writes it, {"a","b"}: for arrays of arrays, which need not be of
/// one length then.
std::string array_literal(std::span<const std::string> texts);

}  // namespace postgres
}  // namespace v1
}  // namespace annals
