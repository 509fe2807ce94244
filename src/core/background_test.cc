#include "annals/background.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

#include "annals/forwarding_env.h"

namespace annals {
namespace {

using namespace std::chrono_literals;

TEST(background_thread, works_until_it_is_stopped_and_rests_when_there_is_nothing_to_do) {
  std::atomic<bool> stopping{false};
  std::atomic<std::uint32_t> changes{0};
  std::atomic<int> wanted{0};
  std::atomic<int> steps{0};
  std::atomic<int> rests{0};
  {
    const std::jthread worker([&] {
      work_until(stopping, changes, posix_env(), [&]() -> std::optional<idle> {
        if (steps < wanted) return ++steps, std::nullopt;
        ++rests;
        return idle{};
      });
    });
    for (int i = 0; i < 100; ++i) {
      wanted = wanted + 3;
      ++changes;
      posix_env().wake_all(changes);
      while (steps < wanted) std::this_thread::yield();
    }
    stopping = true;
    ++changes;
    posix_env().wake_all(changes);
  }
  EXPECT_EQ(steps, 300);
  EXPECT_LE(rests, 102) << "it was woken once each time";
}

TEST(background_thread, looks_again_when_the_time_it_gave_is_over) {
  std::atomic<bool> stopping{false};
  const std::atomic<std::uint32_t> changes{0};
  int looks = 0;
  work_until(stopping, changes, posix_env(), [&]() -> std::optional<idle> {
    if (++looks == 3) stopping = true;
    return idle{1us};
  });
  EXPECT_EQ(looks, 3);
}

/// An env in which parking on a word that nobody changed any more would be for ever.
class counting_env final : public forwarding_env {
 public:
  counting_env() : forwarding_env(posix_env()) {}
  void park(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
            std::optional<std::chrono::nanoseconds>) override {
    if (word == expected) throw std::logic_error("nobody will wake it");
    ++parked;
  }
  int parked = 0;
};

// Between two instructions of the thread, wherever they are.
TEST(background_thread, ends_when_it_is_stopped_just_after_it_has_looked) {
  struct stopped_after_a_look {
    std::atomic<std::uint32_t>& changes;
    mutable bool stopping = false;
    operator bool() const {
      ++changes;
      return std::exchange(stopping, true);
    }
  };
  std::atomic<std::uint32_t> changes{0};
  counting_env environment;
  work_until(stopped_after_a_look{changes}, changes, environment,
             [] { return std::optional(idle{}); });
  EXPECT_EQ(environment.parked, 1);
}

TEST(background_thread, looks_again_when_something_is_to_be_done_just_after_it_has_looked) {
  std::atomic<bool> stopping{false};
  std::atomic<std::uint32_t> changes{0};
  counting_env environment;
  bool there = false;
  work_until(stopping, changes, environment, [&]() -> std::optional<idle> {
    if (there) return stopping = true, std::nullopt;
    there = true;
    ++changes;
    return idle{};
  });
  EXPECT_EQ(environment.parked, 1);
}

}  // namespace
}  // namespace annals
