#include "annals/embedded.h"
#include "annals/testing/conformance.h"

namespace {

// Small segments, so that the cases go over their ends.
const bool joined = annals::testing::check_conformance(
    {.name = "embedded",
     .persists = true,
     .open = [](const std::string& directory, annals::env& world) {
       return annals::open_embedded(directory, {.segment_bytes = 1U << 20U}, world);
     }});

}  // namespace
