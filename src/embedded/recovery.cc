#include "recovery.h"

#include <algorithm>

#include "annals/obs.h"
#include "bytes.h"
#include "cached_tail.h"
#include "log_scan.h"
#include "lost_indexes.h"
#include "replay.h"
#include "set_aside.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

/// One pass over the log, segment by segment.
class recovery {
 public:
  recovery(const store_directory& directory, env& environment, log_index& index,
           write_through through)
      : directory_(directory), env_(environment), index_(index), through_(through) {}

  result<recovered_log> run() {
    const auto numbers = list_segments(directory_.paths, env_);
    if (!numbers) return std::unexpected(numbers.error());
    last_number_ = numbers->back();
    if (auto removed = remove_zeroed_files(); !removed) return std::unexpected(removed.error());
    const auto indexed = index_.sealed()->segments();
    before_ = end_of(*index_.sealed());
    if (last_number_ <= indexed)
      return corrupt_log(directory_.paths.segment(last_number_ + 1) +
                         ": the segment is missing; MANIFEST names the one before it as sealed");
    for (std::uint64_t number = indexed + 1; number <= last_number_; ++number) {
      const auto sealed = read_segment(number);
      if (!sealed) return std::unexpected(sealed.error());
      if (!*sealed) return std::move(found_);
    }
    return corrupt_log(directory_.paths.segment(last_number_ + 1) +
                       ": the segment is missing; the one before it is sealed");
  }

 private:
  // Made ahead by an earlier process. The next segment is made of the one with its number, others
  // are in the way of nothing but room.
  result<void> remove_zeroed_files() {
    const auto numbers = numbers_in(env_, directory_.paths.log(), ".zero");
    if (!numbers) return std::unexpected(numbers.error());
    for (const auto number : *numbers)
      if (number != last_number_ + 1)
        if (auto removed = env_.remove(directory_.paths.zeroed(number)); !removed) return removed;
    return {};
  }

  /// True when the segment is sealed, false when it is the active one.
  result<bool> read_segment(std::uint64_t number) {
    auto opened = open_segment(number);
    if (!opened) return std::unexpected(opened.error());
    auto& current = **opened;
    if (auto linked = check_link(current.header, current.path, before_); !linked)
      return std::unexpected(linked.error());
    index_.begin_segment(*opened);
    segment_scan scan(current.writer ? *current.writer : *current.reader, current.header);
    for (;;) {
      const auto frame = scan.next();
      if (!frame) return std::unexpected(frame.error());
      if (!*frame) break;
      if (const auto problem = replay(index_, **frame))
        return corrupt_log(current.path + ": offset " +
                           std::to_string((*frame)->header().place.offset()) + ": " + *problem);
    }
    before_ = {scan.last_place(), scan.last_crc(), scan.next_sequence()};
    if (scan.stop() == scan_stop::sealed) {
      current.writer.reset();
      return true;
    }
    if (auto ended = end_here(*opened, scan); !ended) return std::unexpected(ended.error());
    return false;
  }

  // The last two may be the active one: they are read as they will be written.
  result<std::shared_ptr<segment>> open_segment(std::uint64_t number) {
    auto opened = std::make_shared<segment>();
    opened->path = directory_.paths.segment(number);
    auto reader = env_.open(opened->path, file_mode::read, write_through::none);
    if (!reader) return std::unexpected(reader.error());
    opened->reader = std::move(*reader);
    const auto header =
        read_segment_header(*opened->reader, opened->path, directory_.store_id, number);
    if (!header) return std::unexpected(header.error());
    opened->header = *header;
    if (number + 1 < last_number_) return opened;
    auto writer = env_.open(opened->path, file_mode::write, through_);
    if (!writer) return std::unexpected(writer.error());
    if (auto synced = (*writer)->sync(); !synced) return std::unexpected(synced.error());
    if (auto settled = settle(**writer, *header); !settled) return std::unexpected(settled.error());
    opened->writer = std::move(*writer);
    return opened;
  }

  // Acknowledged is what the disk has, or, with durability os, what the system still shows.
  result<void> settle(file& written, const segment_header& header) {
    if (written.alignment() != 1) return {};
    if (through_ == write_through::durable) written.drop_cache();
    return settle_cached_tail(written, header, directory_.closed ? directory_.closed->end : lsn{});
  }

