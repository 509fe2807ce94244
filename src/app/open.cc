#include "annals/open.h"

#include <string>

#include "annals/memory.h"
#ifdef ANNALS_WITH_EMBEDDED
#include "annals/embedded.h"
#endif

namespace annals {
inline namespace v1 {

result<std::unique_ptr<event_store>> open(std::string_view address, const open_options& options,
                                          env& environment) {
  constexpr std::string_view file_scheme = "file:";
  if (address == "memory:") return make_memory_store(environment);
#ifdef ANNALS_WITH_EMBEDDED
  if (address.starts_with(file_scheme) && address.size() > file_scheme.size())
    return open_embedded(std::string(address.substr(file_scheme.size())),
                         {.create = options.create, .read_only = options.read_only}, environment);
#endif
  return fail(errc::invalid_argument, "'" + std::string(address) +
                                          "' is not the address of a store; expected "
                                          "file:DIRECTORY or memory:");
}

}  // namespace v1
}  // namespace annals
