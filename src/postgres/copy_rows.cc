#include "copy_rows.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

// The signature, no flags, no extension. PostgreSQL's manual, COPY, "Binary Format".
constexpr std::string_view head("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);

}  // namespace

copy_rows::copy_rows() : bytes_(head) {}

void copy_rows::row(std::int16_t columns) {
  ++rows_;
  put_int2(bytes_, columns);
}

void copy_rows::bytes(std::string_view value) {
  put_int4(bytes_, static_cast<std::int32_t>(value.size()));
  bytes_ += value;
}

void copy_rows::int2(std::int16_t value) {
  put_int4(bytes_, sizeof value);
  put_int2(bytes_, value);
}

void copy_rows::int4(std::int32_t value) {
  put_int4(bytes_, sizeof value);
  put_int4(bytes_, value);
}

void copy_rows::int8(std::int64_t value) {
  put_int4(bytes_, sizeof value);
  put_int8(bytes_, value);
}

void copy_rows::id(const uuid& value) {
  bytes({reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()});
}

void copy_rows::json(std::string_view document, bool versioned) {
  put_int4(bytes_, static_cast<std::int32_t>(document.size() + (versioned ? 1 : 0)));
  if (versioned) bytes_ += '\1';
  bytes_ += document;
}

std::string_view copy_rows::finish() {
  put_int2(bytes_, -1);
  return bytes_;
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
