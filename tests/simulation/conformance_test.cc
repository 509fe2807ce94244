#include "annals/testing/conformance.h"
#include "annals/embedded.h"
#include "annals/memory.h"
#include "annals/testing/simulation.h"

namespace {

// Each its own seed: two stores of one case must not get the same id.
std::unique_ptr<annals::env> world() {
  static std::uint64_t seed = 0;
  return annals::testing::make_simulated_env(++seed);
}

const bool memory_joined =
    annals::testing::check_conformance({.name = "simulated_memory",
                                        .persists = false,
                                        .world = world,
                                        .open = [](const std::string&, annals::env& world) {
                                          return annals::make_memory_store(world);
                                        }});

const bool embedded_joined = annals::testing::check_conformance(
    {.name = "simulated_embedded",
     .persists = true,
     .world = world,
     .open = [](const std::string& directory, annals::env& world) {
       return annals::open_embedded(directory, {.segment_bytes = 1U << 20U}, world);
     }});

}  // namespace
