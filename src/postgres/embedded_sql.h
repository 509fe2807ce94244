#pragma once

#include <span>
#include <string_view>

namespace annals {
inline namespace v1 {
namespace postgres {

/// A file of src/postgres/sql, as the build has taken it in.
struct embedded_file {
  std::string_view name{};  ///< without .sql
  std::string_view sql{};
};

std::span<const embedded_file> embedded_files() noexcept;

}  // namespace postgres
}  // namespace v1
}  // namespace annals
