#pragma once

#include <functional>
#include <mutex>

#include "log_index.h"
#include "log_scan.h"
#include "recovery.h"
#include "shared_state.h"
#include "store_directory.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Reads a log that another process may be writing into the index, as far as it is known to be
/// acknowledged: as far as STATE says; where that says nothing, as far as frames and the file
/// CLOSED prove. Never past it, and never back.
///
/// Holds a shared lock on every segment, so that none is used again under it.
///
/// Threads: one at a time; the index is changed under the mutex given.
/// Source:  docs/format.md, "Readers in other processes"; docs/adr/0022-readers.md.
class log_follower {
 public:
  enum class outcome : std::uint8_t {
    done,
    again,  ///< what stands there cannot be read just now; call again after a moment
  };

  log_follower(const store_directory& directory, env& environment, log_index& index,
               std::mutex& guard)
      : directory_(directory),
        env_(environment),
        index_(index),
        guard_(guard),
        place_(end_of(*index.sealed()).place()) {}

  /// Reads what has been acknowledged since.
  ///
  /// Errors:  store_corrupt with file, offset and positions; not_a_store when the store is gone, is
  ///          noticed within a second; store_too_new, database_error.
  result<outcome> catch_up();

  /// Where it stands; changed under the index's mutex.
  lsn place() const noexcept { return place_; }
  /// True when the last place to read to was what a writer had told, and not what the log proves;
  /// changed under the index's mutex.
  bool is_told() const noexcept { return told_; }
  /// What the writer tells; null while there is no such file.
  const std::shared_ptr<shared_state>& state() const noexcept { return state_; }

 private:
  result<void> look_around();
  result<lsn> find_reach();
  void note_told(bool told);
  result<lsn> proven_by_log();
  /// None where the segment holds nothing.
  result<std::optional<lsn>> proven_in(const segment& one, lsn closed);
  result<void> open_next(lsn until);
  result<std::shared_ptr<segment>> open_segment(std::uint64_t number);
  void leave_segment();
  result<outcome> read_segment(lsn until);
  result<bool> read_frames(std::uint64_t until);
  result<outcome> unreadable();
  std::unexpected<error> missing(const std::string& path);
  std::unexpected<error> unless_gone(error problem);

  const store_directory& directory_;
  env& env_;
  log_index& index_;
  std::mutex& guard_;
  std::shared_ptr<shared_state> state_{};
  std::shared_ptr<segment> current_{};
  std::optional<segment_scan> scan_{};
  lsn place_;
  bool told_ = false;
  std::optional<error> failed_{};                            // the index is of no use any more
  int tries_ = 0;                                            // of what could not be read
  std::optional<std::chrono::nanoseconds> looked_around_{};  // when
  std::optional<std::chrono::nanoseconds> looked_at_log_{};  // when, for what it proves
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
