#include "commit_log.h"

#include <algorithm>
#include <cstring>

#include "annals/assert.h"
#include "annals/limits.h"
#include "bytes.h"
#include "frame.h"
#include "store_directory.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::uint64_t odd_segment_unit = 1U << 20U;  // bytes; segments made for one great frame
constexpr std::uint64_t most_held_back = 64U << 10U;   // bytes; hundreds of changes of retention

std::uint64_t held_back_of(std::uint64_t capacity) noexcept {
  return std::min(most_held_back, capacity / 16);
}

std::string_view writer_version() noexcept {
  return "annals 0.1";
}

}  // namespace

commit_log::commit_log(env& environment, store_paths paths, const embedded_options& options,
                       const uuid& store_id, log_end end, std::unique_ptr<shared_state> tells,
                       completion_thread& completions, notifier& waits)
    : env_(environment),
      paths_(std::move(paths)),
      segment_bytes_(options.segment_bytes),
      flushes_(options.durability == durability::power_loss),
      store_id_(store_id),
      completions_(completions),
      notifier_(waits),
      state_(std::move(tells)),
      supply_(environment, paths_, end.active->number() + 1, written_through(options)),
      image_(tail_image::budget_for(options.segment_bytes)),
      end_(std::move(end)),
      durable_(end_.place()),
      flushed_(durable_),
      durable_sequence_(end_.last_sequence),
      durable_event_(end_.last_event),
      marked_(durable_) {}

commit_log::~commit_log() {
  ANNALS_ASSERT(!io_thread_, "a commit log is closed before it is destroyed");
}

bool commit_log::fits(std::size_t frame_bytes) const noexcept {
  const auto capacity = end_.active->capacity();
  return end_.offset + frame_bytes + seal_frame_bytes + held_back_of(capacity) <= capacity;
}

bool commit_log::has_room_held_back(std::size_t frame_bytes) const noexcept {
  return end_.offset + frame_bytes + seal_frame_bytes <= end_.active->capacity();
}

std::uint64_t commit_log::capacity_for(std::size_t frame_bytes) const noexcept {
  const auto planned = planned_capacity(end_.active->number() + 1, segment_bytes_);
  const auto needed = first_frame_offset + frame_bytes + seal_frame_bytes;
  if (needed + held_back_of(planned) <= planned) return planned;
  return round_up(needed + most_held_back, std::min(odd_segment_unit, segment_bytes_));
}

bool commit_log::has_room(std::size_t frame_bytes) {
  return fits(frame_bytes) || supply_.has(capacity_for(frame_bytes));
}

result<void> commit_log::make_room(lock_type& lock, std::size_t frame_bytes) {
  const auto capacity = capacity_for(frame_bytes);
  lock.unlock();
  auto waited = supply_.wait_for(capacity);
  lock.lock();
  return waited;
}

commit_log::place commit_log::reserve(std::size_t frame_bytes, bool held_back) {
  if (!held_back && !fits(frame_bytes)) rotate(frame_bytes);
  ANNALS_ASSERT(has_room_held_back(frame_bytes), "reserve() after has_room()");
  auto& group = open_group(frame_bytes);
  return {group.memory + group.used, end_.place(), end_.active->seed()};
}

commit_group& commit_log::open_group(std::size_t more_bytes) {
  if (groups_.empty() || groups_.back()->closed) {
    new_group(more_bytes);
  } else if (groups_.back()->used + more_bytes > groups_.back()->room) {
    grow(*groups_.back(), more_bytes);
  }
  return *groups_.back();
}

void commit_log::new_group(std::size_t more_bytes) {
  auto group = std::make_shared<commit_group>();
  group->into = end_.active;
  group->base = round_down(end_.offset, end_.active->write_unit());
  group->prefix = static_cast<std::size_t>(end_.offset - group->base);
  const std::size_t needed = group->prefix + more_bytes;
  if (!page_ || page_used_ + needed > page_->size()) {
    page_ = image_.page(round_up(needed, block_bytes));
    page_used_ = 0;
  }
  group->page = page_;
  group->memory = page_->data() + page_used_;
  group->room = page_->size() - page_used_;
  group->used = group->prefix;
  copy_bytes(group->memory, std::span(end_.partial_block).first(group->prefix));
  groups_.push_back(std::move(group));
}

// A group stays in one piece: it moves to a greater page.
void commit_log::grow(commit_group& group, std::size_t more_bytes) {
  auto greater = image_.page(round_up(2 * (group.used + more_bytes), block_bytes));
  std::memcpy(greater->data(), group.memory, group.used);
  page_ = greater;
  page_used_ = 0;
  group.memory = greater->data();
  group.room = greater->size();
  group.page = std::move(greater);
}

