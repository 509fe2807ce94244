#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "annals/event.h"
#include "sealed_log.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Reads events out of sealed segments and lends them where they are mapped, without copying. One
/// per call.
///
/// Errors:  store_corrupt with segment, offset and positions; database_error.
/// Threads: `read` by one; the views' methods by any, as long as the reader lives.
class sealed_reader final : public metadata_source {
 public:
  explicit sealed_reader(std::shared_ptr<const sealed_log> log) : log_(std::move(log)) {}

  /// Which events: of a stream by versions, or of the store by positions, both included.
  struct wish {
    const uuid* stream = nullptr;  ///< null: of the store
    lsn last_sealed{};             ///< newest sealed event of the stream
    std::uint64_t first = 1;
    std::uint64_t last = 0;
    bool backwards = false;
    const read_filter* filter = nullptr;
  };
  /// Some events, in order.
  struct turn {
    std::span<const event_view> events{};
    std::span<const std::byte* const> items{};  ///< of the events; see event_item
    std::uint64_t looked_at = 0;                ///< events, selected or not
    std::uint64_t scanned_to = 0;               ///< position of the last one looked at
    uuid scanned_to_id{};                       ///< of that event
  };
  using taker = std::function<result<flow>(const turn&)>;

  result<void> read(const wish& wanted, const taker& take);

  event_header header(const event_view& view) const override;
  std::string_view stream_name(const event_view& view) const override;
  event_metadata metadata(const event_view& view) const override;

 private:
  static constexpr std::size_t events_per_turn = 512;

  result<void> read_stream(const wish& wanted);
  result<void> read_piece(const stream_piece& piece, const wish& wanted);
  result<void> read_store(const wish& wanted);
  result<void> read_segment(const mapped_segment& in, const wish& wanted);
  result<void> walk(const mapped_segment& in, std::uint64_t first, std::uint64_t last);
  result<void> walk_frame(const mapped_segment& in, std::uint64_t frame, std::uint64_t first,
                          std::uint64_t last);
  result<void> walk_back(const mapped_segment& in, std::uint64_t first, std::uint64_t last);
  result<void> pick(const mapped_segment& in, std::span<const std::uint32_t> places,
                    const wish& wanted);
  result<void> look_at(const mapped_segment& in, std::uint64_t offset);
  result<void> check_lent(const mapped_segment& in, std::uint64_t offset, const event_item& event);
  bool selects(const std::byte* item, const event_item& event);
  void lend(const std::byte* item, const event_item& event);
  result<void> hand_over();

  std::shared_ptr<const sealed_log> log_;
  const taker* take_ = nullptr;
  const read_filter* filter_ = nullptr;  // null: everything
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
