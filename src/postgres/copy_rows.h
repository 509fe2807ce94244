#pragma once

#include "parameters.h"

namespace annals {
inline namespace v1 {
namespace postgres {

/// Rows as COPY … (FORMAT binary) takes them.
class copy_rows {
 public:
  copy_rows();

  void row(std::int16_t columns);
  void null() { put_int4(bytes_, -1); }
  void bytes(std::string_view value);
  void int2(std::int16_t value);
  void int4(std::int32_t value);
  void int8(std::int64_t value);
  void boolean(bool value) { bytes(std::string_view(value ? "\1" : "\0", 1)); }
  void id(const uuid& value);
  /// A document; `versioned` for a column of type jsonb.
  void json(std::string_view document, bool versioned);
  bool empty() const noexcept { return rows_ == 0; }
  /// What was made since it was cleared; the head of the format is part of the first rows.
  std::string_view made() const noexcept { return bytes_; }
  void clear() noexcept { bytes_.clear(); }
  /// The same, with the end of the format.
  std::string_view finish();

 private:
  std::string bytes_;
  std::size_t rows_ = 0;
};

}  // namespace postgres
}  // namespace v1
}  // namespace annals