  // Behind the last good frame: nothing, a torn tail, or damage.
  result<void> end_here(const std::shared_ptr<segment>& active, const segment_scan& scan) {
    file& from = active->writer ? *active->writer : *active->reader;
    const auto tail = examine_tail(from, active->header, scan.offset());
    if (!tail) return std::unexpected(tail.error());
    const auto here = lsn::at(active->number(), scan.offset());
    const bool closed_beyond = directory_.closed && directory_.closed->end > here;
    const auto followed = followed_by_frames(active->number());
    if (!followed) return std::unexpected(followed.error());
    if (tail->greatest_durable > here || closed_beyond || *followed) {
      const std::string what = scan.stop() == scan_stop::bad ? scan.problem()
                               : closed_beyond ? "the log ends before the place where it was closed"
                                               : "frames are missing here";
      return corrupt_log(
          describe_damage(active->path, scan.offset(), what, scan.next_sequence(), *tail));
    }
    if (active->number() < last_number_)
      if (auto dropped = drop_successor(); !dropped) return dropped;
    if (tail->nonzero_end > scan.offset())
      if (auto repaired = repair(*active, scan.offset(), tail->nonzero_end); !repaired)
        return repaired;
    return note_end(active, scan);
  }

  /// True when a later segment proves that this one was sealed.
  result<bool> followed_by_frames(std::uint64_t active) {
    if (active == last_number_) return false;
    if (active + 1 < last_number_) return true;
    const auto next = open_segment(last_number_);
    if (!next) return std::unexpected(next.error());
    const auto content = examine_tail(*(*next)->reader, (*next)->header, first_frame_offset);
    if (!content) return std::unexpected(content.error());
    return content->nonzero_end > first_frame_offset;
  }

  // The crash came after the successor got its name and before the seal: it holds nothing.
  result<void> drop_successor() {
    auto removed = env_.remove(directory_.paths.segment(last_number_));
    if (removed) removed = env_.sync_directory(directory_.paths.log());
    return removed;
  }

  // Copied aside first; then the blocks are rewritten, so that nothing of it can come back.
  result<void> repair(segment& active, std::uint64_t from, std::uint64_t end) {
    const auto kept = copy_aside(directory_.paths, env_, *active.writer, active.header, from, end);
    if (!kept) return std::unexpected(kept.error());
    if (auto zeroed = zero_stretch(*active.writer, from, end); !zeroed) return zeroed;
    found_.repaired = repair_item{.item = {.length = sizeof(repair_item),
                                           .kind = static_cast<std::uint16_t>(item_kind::repair),
                                           .head = sizeof(repair_item)},
                                  .from = lsn::at(active.number(), from),
                                  .bytes = end - from,
                                  .time = env_.now().time_since_epoch().count()};
    obs::info("a torn tail, never acknowledged, was dropped from the log and copied to lost/");
    return {};
  }

  result<void> note_end(const std::shared_ptr<segment>& active, const segment_scan& scan) {
    auto& end = found_.end;
    end.active = active;
    end.offset = scan.offset();
    end.last_crc = scan.last_crc();
    end.last_length = scan.last_length();
    end.frames = scan.frames();
    end.events = scan.next_sequence() - active->header.first_sequence;
    end.last_sequence = scan.next_sequence() - 1;
    end.clock = scan.clock();
    if (end.last_sequence != 0) end.last_event = index_.last_event();
    const std::uint64_t block = round_down(end.offset, block_bytes);
    file_window window(*active->writer, active->capacity());
    const auto bytes = window.at(block, static_cast<std::size_t>(end.offset - block));
    if (!bytes) return std::unexpected(bytes.error());
    end.partial_block.assign(bytes->begin(), bytes->end());
    return {};
  }

  const store_directory& directory_;
  env& env_;
  log_index& index_;
  write_through through_;
  recovered_log found_{};
  std::uint64_t last_number_ = 0;
  segment_end before_{};
};

}  // namespace

segment_end end_of(const sealed_log& sealed) {
  if (sealed.empty()) return {};
  const auto& last = sealed.all().back()->facts();
  return {last.seal, last.seal_crc, last.first_sequence + last.events};
}

