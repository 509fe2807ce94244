// A checkpoint that parses prints and parses to itself.
#include "annals/checkpoint.h"
#include "fuzz.h"

using annals::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = annals::checkpoint::parse(annals::fuzz::text_of(data, size));
  if (!parsed) {
    require(parsed.error().code() == annals::errc::invalid_argument, "the error is typed");
    return 0;
  }
  const auto again = annals::checkpoint::parse(parsed->to_string());
  require(again && *again == *parsed, "what is printed parses to the same");
  require(again->to_string() == parsed->to_string(), "one checkpoint prints one way");
  require((*parsed <=> annals::checkpoint{}) != std::partial_ordering::less,
          "nothing is before the start");
  require(parsed->is_start() == (*parsed == annals::checkpoint{}), "one start");
  return 0;
}
