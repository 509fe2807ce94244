#include "annals/embedded.h"
#include "annals/testing/conformance.h"

namespace {

// Segments so small that most of what a case stores is sealed and read by index files.
const bool joined = annals::testing::check_conformance(
    {.name = "indexed",
     .persists = true,
     .open = [](const std::string& directory, annals::env& world) {
       return annals::open_embedded(directory, {.segment_bytes = 16U << 10U}, world);
     }});

}  // namespace
