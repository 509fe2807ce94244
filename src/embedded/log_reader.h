#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "annals/event.h"
#include "few.h"
#include "frame.h"
#include "segment.h"
#include "tail_image.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// An event to be read: where it stands, and what the index says of it.
struct wanted_event {
  std::uint64_t sequence = 0;
  lsn place{};
  uuid id{};
  uuid stream{};            ///< key
  std::string_view name{};  ///< of the stream; lives as long as the index's entry, or the mapping
  std::string_view type{};
};

/// Reads events out of memory, mapped files or files, checks them, and lends them as views without
/// copying where it can. One per call; what it loaded lives until `release`.
///
/// Threads: `load` and `release` by one; the views' methods by any, meanwhile.
class log_reader final : public metadata_source {
 public:
  /// Reads these segments, up to what is durable.
  log_reader(std::vector<std::shared_ptr<segment>> segments, const tail_image& tail, lsn durable)
      : segments_(std::move(segments)), tail_(tail), durable_(durable) {}

  /// Says that these events will be loaded.
  void expect(std::span<const wanted_event> all);

  /// An event and the ones that will be asked for next, so that one read fetches neighbours.
  ///
  /// Errors:  store_corrupt with segment, offset and position; database_error.
  result<item_view> load(std::span<const wanted_event> ahead);
  /// The view of an event that load() gave for `wanted`.
  event_view view(const item_view& item, const wanted_event& wanted);
  /// Whether what was lent is what the files hold; see mapping::check.
  result<void> check_pages() const;
  /// Bytes held for views.
  std::size_t held() const noexcept { return held_bytes_; }
  void release();

  event_header header(const event_view& view) const override;
  std::string_view stream_name(const event_view& view) const override;
  event_metadata metadata(const event_view& view) const override;

 private:
  /// A stretch of the log in memory.
  struct piece {
    lsn begin{};
    lsn end{};
    const std::byte* data = nullptr;
    std::unique_ptr<std::byte[]> owned{};
    std::shared_ptr<const aligned_bytes> page{};
    checked_events* checked = nullptr;  // there; null: it is checked each time
  };
  /// Bytes of the log, and which events were checked there.
  struct found_bytes {
    const std::byte* at = nullptr;
    checked_events* checked = nullptr;
  };
  /// What stands beside a lent view.
  struct lent_event {
    const std::byte* payload = nullptr;
    const std::byte* frame = nullptr;
    std::string_view name{};  // of the stream
  };

  result<found_bytes> bytes_at(lsn place, std::size_t length, std::span<const wanted_event> ahead);
  std::optional<log_stretch> in_memory(lsn place);
  const std::byte* mapped_at(lsn place, std::size_t length);
  void prefetch(std::span<const wanted_event> ahead) const noexcept;
  result<found_bytes> read_piece(lsn place, std::size_t length,
                                 std::span<const wanted_event> ahead);
  result<found_bytes> item_at(lsn place, std::span<const wanted_event> ahead);
  result<item_view> load_checked(std::span<const wanted_event> ahead);
  result<const std::byte*> front_of(lsn frame);
  const segment& segment_of(lsn place);
  std::unexpected<error> damaged(lsn place, std::string_view what);
  const lent_event& lent(const event_view& view) const;

  std::vector<std::shared_ptr<segment>> segments_;
  const tail_image& tail_;
  lsn durable_;
  std::optional<lsn> memory_begin_{};         // once it was asked for
  std::shared_ptr<segment> segment_{};        // the last one used
  const paged_mapping* mapped_ = nullptr;     // of it; null: it is not read so
  bool end_is_fetched_ = false;               // of the log: the page that is still written to
  few<const paged_mapping*, 4> looked_at_{};  // all that were used
  std::vector<piece> pieces_{};
  std::size_t held_bytes_ = 0;
  bool bypass_memory_ = false;  // second try after damage: from the file
  lsn front_place_{};           // the last frame whose front was checked
  const std::byte* front_ = nullptr;
  std::vector<lent_event> lent_{};
  mutable std::atomic<std::size_t> hint_{0};
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
