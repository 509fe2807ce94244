#include "rows.h"

#include <libpq-fe.h>

#include <charconv>
#include <cstring>

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

std::uint64_t big_endian(std::string_view bytes) noexcept {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8U | static_cast<unsigned char>(c);
  return value;
}

}  // namespace

void rows::clear::operator()(pg_result* owned) const noexcept {
  PQclear(owned);
}

rows::rows(pg_result* owned) : result_(owned), size_(PQntuples(owned)) {}

bool rows::is_null(int row, int column) const noexcept {
  return PQgetisnull(result_.get(), row, column) != 0;
}

std::string_view rows::bytes(int row, int column) const noexcept {
  return {PQgetvalue(result_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::int64_t rows::int8(int row, int column) const noexcept {
  std::uint64_t value = 0;
  const auto from = bytes(row, column);
  if (from.size() != sizeof value) return static_cast<std::int64_t>(big_endian(from));
  std::memcpy(&value, from.data(), sizeof value);
  return static_cast<std::int64_t>(__builtin_bswap64(value));
}

std::int32_t rows::int4(int row, int column) const noexcept {
  return static_cast<std::int32_t>(big_endian(bytes(row, column)));
}

std::int16_t rows::int2(int row, int column) const noexcept {
  return static_cast<std::int16_t>(big_endian(bytes(row, column)));
}

bool rows::boolean(int row, int column) const noexcept {
  const auto from = bytes(row, column);
  return !from.empty() && from[0] != 0;
}

annals::uuid rows::uuid(int row, int column) const noexcept {
  annals::uuid id;
  const auto from = bytes(row, column);
  if (from.size() == id.bytes.size()) std::memcpy(id.bytes.data(), from.data(), from.size());
  return id;
}

std::int64_t rows::affected() const noexcept {
  const std::string_view text = PQcmdTuples(result_.get());
  std::int64_t count = 0;
  std::from_chars(text.data(), text.data() + text.size(), count);
  return count;
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
