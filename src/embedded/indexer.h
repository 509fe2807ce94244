#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "index_segment.h"
#include "manifest.h"
#include "sealed_log.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Opens what a manifest names.
///
/// Errors:  store_corrupt naming the file that is missing or not the one that it should be;
///          database_error.
result<std::shared_ptr<const sealed_log>> open_sealed_log(
    const std::shared_ptr<const sealed_context>& context, const manifest& content,
    const sealed_log* before);

/// Removes index files that no manifest names: left by a process that ended in between.
result<void> remove_unnamed_indexes(const sealed_context& context, const manifest& content);

/// Makes the index files of all segments of a manifest anew, and the manifest with them. `progress`
/// hears of each segment.
///
/// Errors:  store_corrupt naming a segment that is not what the manifest says; disk_full,
///          database_error.
result<manifest> rebuild_indexes(const std::shared_ptr<const sealed_context>& context,
                                 const manifest& content,
                                 const std::function<void(std::uint64_t)>& progress);

/// Gives sealed segments their index files, joins runs and keeps `MANIFEST`, on a thread of its
/// own: never on the way of an append, unless more than a few segments wait.
///
/// Threads: any.
class indexer {
 public:
  /// `settled` hears, on the thread, of each new log.
  indexer(std::shared_ptr<const sealed_context> context, manifest content,
          std::shared_ptr<const sealed_log> sealed,
          std::function<void(std::shared_ptr<const sealed_log>)> settled)
      : context_(std::move(context)),
        content_(std::move(content)),
        sealed_(std::move(sealed)),
        settled_(std::move(settled)) {}
  indexer(const indexer&) = delete;
  indexer& operator=(const indexer&) = delete;
  ~indexer() { stop(); }

  /// Segments up to this one are sealed, durably. Where `of` is given, it need not be read from its
  /// file. Never blocks.
  void want(std::uint64_t number, std::optional<sealed_content> of = {});
  /// Waits until at most so many of the segments wanted wait; a failure of the try in progress is
  /// the answer.
  ///
  /// Errors:  disk_full, database_error, store_corrupt; the next call tries again.
  result<void> wait_for(std::uint64_t waiting);
  /// Ends the thread, when the segment in hand is done.
  void stop();

  /// From now on `MANIFEST` stays as it is: it names what is made already.
  void leave_manifest() noexcept { leaves_manifest_ = true; }
  /// Indexes the next segment, without the thread.
  result<void> index_next();
  /// What was indexed; without the thread.
  const manifest& content() const noexcept { return content_; }

 private:
  void run();
  std::shared_ptr<const sealed_content> given(std::uint64_t number) const;
  result<void> add(indexed_segment found);
  result<void> join_runs(const sealed_log& log);
  void remove_joined();

  std::shared_ptr<const sealed_context> context_;
  manifest content_;                          // of the thread
  std::shared_ptr<const sealed_log> sealed_;  // of the thread
  std::function<void(std::shared_ptr<const sealed_log>)> settled_;
  bool leaves_manifest_ = false;
  std::vector<known_run> joined_{};  // files that are not named any more; of the thread
  mutable std::mutex mutex_{};
  std::uint64_t wanted_ = 0;
  std::uint64_t done_ = 0;
  std::map<std::uint64_t, std::shared_ptr<const sealed_content>> given_{};  // by segment
  std::optional<error> failed_{};
  std::unique_ptr<thread> thread_{};
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint32_t> changes_{0};  // parked on
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
