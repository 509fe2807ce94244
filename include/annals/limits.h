#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Everything has a limit; every limit has a name and a unit. Passing one is `limit_exceeded`
/// (`overloaded` for what is in flight), with the limit's name in the message.
namespace annals {
inline namespace v1 {
namespace limits {

inline constexpr std::size_t stream_name_bytes = 1024;              // bytes of UTF-8
inline constexpr std::size_t event_type_bytes = 255;                // bytes of UTF-8
inline constexpr std::size_t payload_bytes = 16U << 20U;            // bytes, one event
inline constexpr std::size_t tag_bytes = 255;                       // bytes of UTF-8, one tag
inline constexpr std::size_t tags_per_event = 64;                   // tags
inline constexpr std::size_t user_metadata_bytes = 64U << 10;       // bytes, one append
inline constexpr std::size_t tracestate_bytes = 512;                // bytes, W3C trace context
inline constexpr std::size_t events_per_append = 10'000;            // events, all streams together
inline constexpr std::size_t streams_per_append = 1'000;            // streams
inline constexpr std::size_t append_bytes = 32U << 20U;             // bytes, payloads + metadata
inline constexpr std::size_t conditions_per_append = 16;            // append conditions
inline constexpr std::size_t items_per_query = 32;                  // query items
inline constexpr std::size_t terms_per_query_item = 64;             // types + tags
inline constexpr std::size_t categories_per_filter = 64;            // categories
inline constexpr std::size_t snapshot_bytes = 64U << 20U;           // bytes, one snapshot
inline constexpr std::size_t appends_in_flight = 16'384;            // appends
inline constexpr std::size_t appends_in_flight_bytes = 64U << 20U;  // bytes
inline constexpr std::size_t streams_per_page = 10'000;             // names, one list_streams call
inline constexpr std::uint64_t clock_milliseconds = (1ULL << 47U) - 1;  // UTC ms, year 6429
inline constexpr std::uint64_t events_between_scan_reports = 65'536;    // events scanned
inline constexpr std::size_t json_depth = 128;                          // objects and arrays
inline constexpr std::size_t import_append_bytes = 256U << 20U;    // bytes of lines, one append
inline constexpr int execute_attempts = 16;                        // tries of one execute
inline constexpr std::chrono::milliseconds execute_budget{5'000};  // from first try to giving up

}  // namespace limits
}  // namespace v1
}  // namespace annals