void commit_log::close_group(commit_group& group) {
  if (group.closed) return;
  group.closed = true;
  const std::size_t alignment = group.into->write_unit();
  const std::size_t whole = round_up(group.used, alignment);
  std::memset(group.memory + group.used, 0, whole - group.used);
  const std::size_t last_block = round_down(group.used, alignment);
  end_.partial_block.assign(group.memory + last_block, group.memory + group.used);
  // Readers may look a little behind the last payload: nothing may be written there later.
  const auto used = static_cast<std::size_t>(group.memory - page_->data()) + group.used;
  page_used_ = std::min(round_up(used + readable_after_payload, block_bytes), page_->size());
}

// The seal goes into the old segment; what follows, into a new one, in a group of its own.
void commit_log::rotate(std::size_t frame_bytes) {
  auto body = [&] {
    ANNALS_ASSERT(supply_.has(capacity_for(frame_bytes)), "reserve() after has_room()");
    return supply_.take();
  }();
  auto& group = open_group(seal_frame_bytes);
  std::byte* at = group.memory + group.used + sizeof(frame_header);
  seal_item seal{.item = {.length = sizeof seal,
                          .kind = static_cast<std::uint16_t>(item_kind::seal),
                          .head = sizeof seal},
                 .frames = end_.frames,
                 .events = end_.events,
                 .last_sequence = end_.last_sequence,
                 .next_segment = end_.active->number() + 1};
  write_as(at, seal);
  std::uint32_t items_crc = end_.active->seed();
  finish_head(at, end_.active->seed(), items_crc);
  const lsn seal_place = end_.place();
  put_frame(group, seal_frame_bytes,
            {.kind = frame_kind::seal, .items = 1, .items_crc = items_crc});

  auto next = std::make_shared<segment>();
  next->header = {.store_id = store_id_,
                  .number = end_.active->number() + 1,
                  .capacity = body.capacity,
                  .first_sequence = end_.last_sequence + 1,
                  .clock = end_.clock,
                  .previous_seal = seal_place,
                  .previous_crc = end_.last_crc,
                  .made = env_.now().time_since_epoch().count()};
  std::array<std::uint8_t, sizeof(std::uint64_t)> salt{};
  env_.random(salt);
  std::memcpy(&next->header.salt, salt.data(), sizeof next->header.salt);
  std::ranges::copy(writer_version(), next->header.writer.begin());
  next->path = paths_.segment(next->number());
  next->writer = std::move(body.writer);
  group.successor = next;
  close_group(group);
  end_.active = next;
  end_.offset = first_frame_offset;
  end_.last_length = 0;
  end_.frames = 0;
  end_.events = 0;
  supply_asked_ = false;
  if (on_new_segment) on_new_segment(std::move(next));
}

void commit_log::put_frame(commit_group& group, std::size_t frame_bytes, const frame_facts& facts) {
  const std::uint64_t clock = std::max(facts.clock, end_.clock);
  const frame_header header{.length = static_cast<std::uint32_t>(frame_bytes),
                            .place = end_.place(),
                            .first_sequence = end_.last_sequence + 1,
                            .events = facts.events,
                            .items = facts.items,
                            .kind = static_cast<std::uint16_t>(facts.kind),
                            .items_crc = facts.items_crc,
                            .previous_crc = end_.last_crc,
                            .previous_length = end_.last_length,
                            .durable = flushed_,
                            .clock = clock};
  end_.last_crc = finish_frame(group.memory + group.used, header, end_.active->seed());
  end_.last_length = header.length;
  end_.offset += frame_bytes;
  end_.clock = clock;
  end_.last_sequence += facts.events;
  end_.events += facts.events;
  ++end_.frames;
  if (facts.events != 0) end_.last_event = facts.last_event;
  group.used += frame_bytes;
  group.last_sequence = end_.last_sequence;
  group.last_event = end_.last_event;
}

void commit_log::stage(std::size_t frame_bytes, const frame_facts& facts) {
  put_frame(*groups_.back(), frame_bytes, facts);
  if (facts.kind == frame_kind::mark || facts.kind == frame_kind::opened) marked_ = end_.place();
  if (supply_asked_ || end_.offset < end_.active->capacity() / 2) return;
  supply_asked_ = true;
  supply_.want(planned_capacity(end_.active->number() + 1, segment_bytes_));
}

bool commit_log::overloaded(std::size_t more_bytes) const noexcept {
  const auto appends = in_flight_.load(std::memory_order_relaxed);
  if (appends == 0) return false;  // alone, the greatest append passes
  return appends >= limits::appends_in_flight ||
         in_flight_bytes_.load(std::memory_order_relaxed) + more_bytes >
             limits::appends_in_flight_bytes;
}

checkpoint commit_log::durable_head() const {
  if (durable_sequence_ == 0) return {};
  return {store_id_,
          {.sequence = durable_sequence_, .fingerprint = fingerprint_of(durable_event_)}};
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
