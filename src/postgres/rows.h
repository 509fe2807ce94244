#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "annals/uuid.h"

struct pg_result;

namespace annals {
inline namespace v1 {
namespace postgres {

/// The rows that a statement gave, in binary.
class rows {
 public:
  explicit rows(pg_result* owned);

  int size() const noexcept { return size_; }
  bool is_null(int row, int column) const noexcept;
  std::string_view bytes(int row, int column) const noexcept;
  std::int64_t int8(int row, int column) const noexcept;
  std::int32_t int4(int row, int column) const noexcept;
  std::int16_t int2(int row, int column) const noexcept;
  bool boolean(int row, int column) const noexcept;
  annals::uuid uuid(int row, int column) const noexcept;
  std::string_view text(int row, int column) const noexcept { return bytes(row, column); }
  /// What a statement did, as it says itself: rows inserted, updated.
  std::int64_t affected() const noexcept;

 private:
  struct clear {
    void operator()(pg_result* owned) const noexcept;
  };
  std::unique_ptr<pg_result, clear> result_;
  int size_;
};

}  // namespace postgres
}  // namespace v1
}  // namespace annals
