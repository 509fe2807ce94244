#pragma once

#include <functional>
#include <span>
#include <vector>

#include "annals/event.h"
#include "annals/limits.h"
#include "annals/store.h"
#include "frame.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Lends events where they stand in memory, some at a time, as views. Whoever derives finds them.
/// One per call.
///
/// Threads: one looks at events; the views' methods by any, as long as the lender lives.
class view_lender : public metadata_source {
 public:
  /// Some events, in order.
  struct turn {
    std::span<const event_view> events{};
    std::span<const std::byte* const> items{};  ///< of the events; see event_item
    std::uint64_t looked_at = 0;                ///< events, selected or not
    std::uint64_t scanned_to = 0;               ///< position of the last one looked at
    uuid scanned_to_id{};                       ///< of that event
  };
  using taker = std::function<result<flow>(const turn&)>;
  /// So many events are looked at in a turn, unless an index passes over more.
  static constexpr std::uint64_t most_looked_at = limits::events_between_scan_reports / 8;

  event_header header(const event_view& view) const final;
  std::string_view stream_name(const event_view& view) const final;
  event_metadata metadata(const event_view& view) const final;

 protected:
  view_lender() = default;
  ~view_lender() = default;

  /// Both must live as long as events are looked at.
  void begin(const read_filter& filter, const taker& take);
  /// An event that was checked, its name and the front of its frame as well: where it stands, and
  /// what stands there.
  result<void> look_at(const std::byte* item, const event_item& event);
  /// As many events that nobody need look at, up to the one that stands there.
  result<void> pass_over(std::uint64_t events, const std::byte* last);
  /// Hands over what is left.
  result<void> end();
  /// True when no more events are wanted.
  bool stopped() const noexcept { return stopped_; }
  /// Null: all events are selected.
  const read_filter* filter() const noexcept { return filter_; }

  virtual std::string_view type_of(std::uint32_t number) = 0;
  virtual std::string_view category_of(std::uint32_t number) = 0;
  /// The name that stands at a place, which was checked.
  virtual std::string_view checked_name_at(lsn place) const noexcept = 0;
  /// Whether what was looked at was what the files hold; see mapping::check.
  virtual result<void> check_pages() const = 0;

 private:
  static constexpr std::size_t events_per_turn = 512;

  bool selects(const std::byte* item, const event_item& event);
  void lend(const std::byte* item, const event_item& event);
  result<void> hand_over();

  const taker* take_ = nullptr;
  const read_filter* filter_ = nullptr;
  std::vector<event_view> views_{};
  std::vector<const std::byte*> items_{};
  std::vector<std::string_view> tags_{};
  std::uint64_t looked_at_ = 0;
  const std::byte* last_item_ = nullptr;  // the last one looked at
  bool stopped_ = false;
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
