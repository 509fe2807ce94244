#include "annals/requests.h"

namespace annals {
inline namespace v1 {

std::string expect::to_string() const {
  switch (kind_) {
    case kind::any: return "any";
    case kind::none: return "none";
    case kind::exists: return "exists";
    case kind::at: return "at(" + std::to_string(version_.number) + ")";
  }
  return {};
}

}  // namespace v1
}  // namespace annals
