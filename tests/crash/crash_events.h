#pragma once

#include <cstdint>
#include <string>

#include "annals/uuid.h"

/// What the appending program writes and its checker expects, as functions of writer and version.
namespace crash_events {

inline std::string stream_of(int writer) {
  return "writer-" + std::to_string(writer);
}

/// Between 20 bytes and 20 kB, so that segments of 1 MiB end often.
inline std::string payload_of(int writer, std::uint64_t version) {
  std::string text = std::to_string(writer) + ':' + std::to_string(version) + ' ';
  text.append(20 + version * 7919 % 20'000, static_cast<char>('a' + version % 26));
  return text;
}

inline annals::uuid command_of(int writer, std::uint64_t version) {
  constexpr annals::uuid name_space{{0xc7, 0xa5, 0x11}};
  return annals::make_uuid_v5(name_space, std::to_string(writer) + ':' + std::to_string(version));
}

}  // namespace crash_events
