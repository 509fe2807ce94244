#pragma once

#include <memory>
#include <span>
#include <vector>

#include "sealed_log.h"
#include "view_lender.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Reads events out of sealed segments and lends them where they are mapped, without copying. One
/// per call.
///
/// Errors:  store_corrupt with segment, offset and positions; database_error.
/// Threads: see view_lender.
class sealed_reader final : public view_lender {
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

  result<void> read(const wish& wanted, const taker& take);

 private:
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
  result<const std::byte*> event_at(const mapped_segment& in, std::uint64_t offset) const;
  result<void> look_at_checked(const mapped_segment& in, const std::byte* item,
                               const event_item& event);
  result<void> check_lent(const mapped_segment& in, std::uint64_t offset, const event_item& event);

  std::string_view type_of(std::uint32_t number) override { return log_->type_of(number); }
  std::string_view category_of(std::uint32_t number) override { return log_->category_of(number); }
  std::string_view checked_name_at(lsn place) const noexcept override {
    return log_->checked_name_at(place);
  }
  result<void> check_pages() const override { return log_->check_pages(); }

  std::shared_ptr<const sealed_log> log_;
  lsn named_at_{};  // the last name that was checked: events of a stream have the same one
  uuid named_{};
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
