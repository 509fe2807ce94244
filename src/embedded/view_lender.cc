#include "view_lender.h"

#include "annals/engine.h"
#include "annals/stream.h"
#include "bytes.h"
#include "event_metadata.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

const std::byte* item_of(const event_view& view) noexcept {
  return view.payload().data() - sizeof(event_item);
}

}  // namespace

void view_lender::begin(const read_filter& filter, const taker& take) {
  take_ = &take;
  filter_ = selects_all(filter) ? nullptr : &filter;
  views_.reserve(events_per_turn);
  items_.reserve(events_per_turn);
}

result<void> view_lender::end() {
  return !stopped_ && looked_at_ != 0 ? hand_over() : result<void>{};
}

result<void> view_lender::hand_over() {
  turn now{.events = views_, .items = items_, .looked_at = looked_at_};
  if (last_item_ != nullptr) {
    const auto event = read_as<event_item>(last_item_);
    now.scanned_to = event.sequence;
    now.scanned_to_id = event.event_id;
  }
  // Before, so that nothing is handed over that was lost; after, as it may be lost meanwhile.
  if (auto whole = check_pages(); !whole) return whole;
  const auto answer = (*take_)(now);
  views_.clear();
  items_.clear();
  looked_at_ = 0;
  if (!answer) return std::unexpected(answer.error());
  if (auto whole = check_pages(); !whole) return whole;
  stopped_ = *answer == flow::stop;
  return {};
}

bool view_lender::selects(const std::byte* item, const event_item& event) {
  tags_.clear();
  for_each_tag(item_view(item), [&](std::string_view tag) { tags_.push_back(tag); });
  return matches(*filter_, category_of(event.category), type_of(event.type), tags_);
}

void view_lender::lend(const std::byte* item, const event_item& event) {
  views_.push_back(event_view({.type = type_of(event.type),
                               .payload = {item + sizeof(event_item), event.payload_length},
                               .version = {event.version},
                               .position = {.sequence = event.sequence},
                               .schema = event.schema,
                               .codec = static_cast<codec>(event.codec),
                               .source = this}));
  items_.push_back(item);
}

result<void> view_lender::look_at(const std::byte* item, const event_item& event) {
  last_item_ = item;
  ++looked_at_;
  if (filter_ == nullptr || selects(item, event)) lend(item, event);
  return views_.size() == events_per_turn || looked_at_ >= most_looked_at ? hand_over()
                                                                          : result<void>{};
}

result<void> view_lender::pass_over(std::uint64_t events, const std::byte* last) {
  last_item_ = last;
  looked_at_ += events;
  return looked_at_ >= most_looked_at ? hand_over() : result<void>{};
}

event_header view_lender::header(const event_view& view) const {
  const auto event = read_as<event_item>(item_of(view));
  return {.event_id = event.event_id,
          .stream_key = event.stream_key,
          .aggregate_id = aggregate_id_of(checked_name_at(event.name), event.stream_key),
          .timestamp = time_point(std::chrono::microseconds(event.timestamp)),
          .recorded = {event.recorded},
          .genesis = (event.flags & event_is_genesis) != 0};
}

std::string_view view_lender::stream_name(const event_view& view) const {
  return checked_name_at(read_as<event_item>(item_of(view)).name);
}

event_metadata view_lender::metadata(const event_view& view) const {
  const std::byte* const item = item_of(view);
  const auto event = read_as<event_item>(item);
  return metadata_of(view, header(view), checked_name_at(event.name), item_view(item),
                     item - std::size_t{event.frame_distance} * 8);
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
