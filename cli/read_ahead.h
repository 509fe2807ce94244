#pragma once

#include <atomic>
#include <memory>
#include <span>

#include "annals/env.h"
#include "annals/json/export.h"

namespace annals_cli {

/// Entries of an export, and how far it is read with them.
struct export_batch {
  std::span<const annals::history_entry> entries{};  ///< none: the export has ended
  std::uint64_t bytes = 0;
  std::uint64_t events = 0;
};

/// Reads an export on a thread of its own, one batch ahead of who takes them.
///
/// Threads: `next` by one. The reader is used by the thread until the destructor has returned.
class read_ahead {
 public:
  read_ahead(annals::json::export_reader& reader, annals::env& environment);
  read_ahead(const read_ahead&) = delete;
  read_ahead& operator=(const read_ahead&) = delete;
  ~read_ahead();

  /// The next batch, valid until the next call. Not to be called again after an error or the end.
  annals::result<export_batch> next();

 private:
  void run();

  annals::json::export_reader& reader_;
  annals::env& env_;
  annals::result<export_batch> answer_{};
  std::atomic<std::uint32_t> asked_{1};     // batches; the thread parks on it
  std::atomic<std::uint32_t> answered_{0};  // batches; next() parks on it
  std::atomic<bool> stopping_{false};
  std::unique_ptr<annals::thread> thread_;
};

}  // namespace annals_cli
