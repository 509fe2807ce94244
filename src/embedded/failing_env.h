#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "annals/forwarding_env.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// An env whose disk fails on purpose: the n-th write or sync answers an error, space ends after so
/// many bytes, or reads fail. For tests.
///
/// Threads: any; the plan is set before the calls it is meant for.
class failing_env final : public forwarding_env {
 public:
  explicit failing_env(env& below) : forwarding_env(below) {}

  /// From now on the n-th write (1: the next) fails with this code, and all after it.
  void fail_writes_from(std::uint64_t n, errc code) {
    code_ = code;
    writes_left_ = static_cast<std::int64_t>(n) - 1;
  }
  void fail_syncs_from(std::uint64_t n) { syncs_left_ = static_cast<std::int64_t>(n) - 1; }
  /// While held, writes wait before they look at the plan.
  void hold_writes(bool hold) { hold_writes_ = hold; }
  void fail_reads(bool fail) { fail_reads_ = fail; }
  /// The disk has room for so many more bytes of files that grow; then it is full.
  void leave_room(std::uint64_t bytes) { room_ = static_cast<std::int64_t>(bytes); }
  void heal() {
    writes_left_ = syncs_left_ = room_ = unlimited;
    fail_reads_ = false;
  }
  /// Files answer as if the file system had no unbuffered writes.
  void buffered_only(bool only) { buffered_only_ = only; }
  std::uint64_t writes() const { return writes_; }
  /// Steps the clock.
  void step(std::chrono::microseconds by) { stepped_ = stepped_.load() + by; }

  result<std::unique_ptr<file>> open(const std::string& path, file_mode mode,
                                     write_through through) override;
  result<void> sync_directory(const std::string& path) override {
    if (auto checked = count_sync(path); !checked) return checked;
    return below().sync_directory(path);
  }
  time_point now() override { return below().now() + stepped_.load(); }

 private:
  class failing_file;
  static constexpr std::int64_t unlimited = INT64_MAX;

  result<void> count_write(const std::string& path, std::uint64_t growth);
  result<void> count_sync(const std::string& path);
  result<void> check_read(const std::string& path) const;

  std::atomic<errc> code_{errc::database_error};
  std::atomic<std::int64_t> writes_left_{unlimited};
  std::atomic<std::int64_t> syncs_left_{unlimited};
  std::atomic<std::int64_t> room_{unlimited};
  std::atomic<bool> hold_writes_{false};
  std::atomic<bool> fail_reads_{false};
  std::atomic<bool> buffered_only_{false};
  std::atomic<std::uint64_t> writes_{0};
  std::atomic<std::chrono::microseconds> stepped_{};
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
