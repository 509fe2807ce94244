// error: described_member_is_missing<returned>
#include "annals/json.h"

struct returned {
  std::int64_t parcels = 0;
  std::string reason{};
};
#ifdef CORRECT
BOOST_DESCRIBE_STRUCT(returned, (), (parcels, reason))
#else
BOOST_DESCRIBE_STRUCT(returned, (), (parcels))
#endif

std::string encode(const returned& event) {
  std::string text;
  annals::json::encode(event, text);
  return text + annals::json::decode<returned>(text).value().reason;
}
