// A decimal that parses prints and parses to itself. The first byte: how many places.
#include "annals/decimal.h"
#include "fuzz.h"

using annals::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const int places = data[0] % 19;
  const auto text = annals::fuzz::text_of(data + 1, size - 1);
  const auto parsed = annals::parse_decimal(text, places);
  if (!parsed) {
    require(parsed.error().code() == annals::errc::invalid_argument, "the error is typed");
    return 0;
  }
  const auto printed = annals::print_decimal(*parsed, places);
  const auto again = annals::parse_decimal(printed, places);
  require(again && *again == *parsed, "what is printed parses to the same");
  require(printed.size() <= text.size() + 1, "the shortest form is printed");
  return 0;
}
