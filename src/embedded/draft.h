#pragma once

#include <span>
#include <string_view>

#include "annals/env.h"
#include "annals/history.h"
#include "few.h"
#include "format.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// An append encoded as items, as far as that goes without knowing versions, places and dictionary
/// numbers. Made outside the log's mutex; finished and copied into the log under it.
class append_draft {
 public:
  struct stream_part {
    std::string_view name{};
    std::string_view category{};
    uuid key{};
    std::size_t item_at = 0;  // of its name item
    std::size_t item_length = 0;
  };
  struct event_part {
    std::size_t offset = 0;  // in `items()`
    std::uint32_t stream = 0;
    std::string_view type{};
  };

  append_draft(const append_request& request, env& environment);
  append_draft(const import_request& request, env& environment);

  const few<stream_part>& streams() const noexcept { return streams_; }
  const few<event_part>& events() const noexcept { return events_; }
  /// The item that names a stream; used when the stream is new.
  std::span<const std::byte> name_item_of(const stream_part& stream) const noexcept {
    return std::span(names_).subspan(stream.item_at, stream.item_length);
  }
  /// Command and context, if any, then the events.
  std::span<std::byte> items() noexcept { return items_; }
  std::size_t front_items() const noexcept { return front_items_; }
  /// Nil: none.
  const uuid& command_id() const noexcept { return command_id_; }
  const uuid& digest() const noexcept { return digest_; }
  time_point now() const noexcept { return now_; }
  /// The frame cannot get longer than this.
  std::size_t most_bytes() const noexcept;

 private:
  void add_stream(std::string_view name);
  void add_front(const append_context& context, const uuid& digest);
  void add_event(const new_event& event, std::uint32_t stream, const uuid& id, time_point time,
                 hlc recorded);
  std::byte* add_item(item_kind kind, std::size_t head, std::size_t rest);

  static constexpr std::size_t small = 1'024;  // bytes of a usual append

  few<stream_part> streams_{};
  few<event_part> events_{};
  few<std::byte, small> items_{};
  few<std::byte, small / 4> names_{};
  std::size_t front_items_ = 0;
  uuid command_id_{};
  uuid digest_{};
  time_point now_;
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
