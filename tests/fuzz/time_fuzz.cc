// A time that parses prints and parses to itself.
#include "annals/time.h"
#include "fuzz.h"

using annals::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = annals::parse_rfc3339(annals::fuzz::text_of(data, size));
  if (!parsed) {
    require(parsed.error().code() == annals::errc::invalid_argument, "the error is typed");
    return 0;
  }
  const auto printed = annals::to_rfc3339(*parsed);
  const auto again = annals::parse_rfc3339(printed);
  require(again && *again == *parsed, "what is printed parses to the same");
  require(annals::to_rfc3339(*again) == printed, "one time prints one way");
  return 0;
}
