// The conformance suite as the author of an engine runs it, on a simulated machine.
#include <gtest/gtest.h>

#include "annals/memory.h"
#include "annals/testing/conformance.h"
#include "annals/testing/simulation.h"

namespace {

// Each its own seed: two stores of one case must not get the same id.
std::unique_ptr<annals::env> world() {
  static std::uint64_t seed = 0;
  return annals::testing::make_simulated_env(++seed);
}

const bool joined = annals::testing::check_conformance(
    {.name = "memory",
     .persists = false,
     .world = world,
     .open = [](const std::string&,
                annals::env& world) -> annals::result<std::unique_ptr<annals::event_store>> {
       return annals::make_memory_store(world);
     }});

TEST(suite, is_joined) {
  EXPECT_TRUE(joined);
}

}  // namespace
