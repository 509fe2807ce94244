#pragma once

#include <atomic>
#include <functional>
#include <mutex>

#include "annals/engine.h"
#include "connection.h"
#include "doorbell.h"

namespace annals {
inline namespace v1 {
namespace postgres {

/// Looks at what the store holds while somebody waits for more: when the server notifies, and every
/// now and then where it does not. On a thread that starts with the first wait.
class head_watch {
 public:
  struct settings {
    connect_options connect{};
    std::string channel{};  ///< quoted; empty: polling alone
    std::chrono::milliseconds poll{};
  };
  /// `look` answers what the store holds now.
  head_watch(env& environment, settings of, notifier& waits,
             std::function<result<checkpoint>()> look);
  ~head_watch() { stop(); }

  /// Somebody waits: looks at once, and goes on.
  void wake();
  void stop();

 private:
  void run();
  void listen();
  void wait();
  void ring();

  env& env_;
  settings settings_;
  notifier& notifier_;
  std::function<result<checkpoint>()> look_;
  std::unique_ptr<connection> listening_{};
  doorbell bell_{};  // waited for together with the connection
  std::mutex mutex_{};
  std::unique_ptr<thread> thread_{};
  std::atomic<bool> stopping_{false};
  bool may_listen_ = true;
  std::atomic<std::uint32_t> wakes_{0};
};

}  // namespace postgres
}  // namespace v1
}  // namespace annals
