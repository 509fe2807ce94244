#pragma once

#include <string>
#include <string_view>

#include "annals/uuid.h"

/// Identities derived from invoice numbers: the same file gives the same ids on every run.
namespace orders {

/// The namespace of all of them. Stored through them; it never changes (docs/format.md).
inline constexpr annals::uuid id_namespace{{0x5b, 0x1c, 0x8f, 0x3a, 0x2d, 0x4e, 0x5f, 0x60, 0x9a,
                                            0x7b, 0x0c, 0x1d, 0x2e, 0x3f, 0x4a, 0x5b}};

inline annals::uuid id_of(std::string_view kind, std::string_view number) {
  return annals::make_uuid_v5(id_namespace, std::string(kind).append(number));
}
inline annals::uuid order_id(std::string_view number) {
  return id_of("order:", number);
}
inline annals::uuid payment_id(std::string_view number) {
  return id_of("payment:", number);
}

}  // namespace orders
