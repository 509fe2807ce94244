#include "annals/open.h"

#include <string>

#include "annals/memory.h"
#ifdef ANNALS_WITH_EMBEDDED
#include "annals/embedded.h"
#endif

namespace annals {
inline namespace v1 {

namespace {

constexpr std::string_view file_scheme = "file:";

#ifdef ANNALS_WITH_EMBEDDED
result<std::unique_ptr<event_store>> open_file(std::string_view address,
                                               const open_options& options, env& environment) {
  return open_embedded(
      std::string(address.substr(file_scheme.size())),
      {.create = options.create, .read_only = options.read_only, .store_id = options.store_id},
      environment);
}
#else
result<std::unique_ptr<event_store>> open_file(std::string_view address, const open_options&,
                                               env&) {
  return fail(errc::unsupported,
              "'" + std::string(address) +
                  "' needs the embedded engine, which this build of Annals leaves out; build it "
                  "with ANNALS_WITH_EMBEDDED=ON");
}
#endif

}  // namespace

result<std::unique_ptr<event_store>> open(std::string_view address, const open_options& options,
                                          env& environment) {
  if (address == "memory:") return make_memory_store(environment, options.store_id);
  if (address.starts_with(file_scheme) && address.size() > file_scheme.size())
    return open_file(address, options, environment);
  return fail(errc::invalid_argument, "'" + std::string(address) +
                                          "' is not the address of a store; expected "
                                          "file:DIRECTORY or memory:");
}

}  // namespace v1
}  // namespace annals
