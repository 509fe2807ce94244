#pragma once

#include <cstdlib>
#include <fstream>
#include <string>

/// The server that tests talk to: that of ANNALS_POSTGRES, else the one that ctest has started.
namespace annals_test {

inline std::string server_address() {
  if (const char* given = std::getenv("ANNALS_POSTGRES")) return given;
  const char* const binaries = std::getenv("ANNALS_BIN_DIR");
  std::ifstream file(std::string(binaries == nullptr ? "." : binaries) +
                     "/../postgres.address");
  std::string address;
  std::getline(file, address);
  return address;
}

/// The same server, another schema.
inline std::string store_address(const std::string& schema, const std::string& more = {}) {
  return server_address() + "&annals_schema=" + schema + more;
}

}  // namespace annals_test
