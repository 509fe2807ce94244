// Any text for an address: a store that works, or a typed error; nothing outside the simulated
// machine.
#include "annals/open.h"
#include "annals/testing/simulation.h"
#include "fuzz.h"
#include "postgres/address.h"

using annals::errc;
using annals::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto address = annals::fuzz::text_of(data, size);
  // What names a server is only read: nobody connects to where chance points.
  if (address.starts_with("postgres")) {
    const auto read = annals::postgres::parse_address(address, {});
    require(read.has_value() || read.error().code() == errc::invalid_argument, "it is typed");
    return 0;
  }
  const auto world = annals::testing::make_simulated_env(1);
  const auto opened = annals::open(address, {.create = false}, *world);
  require(world->list("/").value().empty(), "looking makes nothing");
  if (opened) {
    require(address == "memory:", "there is no other store in an empty world");
    require((*opened)->list_streams({}).has_value(), "an open store answers");
    return 0;
  }
  const auto code = opened.error().code();
  require(!opened.error().message().empty(), "an error says something");
  const bool names_a_file = address.starts_with("file:") && address.size() > 5;
  require(code == (names_a_file ? errc::not_a_store : errc::invalid_argument), "it is typed");
  return 0;
}
