#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <span>

#include "annals/store.h"
#include "annals/terminal.h"
#include "read_ahead.h"

namespace annals_cli {

/// What an import came to.
struct import_figures {
  std::uint64_t events = 0;   // new
  std::uint64_t appends = 0;  // new
  std::uint64_t there = 0;    // events that were there before, and are the same
};

/// An import on its way: what the store has is compared with the export, what it lacks is stored,
/// several batches at once.
class import_run {
 public:
  import_run(annals::event_store& store, annals::json::export_reader& reader,
             annals::terminal::progress& bar)
      : store_(store), batches_(reader, store.environment()), bar_(bar) {}
  import_run(const import_run&) = delete;
  import_run& operator=(const import_run&) = delete;
  ~import_run() { wait_until(0); }

  /// Errors:  checkpoint_diverged where the store is ahead, or has something else; shutting_down
  ///          when interrupted; those of the reader and the store. What is stored is whole.
  annals::result<void> run();
  const import_figures& figures() const noexcept { return figures_; }

 private:
  annals::result<void> next_batch();
  annals::result<void> compare();
  annals::result<void> compare_next(const annals::history_entry& here);
  annals::result<void> store_all();
  void begin(std::span<const annals::history_entry> entries);
  void stored(const import_figures& batch, const annals::result<void>& answer);
  /// Waits until at most so many batches are on their way.
  void wait_until(std::uint32_t most);
  annals::result<void> outcome();

  annals::event_store& store_;
  read_ahead batches_;
  annals::terminal::progress& bar_;
  std::span<const annals::history_entry> batch_{};
  bool at_end_ = false;
  import_figures figures_{};
  std::uint32_t begun_ = 0;
  std::mutex mutex_{};                      // guards what completions change
  std::optional<annals::error> problem_{};  // the first
  std::atomic<std::uint32_t> done_{0};      // batches; parked on
};

}  // namespace annals_cli
