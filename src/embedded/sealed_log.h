#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "annals/engine.h"
#include "index_run.h"
#include "mapped_segment.h"
#include "recent_segment.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// What the newest event of a stream tells of it. The name is that of the index's entry, or stands
/// in the sealed log, and lives as long as that.
struct stream_head {
  uuid key{};
  std::string_view name{};
  lsn name_place{};
  std::uint32_t category = 0;
  version newest{};
  lsn last{};  ///< its newest event
  std::uint64_t last_sequence = 0;
  uuid last_id{};
  retention kept{};
  bool known = true;  ///< false: name, last_sequence, last_id and kept were not looked up
};

/// The events of a stream in one sealed segment.
struct stream_piece {
  const mapped_segment* in = nullptr;
  postings events{};

  std::uint64_t first_version() const noexcept { return events.first_version; }
  std::uint64_t last_version() const noexcept { return events.first_version + events.count - 1; }
};

/// What a look-up of a stream is followed by, and can be asked of the disk at once.
enum class followed_by : std::uint8_t { nothing, its_events };

/// The sealed segments that have index files, and those: nothing of it is in memory but what was
/// mapped. Immutable; another one takes its place when a segment has been indexed or runs were
/// joined.
///
/// Errors:  every call that looks something up may answer store_corrupt and database_error.
/// Threads: any.
class sealed_log {
 public:
  using segment_list = std::vector<std::shared_ptr<const mapped_segment>>;
  using run_list = std::vector<std::shared_ptr<const index_run>>;

  /// Of nothing.
  sealed_log() = default;
  sealed_log(std::shared_ptr<const sealed_context> context, segment_list segments, run_list runs,
             std::vector<std::string> types, std::vector<std::string> categories);

  std::uint64_t segments() const noexcept { return segments_.size(); }
  bool empty() const noexcept { return segments_.empty(); }
  std::uint64_t last_sequence() const noexcept {
    return empty() ? 0 : segments_.back()->last_sequence();
  }
  /// Id of the last event; nil: there is none.
  uuid last_event() const noexcept;
  bool has_retention() const noexcept { return retained_; }
  const segment_list& all() const noexcept { return segments_; }
  const run_list& runs() const noexcept { return runs_; }
  std::uint64_t hash_seed() const noexcept { return hash_seed_; }
  const std::vector<std::string>& type_texts() const noexcept { return types_; }
  const std::vector<std::string>& category_texts() const noexcept { return categories_; }
  /// How many types its dictionary has.
  std::uint32_t types() const noexcept { return static_cast<std::uint32_t>(types_.size()); }
  std::string_view type_of(std::uint32_t number) const noexcept { return text(types_, number); }
  std::string_view category_of(std::uint32_t number) const noexcept {
    return text(categories_, number);
  }
  std::uint32_t type_number(std::string_view type) const noexcept { return number(types_, type); }
  std::uint32_t category_number(std::string_view category) const noexcept {
    return number(categories_, category);
  }

  /// Asks for the memory that a look-up of a stream or command will touch: of several that follow,
  /// each would wait for its own.
  void prefetch(term_kind kind, const uuid& id) const noexcept;
  /// Says that a stream will be looked up; returns at once. False when what that begins with is in
  /// memory.
  bool expect_stream(const uuid& key) const noexcept;
  result<std::optional<stream_head>> find_stream(const uuid& key,
                                                 followed_by next = followed_by::nothing) const;
  result<std::optional<command_entry>> find_command(const uuid& id) const;
  result<std::optional<retention>> find_retention(const uuid& key) const;
  /// The name of the stream that a command listed first.
  result<std::string> name_of(const command_entry& command) const;

  result<event_entry> event_at(std::uint64_t sequence) const;
  /// Of a stream whose newest event is `last`. The first of those that may follow are asked of the
  /// disk together with it.
  result<event_entry> event_at(const uuid& key, lsn last, version number,
                               followed_by next = followed_by::nothing) const;
  /// The segments with events of a stream whose newest is `last`, from a version on, oldest first.
  result<std::vector<stream_piece>> pieces_of(const uuid& key, lsn last, version from) const;

