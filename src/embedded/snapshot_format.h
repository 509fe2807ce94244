#pragma once

#include "format.h"

namespace annals {
inline namespace v1 {
namespace embedded {

// Snapshots as they stand on disk; docs/format.md, "Snapshots".

struct snapshot_file_header {
  std::array<char, 8> magic{'A', 'N', 'N', 'A', 'L', 'S', 'S', 'N'};
  std::uint32_t version = format_version;
  std::uint32_t zero = 0;
  uuid store_id{};
  std::uint64_t number = 0;
  std::uint64_t salt = 0;
};
static_assert(sizeof(snapshot_file_header) == 48);

struct snapshot_record {
  std::uint64_t length = 0;
  std::uint32_t crc = 0;
  std::uint32_t state_crc = 0;
  uuid stream_key{};
  uuid last_event{};
  std::uint64_t shape = 0;
  std::uint64_t version = 0;
  std::int64_t saved = 0;
  std::uint64_t state_length = 0;
};
static_assert(sizeof(snapshot_record) == 80);

/// What stands first in `snap/table`, behind it zeros up to 4,096 bytes.
struct snapshot_table_header {
  std::array<char, 8> magic{'A', 'N', 'N', 'A', 'L', 'S', 'T', 'B'};
  std::uint32_t version = format_version;
  std::uint32_t flags = 0;
  uuid store_id{};
  uuid boot_id{};
  std::uint64_t hash_seed = 0;
  std::uint64_t pages = 0;
  std::uint64_t file = 0;
  std::uint64_t end = 0;
  std::uint64_t counting_bytes = 0;
  std::uint32_t zero = 0;
  std::uint32_t crc = 0;
};
static_assert(sizeof(snapshot_table_header) == 96);

struct snapshot_slot {
  std::uint64_t hash = 0;
  std::uint64_t newest = 0;         // file << 36 | offset / 8; 0: the slot is free
  std::uint64_t previous = 0;       // the same; 0: none
  std::uint32_t newest_length = 0;  // of the record, in units of 8 bytes
  std::uint32_t previous_length = 0;
};
static_assert(sizeof(snapshot_slot) == 32);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
