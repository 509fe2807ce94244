#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "annals/env.h"

namespace annals {
inline namespace v1 {

/// The error of a failed system call: disk_full for ENOSPC, EDQUOT and EFBIG, else `otherwise`;
/// the message has the call, the path and the system's reason.
error system_error(std::string_view call, const std::string& path, int number,
                   errc otherwise = errc::database_error);

result<std::unique_ptr<file>> open_posix_file(const std::string& path, file_mode mode,
                                              write_through through);

/// Locks a whole file until it is closed; false when another open file holds what is in the way.
///
/// Errors:  the system's number.
std::expected<bool, int> lock_descriptor(int number, lock_kind kind);

/// An open file descriptor, closed by its destructor.
class descriptor {
 public:
  explicit descriptor(int number) noexcept : number_(number) {}
  descriptor(descriptor&& other) noexcept : number_(other.number_) { other.number_ = -1; }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  descriptor& operator=(descriptor&&) = delete;
  ~descriptor();
  int number() const noexcept { return number_; }
  bool valid() const noexcept { return number_ >= 0; }

 private:
  int number_;
};

}  // namespace v1
}  // namespace annals
