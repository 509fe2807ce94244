#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "annals/checkpoint.h"
#include "annals/hlc.h"
#include "annals/time.h"
#include "annals/uuid.h"
#include "annals/version.h"

namespace annals {
inline namespace v1 {

/// How a payload is encoded. Stored numbers; they never change meaning.
enum class codec : std::uint8_t { json = 0, binary = 1 };

/// A W3C trace context, as it travels beside an append. All zero means "none" and is never stored.
///
/// Source:  W3C Trace Context, level 1.
struct trace_context {
  std::array<std::uint8_t, 16> trace_id{};
  std::array<std::uint8_t, 8> span_id{};
  std::uint8_t flags = 0;

  constexpr bool valid() const noexcept {
    return trace_id != decltype(trace_id){} && span_id != decltype(span_id){};
  }
  friend constexpr bool operator==(const trace_context&, const trace_context&) = default;
};

/// The identities and times of a recorded event: fixed size, decoded without allocation.
struct event_header {
  uuid event_id{};
  uuid stream_key{};
  uuid aggregate_id{};
  time_point timestamp{};  ///< when it happened: the writer's, UTC microseconds
  hlc recorded{};          ///< when the store recorded it
  std::uint16_t part = 0;  ///< piece of a split event (upcasting), from 0
  std::uint16_t parts = 1;
  bool genesis = false;  ///< a summary event: folding may start here
};

/// Everything known about a recorded event beside its payload. The first seven are the mission's.
struct event_metadata {
  uuid event_id{};
  uuid aggregate_id{};
  annals::version version{};
  time_point timestamp{};
  std::string event_type{};
  std::optional<uuid> causation_id{};
  std::optional<uuid> correlation_id{};

  std::string stream{};    ///< the stream's name
  std::string category{};  ///< what stands before the name's first '-'; empty where there is none
  uuid stream_key{};
  annals::position position{};
  hlc recorded{};
  std::uint16_t schema = 1;
  annals::codec codec = codec::json;
  std::uint16_t part = 0;
  std::uint16_t parts = 1;
  bool genesis = false;
  std::vector<std::string> tags{};
  std::optional<uuid> command_id{};
  trace_context trace{};
  std::string tracestate{};
  std::vector<std::byte> user_metadata{};
};

class event_view;

/// How an engine decodes what it lent in an event_view. Implemented by engines only.
class metadata_source {
 public:
  virtual event_header header(const event_view& view) const = 0;
  virtual std::string_view stream_name(const event_view& view) const = 0;
  virtual event_metadata metadata(const event_view& view) const = 0;

 protected:
  metadata_source() = default;
  metadata_source(const metadata_source&) = default;
  metadata_source& operator=(const metadata_source&) = default;
  ~metadata_source() = default;
};

/// A recorded event, borrowed: valid until the sink it was handed to returns. Reading the identity
/// and times costs a decode on demand; type, version, position and payload cost nothing.
///
/// Units:   at most 64 bytes; 64 bytes after the payload are readable.
/// Threads: immutable; may be read from any thread while it lives.
class event_view {
 public:
  struct parts {  // what an engine fills in
    std::string_view type{};
    std::span<const std::byte> payload{};
    annals::version version{};
    annals::position position{};
    std::uint16_t schema = 1;
    annals::codec codec = codec::json;
    const metadata_source* source = nullptr;
  };
  explicit event_view(const parts& p) noexcept
      : type_(p.type),
        payload_(p.payload.data()),
        source_(p.source),
        version_(p.version),
        sequence_(p.position.sequence),
        payload_size_(static_cast<std::uint32_t>(p.payload.size())),
        partition_(p.position.partition),
        schema_(p.schema),
        codec_(p.codec) {}

  std::string_view type() const noexcept { return type_; }
  std::uint16_t schema() const noexcept { return schema_; }
  annals::codec codec() const noexcept { return codec_; }
  std::span<const std::byte> payload() const noexcept { return {payload_, payload_size_}; }
  std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(payload_), payload_size_};
  }
  annals::version version() const noexcept { return version_; }
  annals::position position() const noexcept { return {partition_, sequence_}; }

  event_header header() const { return source_->header(*this); }
  std::string_view stream_name() const { return source_->stream_name(*this); }
  event_metadata metadata() const { return source_->metadata(*this); }

 private:
  std::string_view type_;
  const std::byte* payload_;
  const metadata_source* source_;
  annals::version version_;
  std::uint64_t sequence_;
  std::uint32_t payload_size_;
  std::uint32_t partition_;
  std::uint16_t schema_;
  annals::codec codec_;
};
static_assert(sizeof(event_view) <= 64);

/// A recorded event, owned: a copy of all of it that outlives the call it came from. Immutable;
/// copies share nothing with the store and may go to any thread.
class event_record {
 public:
  explicit event_record(const event_view& view);

  const event_metadata& metadata() const noexcept { return metadata_; }
  std::span<const std::byte> payload() const noexcept { return payload_; }
  std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(payload_.data()), payload_.size()};
  }

 private:
  event_metadata metadata_;
  std::vector<std::byte> payload_;
};

/// An event to be written, borrowed.
struct new_event {
  std::string_view type{};  ///< 1 to limits::event_type_bytes bytes
  std::uint16_t schema = 1;
  annals::codec codec = codec::json;
  std::span<const std::byte> payload{};
  uuid event_id{};                           ///< nil: the store makes a UUIDv7
  std::optional<time_point> timestamp{};     ///< none: the store's clock
  std::span<const std::string_view> tags{};  ///< each "key:value"
  bool genesis = false;
};

}  // namespace v1
}  // namespace annals
