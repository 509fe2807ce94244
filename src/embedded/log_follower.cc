#include "log_follower.h"

#include <algorithm>
#include <deque>

#include "replay.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::chrono::seconds between_looks_around{1};
// Without STATE a log that is being written is looked at so often.
constexpr std::chrono::milliseconds between_looks_at_log{100};
// What a living writer may be about to mend is read so many times; the caller pauses in between.
constexpr int most_tries = 20;

}  // namespace

result<log_follower::outcome> log_follower::catch_up() {
  if (failed_) return std::unexpected(*failed_);
  if (auto there = look_around(); !there) return std::unexpected(there.error());
  const auto until = find_reach();
  if (!until) return std::unexpected(until.error());
  while (place_ < *until) {
    const bool leaves =
        !current_ || (current_->number() < until->segment() && scan_->stop() == scan_stop::sealed);
    if (leaves)
      if (auto opened = open_next(*until); !opened) return std::unexpected(opened.error());
    const auto read = read_segment(*until);
    if (!read || *read == outcome::again) return read;
  }
  tries_ = 0;
  return outcome::done;
}

// Files stay readable when they are deleted or replaced: nobody may follow them for ever.
result<void> log_follower::look_around() {
  const auto now = env_.monotonic();
  const bool due = !looked_around_ || now - *looked_around_ >= between_looks_around;
  if (!due && state_) return {};
  if (due) {
    if (auto there = check_still_there(directory_, env_); !there) return there;
    looked_around_ = now;
  }
  auto found = shared_state::find(env_, directory_.paths, directory_.store_id);
  if (!found) return std::unexpected(found.error());
  state_ = std::move(*found);
  return {};
}

result<lsn> log_follower::find_reach() {
  if (state_ && state_->counts()) {
    const auto durable = state_->durable();
    note_told(true);
    if (durable >= place_) return durable;
    if (!current_) return place_;  // a file of an older copy: what MANIFEST names is sealed
    return corrupt_log(directory_.paths.root +
                       ": the log ends before what was read of it; an older copy of the store was "
                       "put in its place, open it anew");
  }
  note_told(false);
  const auto now = env_.monotonic();
  if (looked_at_log_) {
    if (now - *looked_at_log_ < between_looks_at_log) return place_;
    const auto written = env_.is_locked(directory_.paths.lock());
    if (!written) return std::unexpected(written.error());
    if (!*written) return place_;  // nothing can have changed
  }
  looked_at_log_ = now;
  const auto proven = proven_by_log();
  if (!proven) return std::unexpected(proven.error());
  return std::max(*proven, place_);
}

void log_follower::note_told(bool told) {
  if (told == told_) return;
  const std::scoped_lock lock(guard_);
  told_ = told;
}

// A segment is begun once the one before is sealed, durably: the last one that holds anything says
// how far the log is proven.
result<lsn> log_follower::proven_by_log() {
  const auto numbers = list_segments(directory_.paths, env_);
  if (!numbers) return unless_gone(numbers.error());
  const auto closed = directory_.closed ? directory_.closed->end : lsn{};
  for (auto number = numbers->back(); number > 0; --number) {
    const auto opened = open_segment(number);
    if (!opened) return std::unexpected(opened.error());
    const auto proven = proven_in(**opened, closed);
    if (!proven || *proven) return proven ? result<lsn>(**proven) : std::unexpected(proven.error());
  }
  return closed;
}

// Each frame proves what stands before its durable LSN; of the frames that hold, whole ones. What
// only looks like a frame, inside the payload of one, proves nothing. Behind the first that does
// not hold everything counts: what proves more than there is tells of damage.
result<std::optional<lsn>> log_follower::proven_in(const segment& one, lsn closed) {
  lsn proven = lsn::at(one.number(), first_frame_offset);
  std::deque<lsn> unproven;  // ends of frames
  const auto prove = [&](lsn durable) {
    for (; !unproven.empty() && unproven.front() <= durable; unproven.pop_front())
      proven = unproven.front();
  };
  segment_scan scan(*one.reader, one.header);
  for (auto frame = scan.next(); !frame || *frame; frame = scan.next()) {
    // One of a newer program is spoken of when it is read, if it was acknowledged.
    if (!frame && frame.error().code() == errc::store_too_new) break;
    if (!frame) return std::unexpected(frame.error());
    prove((*frame)->header().durable);
    unproven.push_back(lsn::at(one.number(), scan.offset()));
  }
  const auto behind = examine_tail(*one.reader, one.header, scan.offset());
  if (!behind) return std::unexpected(behind.error());
  if (behind->nonzero_end == first_frame_offset) return std::optional<lsn>{};
  const auto claimed = std::max(closed, behind->greatest_durable);
  if (claimed > lsn::at(one.number(), scan.offset())) return std::optional(claimed);
  prove(claimed);
  return std::optional(proven);
}

