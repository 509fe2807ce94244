#pragma once

#include <array>
#include <string>
#include <vector>

#include "annals/env.h"
#include "checked_file.h"
#include "format.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// A segment that is sealed and indexed, as `MANIFEST` has it.
struct sealed_segment {
  std::uint64_t number = 0;
  std::uint64_t capacity = 0;
  std::uint64_t salt = 0;
  std::uint64_t first_sequence = 0;
  std::uint64_t events = 0;
  std::uint64_t clock = 0;  ///< latest reading in it
  lsn seal{};
  std::uint32_t seal_crc = 0;  ///< header CRC of the seal
  std::uint32_t zero = 0;
  uuid last_event{};                     ///< nil: none
  std::array<std::byte, 16> digest{};    ///< of the bytes from 0 to its end
  checked_file_facts index{};            ///< its index file
  std::array<std::uint64_t, 2> zeros{};  ///< room for what later versions know

  friend bool operator==(const sealed_segment&, const sealed_segment&) = default;
};
static_assert(sizeof(sealed_segment) == 128);

/// A run, as `MANIFEST` has it.
struct known_run {
  std::uint64_t first_segment = 0;
  std::uint64_t last_segment = 0;
  checked_file_facts file{};

  friend bool operator==(const known_run&, const known_run&) = default;
};
static_assert(sizeof(known_run) == 32);

/// Which segments are sealed and indexed, and by what.
struct manifest {
  uuid store_id{};
  std::uint64_t hash_seed = 0;
  std::vector<sealed_segment> segments{};  ///< from number 1 on, without gaps
  std::vector<known_run> runs{};           ///< oldest first, from segment 1 on, without gaps
  std::vector<std::string> types{};        ///< the first has number 1
  std::vector<std::string> categories{};

  friend bool operator==(const manifest&, const manifest&) = default;
};

/// Reads the manifest of a store.
///
/// Errors:  store_too_new, store_corrupt naming the file and what is wrong with it, database_error.
result<manifest> read_manifest(env& environment, const std::string& path, const uuid& store_id);

/// Replaces a manifest as a whole, durably: at any time there is the old one or the new one.
///
/// Errors:  disk_full, database_error; either of the two may be there then.
result<void> write_manifest(env& environment, const std::string& path, const manifest& content);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
