#include "head_watch.h"

#include <poll.h>

#include "annals/background.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

// With notifications a look now and then is for what they may miss: a server that was replaced.
constexpr std::chrono::milliseconds poll_while_listening{1'000};

}  // namespace

head_watch::head_watch(env& environment, settings of, notifier& waits,
                       std::function<result<checkpoint>()> look)
    : env_(environment), settings_(std::move(of)), notifier_(waits), look_(std::move(look)) {}

void head_watch::wake() {
  const std::scoped_lock lock(mutex_);
  if (stopping_) return;
  ++wakes_;
  if (!thread_) thread_ = env_.spawn("annals-watch", [this] { run(); });
  ring();
}

void head_watch::ring() {
  bell_.ring();
  env_.wake_all(wakes_);
}

void head_watch::stop() {
  std::unique_ptr<thread> ended;
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    ended = std::move(thread_);
  }
  ++wakes_;
  ring();
}

void head_watch::run() {
  work_until(stopping_, wakes_, env_, [this]() -> std::optional<idle> {
    if (!notifier_.has_waits()) return idle{};
    if (!listening_) listen();
    // A look that fails is made again: the waits stay, and the pool recovers by itself.
    if (const auto head = look_()) notifier_.advance(*head);
    if (!stopping_ && notifier_.has_waits()) wait();
    return std::nullopt;
  });
  listening_.reset();
}

// Standbys and some poolers take no LISTEN: then polling does.
void head_watch::listen() {
  if (settings_.channel.empty() || !may_listen_) return;
  auto made = connection::open(env_, settings_.connect, session::read);
  if (!made) return;
  const auto deadline = env_.monotonic() + settings_.connect.connect_timeout;
  const auto heard = (*made)->run_script("LISTEN " + settings_.channel, deadline);
  may_listen_ = heard.has_value() || heard.error().lost;
  if (heard) listening_ = std::move(*made);
}

void head_watch::wait() {
  pollfd asked[2] = {{.fd = bell_.descriptor(), .events = POLLIN, .revents = 0},
                     {.fd = -1, .events = POLLIN, .revents = 0}};
  auto patience = settings_.poll;
  if (listening_) {
    asked[1].fd = listening_->socket();
    patience = poll_while_listening;
  }
  ::poll(asked, 2, static_cast<int>(patience.count()));
  if (asked[0].revents != 0) bell_.hush();
  if (listening_ && asked[1].revents != 0) {
    listening_->take_notifications();
    if (!listening_->usable()) listening_.reset();
  }
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
