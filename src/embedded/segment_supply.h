#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

#include "segment.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// A file full of zeros, durably so: the body of the next segment.
struct zeroed_file {
  std::unique_ptr<file> writer{};
  std::uint64_t capacity = 0;
};

/// Makes the next segment's file ahead of time, on a thread of its own and with what others leave
/// of processor and disk, so that an append neither waits for zeros nor runs out of space in the
/// middle. One who has to wait for it takes the work over, and does it like any other.
///
/// Threads: any; `has` and `take` under a mutex of the caller.
class segment_supply {
 public:
  /// Makes the files of segments from `next_number` on, one at a time.
  segment_supply(env& environment, store_paths paths, std::uint64_t next_number,
                 write_through through)
      : env_(environment), paths_(std::move(paths)), through_(through), next_number_(next_number) {}
  segment_supply(const segment_supply&) = delete;
  segment_supply& operator=(const segment_supply&) = delete;
  ~segment_supply() { stop(); }

  /// Asks for a file of at least so many bytes. Never blocks.
  void want(std::uint64_t capacity);
  /// True when a file of at least so many bytes is there.
  bool has(std::uint64_t capacity) const;
  /// Takes the file that is there.
  zeroed_file take();
  /// Waits for such a file, or makes what is missing of it; a failure of the try in progress is the
  /// answer.
  ///
  /// Errors:  disk_full, database_error; the partial file is removed, a later want() tries again.
  result<void> wait_for(std::uint64_t capacity);
  /// Ends the thread, as soon as the write that it is in returns.
  void stop();

  /// Makes a file of zeros: creates it, or lengthens the one given. One that stands at `path` is
  /// used again, whatever is in it: writing over blocks that a file has is some ten times as fast
  /// as getting new ones. It is shorter when `leaving`, looked at after each small step, became
  /// true.
  static result<zeroed_file> make(env& environment, const std::string& path, std::uint64_t capacity,
                                  write_through through, std::optional<zeroed_file> grown,
                                  const std::atomic<bool>& stopping,
                                  const std::atomic<bool>* leaving = nullptr);

 private:
  struct job {
    std::string path{};
    std::uint64_t capacity = 0;
    std::optional<zeroed_file> grown{};
  };

  void run();
  job begin();  // held
  void end(const job& of, result<zeroed_file> made);

  env& env_;
  store_paths paths_;
  write_through through_;
  mutable std::mutex mutex_{};
  std::uint64_t next_number_;
  std::uint64_t wanted_ = 0;  // bytes; 0: nothing asked for
  std::optional<zeroed_file> ready_{};
  std::optional<error> failed_{};
  std::unique_ptr<thread> thread_{};
  bool busy_ = false;                 // someone makes what is wanted
  std::atomic<bool> leaving_{false};  // the thread is to leave it to one who waits
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint32_t> changes_{0};  // parked on
};

/// Makes a segment without frames, durably: its zeros, a salt and the header first, then its name.
///
/// Errors:  disk_full, database_error.
result<void> make_segment(env& environment, const store_paths& paths, segment_header header);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
