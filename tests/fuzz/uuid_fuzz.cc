// A UUID has one spelling: what parses prints as it was.
#include "annals/uuid.h"
#include "fuzz.h"

using annals::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = annals::fuzz::text_of(data, size);
  const auto parsed = annals::uuid::parse(text);
  require(parsed.has_value() == annals::is_canonical_uuid(text),
          "parse takes canonical UUIDs only");
  if (parsed) {
    require(parsed->to_string() == text, "a UUID that parses prints as it was");
  } else {
    require(parsed.error().code() == annals::errc::invalid_argument, "the error is typed");
  }
  return 0;
}
