// A document that is accepted stays so inside another one, and is refused when something follows
// it; a refusal is typed and names the byte.
#include "annals/json/validate.h"

#include <string>

#include "fuzz.h"

using annals::errc;
using annals::fuzz::require;
namespace json = annals::json;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(annals::fuzz::text_of(data, size));
  const auto valid = json::validate(text);
  require(json::is_valid(text) == valid.has_value(), "both forms agree");
  if (!valid) {
    const auto& why = valid.error();
    require(why.code() == errc::malformed_input || why.code() == errc::limit_exceeded,
            "the error is typed");
    require(why.message().find("byte ") != std::string::npos, "it names the byte");
    return 0;
  }
  for (const auto* more : {",", "]", "{}", "\"\""})
    require(!json::is_valid(text + more), "nothing may follow a document");
  const auto inside = json::validate("{\"a\":[" + text + ",null]}");
  require(inside.has_value() || inside.error().code() == errc::limit_exceeded,
          "a document is a value of another one");
  return 0;
}
