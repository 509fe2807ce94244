#pragma once

#include <bit>
#include <cstring>

#include "store.h"

namespace bench::rivals {

/// An event as a value of a key-value store: this head, then the type, then the payload. Copied,
/// not encoded: nothing is faster.
struct record_head {
  annals::uuid stream{};
  annals::uuid event_id{};
  annals::uuid correlation_id{};
  annals::uuid causation_id{};
  std::uint64_t version = 0;
  std::int64_t timestamp = 0;
  std::uint64_t recorded = 0;
  std::uint64_t type_bytes = 0;
};
static_assert(std::has_unique_object_representations_v<record_head>);

/// The key (stream, version), in the order of bytes.
struct version_key {
  annals::uuid stream{};
  std::uint64_t version = 0;  ///< big endian

  static version_key of(const annals::uuid& stream, std::uint64_t version) {
    return {stream, std::byteswap(version)};
  }
};
static_assert(sizeof(version_key) == 24 && std::endian::native == std::endian::little);

inline std::size_t record_bytes(const annals::new_event& event) {
  return sizeof(record_head) + event.type.size() + event.payload.size();
}

inline void write_record(char* to, const stream_append& append, std::size_t index,
                         annals::hlc recorded) {
  const auto& event = append.events[index];
  const record_head head{append.to->id,
                         event.event_id,
                         append.correlation_id,
                         append.causation_id,
                         append.expected + index + 1,
                         event.timestamp->time_since_epoch().count(),
                         recorded.bits,
                         event.type.size()};
  std::memcpy(to, &head, sizeof head);
  to += sizeof head;
  std::memcpy(to, event.type.data(), event.type.size());
  std::memcpy(to + event.type.size(), event.payload.data(), event.payload.size());
}

/// A record where the store keeps it.
struct record_view {
  record_head head{};
  std::string_view type{};
  std::span<const std::byte> payload{};

  record_view(const void* data, std::size_t size) {
    const auto* const bytes = static_cast<const std::byte*>(data);
    if (size < sizeof head) fail("rival", "reading a record", "it is too short");
    std::memcpy(&head, bytes, sizeof head);
    const std::size_t rest = size - sizeof head;
    if (head.type_bytes > rest || rest - head.type_bytes < 8)
      fail("rival", "reading a record", "its type is too long");
    type = {reinterpret_cast<const char*>(bytes) + sizeof head, head.type_bytes};
    payload = {bytes + sizeof head + head.type_bytes, rest - head.type_bytes};
  }
  void add_to(totals& sums) const { sums.add(head.version, type, payload); }
  stored_event copy(std::uint64_t position) const {
    return {head.event_id,
            head.stream,
            head.version,
            annals::time_point(std::chrono::microseconds(head.timestamp)),
            std::string(type),
            head.causation_id,
            head.correlation_id,
            annals::hlc{head.recorded},
            position,
            {payload.begin(), payload.end()}};
  }
};

}  // namespace bench::rivals
