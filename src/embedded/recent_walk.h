#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "log_index.h"
#include "tail_image.h"
#include "view_lender.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Goes through the frames of segments that have no index file yet, in the order of the log, and
/// lends their events where they stand: in the memory that they were written from, or mapped. What
/// no earlier walk has checked is checked. One per call.
///
/// Errors:  store_corrupt for what does not hold, as it is seen through the mapping: the file may
///          be whole. database_error.
/// Threads: see view_lender.
class recent_walk final : public view_lender {
 public:
  /// What a walk goes through, and keeps while it lives.
  struct log_part {
    std::shared_ptr<const sealed_log> sealed{};        ///< before them; names stand there too
    std::vector<std::shared_ptr<segment>> segments{};  ///< ascending
    lsn durable{};                                     ///< nothing behind it is looked at
    std::vector<log_stretch> in_memory{};              ///< ascending
  };
  recent_walk(log_part of, std::mutex& guard, const dictionary& types, const dictionary& categories)
      : of_(std::move(of)), guard_(guard), types_{types}, categories_{categories} {}

  /// Events by position, both included; `first` stands at a place.
  struct wish {
    lsn place{};
    std::uint64_t first = 1;
    std::uint64_t last = 0;
    const read_filter* filter = nullptr;
  };
  result<void> read(const wish& wanted, const taker& take);

 private:
  /// Texts of a dictionary by number, looked up once.
  struct known_texts {
    const dictionary& of;
    std::vector<std::string_view> texts{};
  };
  /// A segment that was mapped.
  struct opened {
    const segment* of = nullptr;
    const paged_mapping* mapped = nullptr;
    recent_bytes::stretch checked{};  ///< by earlier walks
    recent_bytes::stretch walked{};   ///< by this one
    std::uint64_t fetched_from = 0;
    std::uint64_t fetched_to = 0;
  };
  /// Frames that follow each other in memory.
  struct piece {
    opened* from = nullptr;
    lsn begin{};
    lsn end{};
    const std::byte* data = nullptr;  ///< of `begin`
    bool in_memory = false;           ///< of this process; else mapped
  };

  result<lsn> first_frame(const wish& wanted);
  result<void> walk(lsn from, const wish& wanted);
  result<piece> piece_at(lsn place);
  /// The place behind the frames of a piece; none when all that is wanted was found.
  result<std::optional<lsn>> walk_piece(const piece& in, const wish& wanted);
  result<frame_view> frame_at(const piece& in, lsn place);
  result<void> walk_frame(const frame_view& frame, const wish& wanted);
  result<opened*> open(std::uint64_t number);
  result<void> fetch(opened& from, std::uint64_t offset, std::uint64_t length);
  result<void> check_name(lsn place, const uuid& key);
  const log_stretch* in_memory(lsn place) const noexcept;
  std::uint64_t end_of(const opened& in) const noexcept;
  std::unexpected<error> damaged(lsn place, std::string_view what) const;

  std::string_view text_of(known_texts& in, std::uint32_t number);
  std::string_view type_of(std::uint32_t number) override { return text_of(types_, number); }
  std::string_view category_of(std::uint32_t number) override {
    return text_of(categories_, number);
  }
  std::string_view checked_name_at(lsn place) const noexcept override;
  result<void> check_pages() const override;

  log_part of_;
  std::mutex& guard_;
  known_texts types_;
  known_texts categories_;
  std::deque<opened> opened_{};  // they do not move
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
