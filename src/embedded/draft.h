#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "annals/env.h"
#include "annals/history.h"
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
    std::vector<std::byte> name_item{};  // used when the stream is new
  };
  struct event_part {
    std::size_t offset = 0;  // in `items()`
    std::uint32_t stream = 0;
    std::string_view type{};
  };

  append_draft(const append_request& request, env& environment);
  append_draft(const import_request& request, env& environment);

  const std::vector<stream_part>& streams() const noexcept { return streams_; }
  const std::vector<event_part>& events() const noexcept { return events_; }
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

  std::vector<stream_part> streams_{};
  std::vector<event_part> events_{};
  std::vector<std::byte> items_{};
  std::size_t front_items_ = 0;
  uuid command_id_{};
  uuid digest_{};
  time_point now_;
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
