#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "annals/event.h"
#include "annals/requests.h"

namespace annals {
inline namespace v1 {

/// What the events of one append have in common.
struct memory_append {
  explicit memory_append(const append_context& context);

  /// What it was made of, borrowed from it.
  append_context context(const uuid& digest) const noexcept;

  uuid command_id;
  uuid correlation_id;
  uuid causation_id;
  trace_context trace;
  std::string tracestate;
  std::vector<std::byte> user_metadata;
};

/// An event in memory. Never changes and never moves once it is stored, so that views of it need no
/// lock.
class memory_event final : public metadata_source {
 public:
  struct place {
    std::string_view stream{};  // lives as long as the store
    event_header header{};
    annals::version version{};
    annals::position position{};
  };
  memory_event(const new_event& event, place where, std::shared_ptr<const memory_append> common);

  event_view view() const noexcept;
  std::string_view stream() const noexcept { return place_.stream; }
  std::string_view category() const noexcept;
  std::string_view type() const noexcept { return type_; }
  const event_header& facts() const noexcept { return place_.header; }
  version at_version() const noexcept { return place_.version; }
  position at() const noexcept { return place_.position; }
  std::span<const std::string_view> tags() const noexcept { return tag_views_; }
  std::uint64_t fingerprint() const noexcept { return fingerprint_of(place_.header.event_id); }

  event_header header(const event_view&) const override { return place_.header; }
  std::string_view stream_name(const event_view&) const override { return place_.stream; }
  event_metadata metadata(const event_view&) const override;

 private:
  place place_;
  std::string type_;
  std::uint16_t schema_;
  annals::codec codec_;
  std::vector<std::byte> payload_;  // and 64 readable bytes after it
  std::vector<std::string> tags_;
  std::vector<std::string_view> tag_views_;
  std::shared_ptr<const memory_append> common_;
};

}  // namespace v1
}  // namespace annals
