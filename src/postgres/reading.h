#pragma once

#include <deque>

#include "postgres_store.h"

namespace annals {
inline namespace v1 {
namespace postgres {

/// One read: of a stream or of the store, page by page, each with a snapshot of its own.
class reading {
 public:
  reading(postgres_store& store, const read_request& request, sink& on_batch)
      : store_(store), request_(request), sink_(on_batch), now_(store.environment().now()) {}
  ~reading() { drop_ahead(); }
  reading(const reading&) = delete;
  reading& operator=(const reading&) = delete;

  result<read_end> run();

 private:
  using page_pointer = std::unique_ptr<event_page>;

  /// What came of asking for the end of a stream.
  enum class tail : std::uint8_t { no_stream, whole, unclear };
  struct window {  // positions, both included, and how many events of them are asked for
    std::uint64_t from = 1;
    std::uint64_t to = 0;
    std::uint64_t most = 0;
  };
  struct seen_window {  // what came of one
    window range{};
    bool whole = false;  // all of it; else up to the page's last event
    bool full = false;   // it was as wide as windows become: progress is told
  };

  bool forwards() const noexcept { return request_.direction == direction::forwards; }
  bool whole_store() const noexcept { return request_.stream.empty(); }
  bool reports() const noexcept { return whole_store() && forwards(); }
  std::uint64_t left() const noexcept { return request_.limit - end_.delivered; }

  // Of a stream.
  result<read_end> run_stream();
  result<bool> begin_stream();
  bool wants_tail() const noexcept;
  result<tail> begin_tail();
  result<bool> begin_any_stream();
  void take_snapshot(version at, const uuid& last_event, std::string_view state);
  page_pointer kept_page(std::uint64_t from);
  command stream_page(std::uint64_t from, std::uint64_t to, std::uint64_t most) const;
  result<read_end> stream_pages();
  void count_removed(std::uint64_t kept_from);

  // Of the store.
  result<read_end> run_store();
  result<void> begin_store();
  result<void> read_window();
  result<void> take_window(const seen_window& seen, const rows& event_at_end, event_page& page);
  result<read_end> end_of_store();
  bool everything() const;
  window next_window(std::uint64_t most) const;
  std::vector<command> commands_of(const window& asked);
  result<std::vector<rows>> rows_of(const window& asked);
  result<page_pointer> page_of(rows from);
  command store_page(const window& asked);
  void ask_ahead(std::uint64_t left);
  void drop_ahead();
  result<void> check_gapless(const event_page& page, std::uint64_t from, std::uint64_t to,
                             bool whole_window);
  std::string condition_sql(command& into, bool hidden) const;
  command removed_count(std::uint64_t from, std::uint64_t to);

  // Of both.
  result<page_pointer> fetch(const command& what, std::vector<rows>* others,
                             std::span<const command> beside);
  result<void> fetch_large(event_page& page, std::size_t index);
  result<void> deliver(event_page& page, std::span<const paged_event> events,
                       const checkpoint& scanned_to, bool report);
  bool selected(const event_page& page, const paged_event& event) const;
  std::size_t cut_to_limit(const event_page& page, std::span<const paged_event> events) const;
  void adapt(const event_page& page);

  postgres_store& store_;
  const read_request& request_;
  sink& sink_;
  time_point now_;
  read_end end_{};
  std::uint64_t first_ = 1;  // the range, both included; empty when first_ > last_
  std::uint64_t last_ = 0;
  std::uint64_t page_events_ = 1'024;
  bool stopped_ = false;
  bool snapshot_seen_ = false;  // and accepted, or not
  bool retained_ = false;       // some stream of the store has retention
  std::vector<std::int32_t> categories_{};
  checkpoint head_{};
  std::optional<postgres_store::stream_facts> stream_{};
  stream_place place_{};
  std::deque<page_pointer> kept_pages_{};  // came with what the read began with
  statement chosen_{};                     // the page of a filtered read
  statement counting_{};                   // what retention hides
  std::optional<pool::loan> kept_{};       // the connection that is asked ahead
  std::deque<window> ahead_{};             // what the server works at while a page is delivered
  bool dense_ = true;                      // no position has been missing so far
};

}  // namespace postgres
}  // namespace v1
}  // namespace annals