result<void> log_follower::open_next(lsn until) {
  const auto number = (current_ ? current_->number() : index_.sealed()->segments()) + 1;
  auto opened = open_segment(number);
  if (!opened) return std::unexpected(opened.error());
  auto& next = **opened;
  {
    const auto before =
        scan_ ? segment_end{scan_->last_place(), scan_->last_crc(), scan_->next_sequence()}
              : end_of(*index_.sealed());
    if (auto linked = check_link(next.header, next.path, before); !linked)
      return unless_gone(linked.error());
  }
  if (number == until.segment()) {
    auto direct = env_.open(next.path, file_mode::read, write_through::durable);
    if (!direct) return unless_gone(direct.error());
    next.direct = std::move(*direct);
  }
  leave_segment();
  current_ = *opened;
  scan_.emplace(current_->direct ? *current_->direct : *current_->reader, current_->header);
  const std::scoped_lock lock(guard_);
  index_.begin_segment(current_);
  place_ = lsn::at(number, first_frame_offset);
  return {};
}

result<std::shared_ptr<segment>> log_follower::open_segment(std::uint64_t number) {
  auto opened = std::make_shared<segment>();
  opened->path = directory_.paths.segment(number);
  const auto there = env_.exists(opened->path);
  if (!there) return std::unexpected(there.error());
  if (!*there) return missing(opened->path);
  auto reader = env_.open(opened->path, file_mode::read, write_through::none);
  if (!reader) return unless_gone(reader.error());
  opened->reader = std::move(*reader);
  // Whoever uses the file again has it locked, and gives it another name.
  const auto locked = opened->reader->try_lock(lock_kind::shared);
  if (!locked) return std::unexpected(locked.error());
  if (!*locked) return missing(opened->path);
  const auto header =
      read_segment_header(*opened->reader, opened->path, directory_.store_id, number);
  if (!header) return unless_gone(header.error());
  opened->header = *header;
  return opened;
}

// A sealed segment does not change any more: its second file is given back.
void log_follower::leave_segment() {
  if (!current_ || !current_->direct) return;
  auto sealed = std::make_shared<segment>();
  sealed->header = current_->header;
  sealed->path = current_->path;
  sealed->reader = current_->reader;
  const std::scoped_lock lock(guard_);
  index_.replace_file(std::move(sealed));
}

result<log_follower::outcome> log_follower::read_segment(lsn until) {
  const bool last = current_->number() == until.segment();
  const std::uint64_t end = last ? until.offset() : current_->capacity();
  // Looked at twice, as memory and transfers fail too.
  for (int look = 0; look < 2; ++look) {
    const auto complete = read_frames(end);
    if (!complete) return std::unexpected(complete.error());
    if (!*complete) continue;
    tries_ = 0;
    return outcome::done;
  }
  return unreadable();
}

/// True when the segment was read up to there, or to its seal where it is not the last.
result<bool> log_follower::read_frames(std::uint64_t until) {
  scan_->go_on_to(until);
  for (;;) {
    const auto frame = scan_->next();
    if (!frame) return std::unexpected(frame.error());
    if (!*frame) break;
    const std::scoped_lock lock(guard_);
    if (const auto problem = replay(index_, **frame)) {
      const auto at = std::to_string((*frame)->header().place.offset());
      failed_ = corrupt_log(current_->path + ": offset " + at + ": " + *problem).error();
      return std::unexpected(*failed_);
    }
    place_ = lsn::at(current_->number(), scan_->offset());
  }
  return scan_->offset() == until ||
         (scan_->stop() == scan_stop::sealed && until == current_->capacity());
}

// A living writer may be rewriting the last block; nobody else may.
result<log_follower::outcome> log_follower::unreadable() {
  const auto written = env_.is_locked(directory_.paths.lock());
  if (!written) return std::unexpected(written.error());
  if (*written && ++tries_ < most_tries) return outcome::again;
  tries_ = 0;
  if (auto there = check_still_there(directory_, env_); !there)
    return std::unexpected(there.error());
  const auto tail = examine_tail(*current_->reader, current_->header, scan_->offset());
  if (!tail) return std::unexpected(tail.error());
  const std::string what =
      scan_->stop() == scan_stop::bad ? scan_->problem() : "frames are missing here";
  auto text = describe_damage(current_->path, scan_->offset(), what, scan_->next_sequence(), *tail);
  if (told_ && !*written) text += "; if this is a copy of a store, remove the file STATE from it";
  return corrupt_log(std::move(text));
}

std::unexpected<error> log_follower::missing(const std::string& path) {
  return unless_gone(corrupt_log(path + ": the segment is missing").error());
}

std::unexpected<error> log_follower::unless_gone(error problem) {
  if (auto there = check_still_there(directory_, env_); !there)
    return std::unexpected(std::move(there.error()));
  return std::unexpected(std::move(problem));
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
