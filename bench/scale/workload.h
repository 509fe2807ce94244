#pragma once

#include <array>
#include <string>
#include <vector>

#include "annals/embedded.h"
#include "annals/stream.h"

namespace bench {

/// Events in an order that tells of itself: what the n-th event of the store is follows from n, so
/// that a writer goes on wherever the last one was killed.
struct workload {
  std::uint64_t events = 0;
  std::uint64_t streams = 0;
  std::uint64_t burst = 1;       ///< events that a stream is given at once
  std::uint64_t per_append = 1;  ///< streams
  bool tagged = false;           ///< each event has a tag of its stream
  std::uint64_t segment_bytes = 64U << 20U;

  static constexpr std::uint64_t stride = 2'654'435'761;  // a prime: neighbours lie far apart
  static constexpr std::size_t payload_bytes = 256;

  std::uint64_t stream_of(std::uint64_t visit) const { return visit * stride % streams; }
  annals::version version_before(std::uint64_t visit) const { return {visit / streams * burst}; }
};

constexpr std::size_t tag_bytes = 14;  // "order:10000000"

inline std::string order_name(std::uint64_t number) {
  return annals::stream_name_of("order", annals::make_uuid_v5({}, std::to_string(number)));
}

/// Appends what a workload says, an append after the other.
class filler {
 public:
  filler(annals::event_store& store, const workload& what)
      : store_(store), what_(what), next_(store.head().value().in(0).sequence) {}

  std::uint64_t events() const { return next_; }

  /// The next append.
  void append() {
    const auto first = next_ / what_.burst;
    const auto count = what_.per_append;
    std::vector<std::string> names(count);
    std::vector<std::string> tags(count);
    std::vector<std::string_view> shown(count);
    std::vector<std::vector<annals::new_event>> events(count);
    std::vector<annals::stream_write> writes(count);
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto stream = what_.stream_of(first + i);
      names[i] = order_name(stream);
      tags[i] = "order:" + std::to_string(10'000'000 + stream);
      shown[i] = tags[i];
      events[i].assign(what_.burst, {.type = "order_paid",
                                     .codec = annals::codec::binary,
                                     .payload = payload_,
                                     .tags = {&shown[i], what_.tagged ? 1U : 0U}});
      writes[i] = {names[i], annals::expect::at(what_.version_before(first + i)), events[i]};
    }
    const auto id = annals::make_uuid_v5({}, "append" + std::to_string(next_));
    store_
        .append({.streams = writes,
                 .context = {.command_id = id, .correlation_id = id, .causation_id = id}})
        .value();
    next_ += count * what_.burst;
  }

 private:
  annals::event_store& store_;
  const workload& what_;
  std::array<std::byte, workload::payload_bytes> payload_ = [] {
    std::array<std::byte, workload::payload_bytes> bytes{};
    std::uint64_t seed = 1;
    for (auto& one : bytes)
      one = static_cast<std::byte>((seed = seed * 6'364'136'223'846'793'005U + 1) >> 56U);
    return bytes;
  }();
  std::uint64_t next_;
};

}  // namespace bench