  /// Whether what was looked at until now was what the files hold. What a call has found counts
  /// only when this finds nothing afterwards.
  ///
  /// Errors:  database_error naming the file.
  /// Cost:    next to nothing, as long as no page of this process was ever lost.
  result<void> check_pages() const;

  /// The segment, mapped, that a place is in.
  result<const mapped_segment*> segment_of(lsn place) const;
  /// The number of the segment that holds an event.
  std::uint64_t holder_of(std::uint64_t sequence) const noexcept;
  result<item_view> item_at(lsn place) const;
  result<event_item> event_item_at(lsn place) const;
  /// The name that stands at a place, of a stream with this key.
  result<std::string_view> name_at(lsn place, const uuid& key) const;
  /// The same where `check_name` found nothing wrong before.
  std::string_view checked_name_at(lsn place) const noexcept;
  result<void> check_name(lsn place, const uuid& key) const;

  /// Events that may be selected, in one segment: their offsets, ascending; none when nearly all
  /// may be.
  result<std::optional<std::vector<std::uint32_t>>> candidates(const mapped_segment& in,
                                                               const read_filter& filter) const;
  /// The first event after `after` that the query selects and `sees` finds visible.
  using visible = std::function<result<bool>(const event_item&)>;
  result<std::optional<event_entry>> first_match(const query& selects, std::uint64_t after,
                                                 const visible& sees) const;

  /// Names of streams that begin with `prefix` and stand behind `after`, ascending, up to `limit`.
  result<std::vector<std::string>> names(std::string_view prefix, std::string_view after,
                                         std::size_t limit) const;

  /// The newest segment that has a term; 0: none. Where there are no runs, segments are asked one
  /// after the other.
  result<std::uint64_t> newest_segment_of(term_kind kind, std::span<const std::byte> bytes) const;
  /// The bytes of the term of a slot that is not of a tag.
  result<std::vector<std::byte>> id_at(const run_slot& slot) const;
  /// True when what stands at a slot's place is of this term.
  result<bool> is_of(const run_slot& slot, std::span<const std::byte> bytes) const;

 private:
  static std::string_view text(const std::vector<std::string>& of, std::uint32_t number) noexcept {
    return number == 0 || number > of.size() ? std::string_view{}
                                             : std::string_view(of[number - 1]);
  }
  static std::uint32_t number(const std::vector<std::string>& of, std::string_view text) noexcept;
  /// Calls `each` with the slots of a term, newest first, until it answers true.
  template <class Each>
  result<bool> find_slot(term_kind kind, std::span<const std::byte> bytes, Each&& each) const;
  result<std::uint64_t> newest_by_indexes(term_kind kind, std::span<const std::byte> bytes) const;
  result<lsn> newest_of(term_kind kind, std::span<const std::byte> bytes) const;
  result<stream_head> head_from(const event_item& event, lsn place) const;
  result<bool> may_match_after(const query_item& item, std::uint64_t after) const;
  result<void> add_places(const mapped_segment& in, term_kind kind,
                          std::span<const std::byte> bytes, std::vector<std::uint32_t>& out) const;
  result<std::uint64_t> count_of(const mapped_segment& in, term_kind kind,
                                 std::span<const std::byte> bytes) const;
  result<std::optional<std::vector<std::uint32_t>>> candidates_of(const mapped_segment& in,
                                                                  const query_item& item) const;

  std::shared_ptr<const sealed_context> context_{};
  segment_list segments_{};  // from number 1
  run_list runs_{};          // oldest first
  std::uint64_t hash_seed_ = 0;
  std::vector<std::string> types_{};
  std::vector<std::string> categories_{};
  bool retained_ = false;
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
