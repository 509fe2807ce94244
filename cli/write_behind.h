#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "annals/env.h"
#include "files.h"

namespace annals_cli {

/// Writes to a file on a thread of its own while the caller makes what comes next.
///
/// Threads: one. The file is used by the thread until `finish` or the destructor has returned.
class write_behind {
 public:
  write_behind(output_file& out, annals::env& environment);
  write_behind(const write_behind&) = delete;
  write_behind& operator=(const write_behind&) = delete;
  /// What finish() has not waited for may be left out.
  ~write_behind();

  /// Takes a copy of the bytes and has them written; once the bytes before are.
  ///
  /// Errors:  of the bytes before: file_error, disk_full; again in every later call.
  annals::result<void> write(std::string_view bytes);
  /// Waits until everything is written.
  ///
  /// Errors:  as write().
  annals::result<void> finish();

 private:
  void run();

  output_file& out_;
  annals::env& env_;
  std::string bytes_{};
  annals::result<void> answer_{};
  std::atomic<std::uint32_t> asked_{0};     // writes; the thread parks on it
  std::atomic<std::uint32_t> answered_{0};  // writes; the caller parks on it
  std::atomic<bool> stopping_{false};
  std::unique_ptr<annals::thread> thread_;
};

}  // namespace annals_cli
