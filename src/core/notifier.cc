
#include "annals/engine.h"

namespace annals {
inline namespace v1 {
namespace {

enum wait_state : std::uint32_t { waiting, running, over };

}  // namespace

struct notifier::wait {
  std::uint64_t sequence = 0;
  completion<checkpoint> done{};
  std::atomic<std::uint32_t> state{waiting};
};

class notifier::handle final : public wait_handle {
 public:
  handle(notifier& owner, std::shared_ptr<wait> one) : env_(owner.env_), wait_(std::move(one)) {}
  ~handle() override {
    std::uint32_t expected = waiting;
    if (wait_->state.compare_exchange_strong(expected, over)) {
      wait_->done = nullptr;  // what it holds is given back now, not when the store looks again
      return;
    }
    if (thread_state::current().awaited == wait_.get()) return;  // destroyed inside it
    while (wait_->state.load() == running) env_.park(wait_->state, running);
  }

 private:
  env& env_;
  std::shared_ptr<wait> wait_;
};

std::unique_ptr<wait_handle> notifier::add(std::uint64_t sequence, const checkpoint& head,
                                           completion<checkpoint> done) {
  auto one = std::make_shared<wait>();
  one->sequence = sequence;
  one->done = std::move(done);
  auto made = std::make_unique<handle>(*this, one);
  if (head.in(0).sequence > sequence) {
    fire(std::move(one), head);
  } else {
    const std::scoped_lock lock(mutex_);
    std::erase_if(waits_, [](const auto& w) { return w->state.load() == over; });
    waits_.push_back(std::move(one));
  }
  return made;
}

std::unique_ptr<wait_handle> notifier::refuse(error problem, completion<checkpoint> done) {
  auto one = std::make_shared<wait>();
  one->done = std::move(done);
  auto made = std::make_unique<handle>(*this, one);
  fire(std::move(one), std::unexpected(std::move(problem)));
  return made;
}

void notifier::advance(const checkpoint& head) {
  std::vector<std::shared_ptr<wait>> due;
  {
    const std::scoped_lock lock(mutex_);
    if (waits_.empty()) return;
    for (auto& one : waits_)
      if (one->sequence < head.in(0).sequence) due.push_back(std::move(one));
    std::erase(waits_, nullptr);
  }
  for (auto& one : due) fire(std::move(one), head);
}

bool notifier::has_waits() {
  const std::scoped_lock lock(mutex_);
  std::erase_if(waits_, [](const auto& w) { return w->state.load() == over; });
  return !waits_.empty();
}

void notifier::fail(const error& problem) {
  std::vector<std::shared_ptr<wait>> left;
  {
    const std::scoped_lock lock(mutex_);
    left.swap(waits_);
  }
  for (auto& one : left) fire(std::move(one), std::unexpected(problem));
}

void notifier::close() {
  fail({errc::shutting_down, "the store was closed during the wait"});
}

void notifier::fire(std::shared_ptr<wait> one, result<checkpoint> answer) {
  completions_.post(
      [one = std::move(one), answer = std::move(answer), &environment = env_]() mutable {
        std::uint32_t expected = waiting;
        if (!one->state.compare_exchange_strong(expected, running)) return;  // the handle is gone
        auto& here = thread_state::current();
        here.awaited = one.get();
        one->done(std::move(answer));
        here.awaited = nullptr;
        one->state.store(over);
        environment.wake_all(one->state);
      });
}

}  // namespace v1
}  // namespace annals
