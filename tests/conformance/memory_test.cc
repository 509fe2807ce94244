#include "annals/memory.h"
#include "annals/testing/conformance.h"

namespace {

const bool joined = annals::testing::check_conformance(
    {.name = "memory", .persists = false, .open = [](const std::string&, annals::env& world) {
       return annals::make_memory_store(world);
     }});

}  // namespace
