#include "annals/open.h"

#include <string>

#include "annals/memory.h"
#ifdef ANNALS_WITH_EMBEDDED
#include "annals/embedded.h"
#endif
#ifdef ANNALS_WITH_POSTGRES
#include "annals/postgres.h"
#endif

namespace annals {
inline namespace v1 {

namespace {

constexpr std::string_view file_scheme = "file:";

bool is_postgres(std::string_view address) noexcept {
  return address.starts_with("postgres:") || address.starts_with("postgresql://");
}

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

#ifdef ANNALS_WITH_POSTGRES
result<std::unique_ptr<event_store>> open_server(std::string_view address,
                                                 const open_options& options, env& environment) {
  return open_postgres(
      address,
      {.create = options.create, .read_only = options.read_only, .store_id = options.store_id},
      environment);
}
#else
// The address is not repeated: it may hold a password.
result<std::unique_ptr<event_store>> open_server(std::string_view, const open_options&, env&) {
  return fail(errc::unsupported,
              "a postgres: address needs the engine on PostgreSQL, which this build of Annals "
              "leaves out; build it with ANNALS_WITH_POSTGRES=ON");
}
#endif

}  // namespace

result<std::unique_ptr<event_store>> open(std::string_view address, const open_options& options,
                                          env& environment) {
  if (address == "memory:") return make_memory_store(environment, options.store_id);
  if (address.starts_with(file_scheme) && address.size() > file_scheme.size())
    return open_file(address, options, environment);
  if (is_postgres(address)) return open_server(address, options, environment);
  return fail(errc::invalid_argument, "'" + std::string(address) +
                                          "' is not the address of a store; expected "
                                          "file:DIRECTORY, postgres://… or memory:");
}

}  // namespace v1
}  // namespace annals
