#include "annals/testing/conformance.h"
#include "annals/postgres.h"
#include "server.h"

namespace {

// A directory stands for a schema: named alike, there as long.
const bool joined = annals::testing::check_conformance(
    {.name = "postgres",
     .persists = true,
     .open = [](const std::string& directory, annals::env& world) {
       const auto name = "t" + directory.substr(directory.rfind('/') + 1).substr(15);
       return annals::open_postgres(annals_test::server_address() + "&annals_schema=" + name, {},
                                    world);
     }});

}  // namespace
