#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "annals/store.h"
#include "oracle.h"

namespace annals {
namespace simulated {

/// A process that only reads, following the store while others write it: it must see at once what
/// was acknowledged, in order and without gaps, and nothing that a crash may take back. Goes on
/// from its checkpoint when it is started again.
class watcher {
 public:
  explicit watcher(std::string directory) : directory_(std::move(directory)) {}

  /// Starts following in a process; after stop(), in another one.
  void start(env& world);
  /// Ends it; words for what was wrong, if anything was.
  std::optional<std::string> stop();

  /// Tells it what a writer was answered since the machine was started.
  void acknowledged(std::uint64_t position);
  /// Compares what it has seen with a store that was just opened.
  std::optional<std::string> compare(const oracle& knows) const {
    return knows.compare_seen(seen_);
  }
  std::uint64_t seen() const { return seen_.size(); }

 private:
  void watch();
  bool open();
  void read();
  void wait();
  void note(std::string problem);

  std::string directory_;
  env* world_ = nullptr;
  std::unique_ptr<event_store> store_{};
  std::unique_ptr<thread> thread_{};
  std::vector<oracle::seen_event> seen_{};
  checkpoint at_{};
  std::uint64_t acknowledged_ = 0;
  std::optional<std::string> problem_{};
  std::atomic<std::uint32_t> news_{0};
  bool stopping_ = false;
};

}  // namespace simulated
}  // namespace annals
