#include "parameters.h"

#include "annals/assert.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

constexpr std::size_t array_head = 20;  // dimensions, flags, type, length, first index
constexpr std::int64_t earliest = -211'813'488'000'000'000;  // 4714-11-24 BC
constexpr std::int64_t latest = 9'223'371'331'200'000'000;   // 294277 AD, not included

template <class Integer>
void put_big_endian(char* to, Integer value) {
  const auto bits = static_cast<std::uint64_t>(value);
  for (std::size_t i = 0; i < sizeof value; ++i)
    to[i] = static_cast<char>(bits >> 8U * (sizeof value - 1 - i));
}

template <class Integer>
void put(std::string& out, Integer value) {
  char bytes[sizeof value];
  put_big_endian(bytes, value);
  out.append(bytes, sizeof bytes);
}

std::string_view view_of(const uuid& id) noexcept {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

}  // namespace

std::optional<std::int64_t> to_timestamptz(time_point time) noexcept {
  const auto us = time.time_since_epoch().count();
  if (us < earliest + postgres_epoch_us || us >= latest) return std::nullopt;
  return us - postgres_epoch_us;
}

time_point from_timestamptz(std::int64_t stored) noexcept {
  return time_point(std::chrono::microseconds(stored + postgres_epoch_us));
}

void put_int2(std::string& out, std::int16_t value) {
  put(out, value);
}

void put_int4(std::string& out, std::int32_t value) {
  put(out, value);
}

void put_int8(std::string& out, std::int64_t value) {
  put(out, value);
}

parameter parameter::of_int8(std::int64_t value) {
  parameter made{type::int8, std::string()};
  put(*made.bytes, value);
  return made;
}

parameter parameter::of_int4(std::int32_t value) {
  parameter made{type::int4, std::string()};
  put(*made.bytes, value);
  return made;
}

parameter parameter::of_int2(std::int16_t value) {
  parameter made{type::int2, std::string()};
  put(*made.bytes, value);
  return made;
}

parameter parameter::of_bool(bool value) {
  return {type::boolean, std::string(1, value ? '\1' : '\0')};
}

parameter parameter::of_uuid(const uuid& value) {
  return {type::uuid, std::string(view_of(value))};
}

parameter parameter::of_text(std::string_view value) {
  return {type::text, std::string(value)};
}

parameter parameter::of_bytea(std::span<const std::byte> value) {
  return {type::bytea, std::string(reinterpret_cast<const char*>(value.data()), value.size())};
}

parameter parameter::of_json(std::string_view value) {
  return {type::json, std::string(value)};
}

array_parameter::array_parameter(std::uint32_t of_type, std::uint32_t element)
    : type_(of_type), element_(element), bytes_(array_head, '\0') {}

void array_parameter::add_null() {
  put_int4(bytes_, -1);
  has_null_ = true;
  ++size_;
}

void array_parameter::add_bytes(std::string_view value) {
  put_int4(bytes_, static_cast<std::int32_t>(value.size()));
  bytes_ += value;
  ++size_;
}

void array_parameter::add_int2(std::int16_t value) {
  put_int4(bytes_, sizeof value);
  put(bytes_, value);
  ++size_;
}

void array_parameter::add_int4(std::int32_t value) {
  put_int4(bytes_, sizeof value);
  put(bytes_, value);
  ++size_;
}

void array_parameter::add_int8(std::int64_t value) {
  put_int4(bytes_, sizeof value);
  put(bytes_, value);
  ++size_;
}

void array_parameter::add_uuid(const uuid& value) {
  add_bytes(view_of(value));
}

void array_parameter::add_json(std::string_view document) {
  constexpr char jsonb_version = 1;
  const bool versioned = element_ == type::jsonb;
  put_int4(bytes_, static_cast<std::int32_t>(document.size() + (versioned ? 1 : 0)));
  if (versioned) bytes_ += jsonb_version;
  bytes_ += document;
  ++size_;
}

parameter array_parameter::finish() && {
  char* const head = bytes_.data();
  put_big_endian(head, std::int32_t{size_ == 0 ? 0 : 1});
  put_big_endian(head + 4, std::int32_t{has_null_ ? 1 : 0});
  put_big_endian(head + 8, element_);
  put_big_endian(head + 12, size_);
  put_big_endian(head + 16, std::int32_t{1});
  if (size_ == 0) bytes_.resize(12);
  return {type_, std::move(bytes_)};
}

parameter array_parameter::only() && {
  ANNALS_ASSERT(size_ == 1, "there is one element");
  if (has_null_) return parameter::null(element_);
  bytes_.erase(0, array_head + sizeof(std::int32_t));  // and its length
  return {element_, std::move(bytes_)};
}

std::string array_literal(std::span<const std::string> texts) {
  std::string out = "{";
  for (const auto& text : texts) {
    if (out.size() > 1) out += ',';
    out += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out += '}';
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