namespace {

// What stands in a sealed segment is checked when it is read; that it is the one, now.
result<void> check_sealed_header(const sealed_context& context, const sealed_segment& facts) {
  const auto path = context.paths.segment(facts.number);
  const auto there = context.environment.exists(path);
  if (!there) return std::unexpected(there.error());
  if (!*there) return corrupt_log(path + ": the segment is missing");
  auto opened = context.environment.open(path, file_mode::read, write_through::none);
  if (!opened) return std::unexpected(opened.error());
  const auto header = read_segment_header(**opened, path, context.store_id, facts.number);
  if (!header) return std::unexpected(header.error());
  if (header->salt == facts.salt && header->capacity == facts.capacity &&
      header->first_sequence == facts.first_sequence)
    return {};
  return corrupt_log(path + ": this is another segment than the one that MANIFEST names");
}

// Index files that are lost are made again from the log; the others stay as they are.
result<void> complete_indexes(const std::shared_ptr<const sealed_context>& context,
                              manifest& content) {
  const auto lost = find_missing_indexes(*context, content);
  if (!lost) return std::unexpected(lost.error());
  const auto tell = [count = std::to_string(content.segments.size())](std::uint64_t number) {
    obs::info("index files are missing and are made again: segment " + std::to_string(number) +
              " of " + count);
  };
  const auto remade = remake_indexes(context, content, *lost, tell);
  if (!remade) return std::unexpected(remade.error());
  if (!*remade) {
    auto made = rebuild_indexes(context, content, tell);
    if (!made) return std::unexpected(made.error());
    content = std::move(*made);
  }
  return remove_unnamed_indexes(*context, content);
}

}  // namespace

result<sealed_beginning> open_beginning(const store_directory& directory, env& environment,
                                        role plays) {
  const auto path = directory.paths.manifest();
  const auto there = environment.exists(path);
  if (!there) return std::unexpected(there.error());
  if (!*there) return index_damaged(path, "the file is missing");
  auto content = read_manifest(environment, path, directory.store_id);
  if (!content) return std::unexpected(content.error());
  auto context =
      std::make_shared<const sealed_context>(sealed_context{.environment = environment,
                                                            .paths = directory.paths,
                                                            .store_id = directory.store_id,
                                                            .hash_seed = content->hash_seed,
                                                            .plays = plays});
  for (const auto& facts : content->segments)
    if (auto checked = check_sealed_header(*context, facts); !checked)
      return std::unexpected(checked.error());
  if (plays == role::writer)
    if (auto whole = complete_indexes(context, *content); !whole)
      return std::unexpected(whole.error());
  auto sealed = open_sealed_log(context, *content, nullptr);
  if (!sealed) return std::unexpected(sealed.error());
  return sealed_beginning{std::move(context), std::move(*content), std::move(*sealed)};
}

std::unexpected<error> corrupt_log(std::string message) {
  return fail(errc::store_corrupt,
              std::move(message) +
                  "; restore the store from a backup, or see what `annals repair` would save; "
                  "`annals verify` lists all damage");
}

result<void> check_link(const segment_header& header, const std::string& path,
                        const segment_end& before) {
  if (header.number == 1 ||
      (header.previous_seal == before.seal && header.previous_crc == before.seal_crc &&
       header.first_sequence == before.next_sequence))
    return {};
  return corrupt_log(path + ": the segment does not follow the one before it");
}

result<std::vector<std::uint64_t>> list_segments(const store_paths& paths, env& environment) {
  auto numbers = numbers_in(environment, paths.log(), ".seg");
  if (!numbers) return numbers;
  for (std::uint64_t i = 0; i < numbers->size(); ++i)
    if ((*numbers)[i] != i + 1)
      return corrupt_log(paths.segment(i + 1) + ": the segment is missing");
  if (numbers->empty()) return corrupt_log(paths.segment(1) + ": the segment is missing");
  return numbers;
}

std::string describe_damage(const std::string& path, std::uint64_t offset, std::string_view what,
                            std::uint64_t first_position, const tail_facts& behind) {
  std::string text = path + " is damaged at offset " + std::to_string(offset) + ": " +
                     std::string(what) + "; positions from " + std::to_string(first_position);
  if (behind.next_offset == 0) return text + " on are affected";
  return text + " to " + std::to_string(behind.next_sequence - 1) +
         " are affected, the next intact frame stands at offset " +
         std::to_string(behind.next_offset);
}

result<recovered_log> recover_log(const store_directory& directory, env& environment,
                                  log_index& index, write_through through) {
  return recovery(directory, environment, index, through).run();
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
