#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "annals/event.h"
#include "annals/postgres.h"
#include "name_book.h"
#include "rows.h"

namespace annals {
inline namespace v1 {
namespace postgres {

/// The columns of an event `e`, as a page reads them.
std::string event_columns(payload_column payload);
/// The column of JSON payloads, as bytes.
std::string data_column(payload_column payload);

/// How many they are: what a statement says besides stands behind them.
inline constexpr int event_column_count = 15;

class event_page;

/// An event of a page; its views decode on demand.
struct paged_event final : metadata_source {
  event_header header(const event_view&) const override;
  std::string_view stream_name(const event_view&) const override;
  event_metadata metadata(const event_view&) const override;

  const event_page* page = nullptr;
  std::size_t category = 0;  ///< in the page
  uuid event_id{};
  uuid aggregate_id{};
  std::uint64_t version = 0;
  std::uint64_t position = 0;
  std::uint64_t hlc = 0;
  std::int64_t timestamp = 0;
  std::int32_t append_offset = 0;
  std::uint16_t schema = 1;
  annals::codec codec = codec::json;
  bool genesis = false;
  bool large = false;  ///< its payload was left out
  std::string_view type{};
  std::string_view stored_metadata{};
  std::span<const std::byte> payload{};
};

/// Some events, copied out of what the server sent, with 64 readable bytes behind each payload.
///
/// Threads: immutable once it is complete.
class event_page {
 public:
  event_page() = default;
  event_page(const event_page&) = delete;
  event_page& operator=(const event_page&) = delete;

  /// Takes the rows over; `names` must know what they need afterwards (`missing`).
  void load(rows from);
  /// Categories by id, and keys of streams, whose names are not known yet.
  bool knows_categories(name_book& names);
  std::vector<uuid> unknown_keys(name_book& names) const;
  /// Takes from the book what knows_categories and unknown_keys asked for.
  void take_names(name_book& names);

  /// What was loaded.
  const rows& answer() const noexcept { return rows_; }
  std::span<const paged_event> events() const noexcept { return events_; }
  std::size_t bytes() const noexcept { return bytes_.size(); }
  event_view view(const paged_event& of) const;
  /// Gives an event the payload that was left out of the page, and takes it away again.
  void set_payload(std::size_t index, std::string_view payload);
  void drop_payload(std::size_t index);
  std::vector<std::string_view> tags(const paged_event& of, std::vector<std::string>& owned) const;
  std::string_view stream_name(const paged_event& of) const;
  std::string_view category_name(const paged_event& of) const noexcept {
    return categories_[of.category].name;
  }
  uuid stream_key(const paged_event& of) const;

 private:
  std::size_t category_index(std::int32_t id);

  rows rows_{nullptr};
  std::string bytes_{};  // payloads
  std::string large_{};  // one that is too large for a page
  std::vector<paged_event> events_{};
  std::vector<category> categories_{};
  std::unordered_map<std::int32_t, std::size_t> category_places_{};
  std::unordered_map<uuid, std::string> names_by_key_{};
  mutable std::mutex mutex_{};
  mutable std::unordered_map<uuid, std::vector<std::pair<std::size_t, std::string>>>
      made_names_{};  // by aggregate
};

}  // namespace postgres
}  // namespace v1
}  // namespace annals
