#include "log_survey.h"

#include <algorithm>
#include <array>
#include <map>

#include "annals/limits.h"
#include "log_join.h"
#include "log_scan.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::size_t told_streams = 8;  // of those that lose events, by name

/// The events that stand in intact frames behind damage, by stream.
class salvage {
 public:
  salvage(const store_directory& directory, env& environment)
      : directory_(directory), env_(environment) {}

  void count(const frame_view& frame) {
    const auto& header = frame.header();
    events_ += header.events;
    last_ = std::max(last_, header.first_sequence + header.events - 1);
    frame.for_each_item([&](const item_view& item) {
      if (item.kind() == item_kind::stream_name)
        names_.try_emplace(item.as<name_item>().stream_key,
                           text_in(item, item.as<name_item>().length));
      if (item.kind() == item_kind::event) count(item.as<event_item>());
    });
  }

  void tell(log_loss& loss) const {
    loss.readable_events = events_;
    loss.last_position = std::max(loss.last_position, last_);
    loss.streams = streams_.size();
    for (const auto& [key, named_at] : first_) {
      loss.first_streams.push_back(streams_.at(key));
      loss.first_streams.back().name = name_of(key, named_at);
    }
  }

 private:
  void count(const event_item& event) {
    const auto [at, is_new] =
        streams_.try_emplace(event.stream_key, lost_stream{{}, {event.version}, {event.version}});
    if (is_new && first_.size() < told_streams) first_.emplace_back(event.stream_key, event.name);
    at->second.first = std::min(at->second.first, version{event.version});
    at->second.last = std::max(at->second.last, version{event.version});
  }

  // The name stands behind the damage, or where the events say that it does; else there is the key.
  std::string name_of(const uuid& key, lsn place) const {
    const auto named = names_.find(key);
    if (named != names_.end()) return named->second;
    const auto name = name_at(key, place);
    return name.empty() ? key.to_string() : name;
  }

  std::string name_at(const uuid& key, lsn place) const {
    const auto path = directory_.paths.segment(place.segment());
    const auto opened = env_.open(path, file_mode::read, write_through::none);
    if (!opened) return {};
    const auto header = read_segment_header(**opened, path, directory_.store_id, place.segment());
    if (!header) return {};
    std::array<std::byte, sizeof(name_item) + padded(limits::stream_name_bytes)> bytes{};
    const auto got = (*opened)->read_at(place.offset(), bytes);
    if (!got || *got < sizeof(name_item) || !item_in_bounds(bytes.data(), *got)) return {};
    const item_view item(bytes.data());
    if (item.kind() != item_kind::stream_name || !item.holds(seed_of(header->salt)) ||
        !item.fits() || item.as<name_item>().stream_key != key)
      return {};
    return std::string(name_in(item));
  }

  const store_directory& directory_;
  env& env_;
  std::uint64_t events_ = 0;
  std::uint64_t last_ = 0;
  std::map<uuid, lost_stream> streams_{};
  std::map<uuid, std::string> names_{};
  std::vector<std::pair<uuid, lsn>> first_{};  // with the places of their names
};

class surveying {
 public:
  surveying(const store_directory& directory, const manifest* known,
            const progress_function& progress, env& environment)
      : directory_(directory), known_(known), progress_(progress), env_(environment) {}

  result<surveyed_log> run() {
    if (auto listed = list(); !listed) return std::unexpected(listed.error());
    for (std::uint64_t number = 1;; ++number) {
      const auto goes_on = look_at(number);
      if (!goes_on) return std::unexpected(goes_on.error());
      if (!*goes_on) break;
    }
    if (found_.loss)
      if (auto rest = look_behind(); !rest) return std::unexpected(rest.error());
    if (progress_) progress_(total_, total_);
    return std::move(found_);
  }

 private:
  result<void> list() {
    auto numbers = numbers_in(env_, directory_.paths.log(), ".seg");
    if (!numbers) return std::unexpected(numbers.error());
    found_.numbers = std::move(*numbers);
    for (const auto number : found_.numbers) {
      const auto size = size_of(number);
      if (!size) return std::unexpected(size.error());
      total_ += *size;
    }
    return {};
  }

  result<std::uint64_t> size_of(std::uint64_t number) const {
    const auto opened =
        env_.open(directory_.paths.segment(number), file_mode::read, write_through::none);
    if (!opened) return std::unexpected(opened.error());
    return (*opened)->size();
  }

  bool is_there(std::uint64_t number) const {
    return std::ranges::binary_search(found_.numbers, number);
  }

  void advance(std::uint64_t bytes) {
    done_ += bytes;
    if (progress_) progress_(done_, total_);
  }

  /// True when the segment is whole and sealed, so that the next one must follow.
  result<bool> look_at(std::uint64_t number) {
    const auto path = directory_.paths.segment(number);
    if (!is_there(number)) return damaged({.segment = number}, "the segment is missing");
    auto opened = env_.open(path, file_mode::read, write_through::none);
    if (!opened) return std::unexpected(opened.error());
    const auto size = (*opened)->size();
    if (!size) return std::unexpected(size.error());
    advance(*size);
    const auto header = read_segment_header(**opened, path, directory_.store_id, number);
    auto right = header ? check_link(*header, path, found_.end) : std::unexpected(header.error());
    if (!right && right.error().code() != errc::store_corrupt)
      return std::unexpected(right.error());
    if (!right) {
      const auto what = std::string(right.error().message()).substr(path.size() + 2);
      return damaged({.segment = number, .end = *size}, what.substr(0, what.find("; ")));
    }
    segment_scan scan(**opened, *header);
    return scan_segment(scan, **opened, *header);
  }

  result<bool> scan_segment(segment_scan& scan, file& from, const segment_header& header) {
    segment_replay replay(header.number);
    std::optional<contradiction> first;
    while (!first) {
      const auto frame = scan.next();
      if (!frame) return std::unexpected(frame.error());
      if (!*frame) break;
      if (auto problem = replay.enter(**frame))
        first = contradiction{(*frame)->header().place, std::move(*problem)};
    }
    const auto joined = join_.add(replay, false);
    if (!joined) return std::unexpected(joined.error());
    if (*joined && (!first || (*joined)->place < first->place)) first = **joined;
    if (first) return end_before(*first, from, header);
    next_sequence_ = scan.next_sequence();
    const auto tail = examine_tail(from, header, scan.offset());
    if (!tail) return std::unexpected(tail.error());
    if (scan.stop() == scan_stop::sealed)
      return take_sealed(scan, header, replay.last_event(), tail->nonzero_end);
    const auto proof = proof_that_it_went_on(scan, header.number, *tail);
    if (!proof) return std::unexpected(proof.error());
    found_.last = lsn::at(header.number, scan.offset());
    found_.last_sequence = next_sequence_ - 1;
    if (proof->empty()) return false;
    damaged({header.number, scan.offset(), tail->nonzero_end},
            scan.stop() == scan_stop::bad ? scan.problem() : *proof);
    const auto more = scan.resynchronise();
    if (!more) return std::unexpected(more.error());
    return *more ? count_rest(scan) : false;
  }

  // Goes through the frames again, to the one that contradicts.
  result<bool> end_before(const contradiction& first, file& from, const segment_header& header) {
    segment_scan again(from, header);
    for (;;) {
      const auto frame = again.next();
      if (!frame) return std::unexpected(frame.error());
      if (!*frame)
        return corrupt_log(directory_.paths.segment(header.number) +
                           ": the file changes while it is read");
      if ((*frame)->header().place < first.place) continue;
      next_sequence_ = (*frame)->header().first_sequence;
      const auto tail = examine_tail(from, header, first.place.offset());
      if (!tail) return std::unexpected(tail.error());
      damaged({header.number, first.place.offset(), tail->nonzero_end}, first.what);
      behind_.count(**frame);
      return count_rest(again);
    }
  }

  result<bool> take_sealed(const segment_scan& scan, const segment_header& header,
                           const uuid& last_event, std::uint64_t nonzero_end) {
    if (nonzero_end > scan.offset())
      found_.behind_seals.push_back({header.number, scan.offset(), nonzero_end});
    found_.sealed = header.number;
    found_.end = {scan.last_place(), scan.last_crc(), scan.next_sequence()};
    found_.clock = scan.clock();
    found_.capacity = header.capacity;
    compare_with_manifest(header, scan, last_event);
    return true;
  }

  void compare_with_manifest(const segment_header& header, const segment_scan& scan,
                             const uuid& last_event) {
    if (known_ == nullptr || header.number > known_->segments.size()) return;
    const auto& facts = known_->segments[static_cast<std::size_t>(header.number - 1)];
    const bool same = facts.capacity == header.capacity && facts.salt == header.salt &&
                      facts.first_sequence == header.first_sequence &&
                      facts.events == scan.next_sequence() - header.first_sequence &&
                      facts.clock == scan.clock() && facts.seal == scan.last_place() &&
                      facts.seal_crc == scan.last_crc() && facts.last_event == last_event;
    if (!same)
      found_.manifest_problem =
          "it does not have segment " + std::to_string(header.number) + " as that is";
    if (header.number != known_->segments.size()) return;
    if (join_.types() != known_->types || join_.categories() != known_->categories)
      found_.manifest_problem = "it has other types or categories than the log";
  }

  /// Why an end without a seal is no end, in words; empty when nothing proves that it is none.
  result<std::string> proof_that_it_went_on(const segment_scan& scan, std::uint64_t number,
                                            const tail_facts& tail) const {
    const auto here = lsn::at(number, scan.offset());
    if (tail.greatest_durable > here) return std::string("frames are missing here");
    if (directory_.closed && directory_.closed->end > here)
      return std::string("the log ends before the place where it was closed");
    if (known_ != nullptr && number <= known_->segments.size())
      return std::string("MANIFEST names the segment as sealed, and its seal is missing");
    if (number == found_.numbers.back()) return std::string{};
    const auto empty = is_empty_successor(number);
    if (!empty) return std::unexpected(empty.error());
    return *empty ? std::string{} : std::string("the seal is missing, and segments follow");
  }

  /// True when all that follows is a segment that a crash left before its first frame.
  result<bool> is_empty_successor(std::uint64_t number) const {
    if (number + 1 != found_.numbers.back()) return false;
    return holds_no_frame(env_, directory_.paths.segment(number + 1), directory_.store_id,
                          number + 1);
  }

  /// Writes the first damage down; the log does not go on behind it.
  bool damaged(const stretch& cut, std::string reason) {
    found_.cut = cut;
    const auto first = cut.begin == 0 ? found_.end.next_sequence : next_sequence_;
    log_loss loss{.file = directory_.paths.segment(cut.segment),
                  .offset = cut.begin,
                  .reason = std::move(reason),
                  .first_position = first,
                  .last_position = first - 1,
                  .bytes = cut.end - cut.begin};
    if (directory_.closed)
      loss.last_position = std::max(loss.last_position, directory_.closed->last_sequence);
    if (known_ != nullptr && !known_->segments.empty()) {
      const auto& last = known_->segments.back();
      loss.last_position = std::max(loss.last_position, last.first_sequence + last.events - 1);
    }
    found_.loss = std::move(loss);
    found_.last = cut.begin == 0 ? found_.end.place() : lsn::at(cut.segment, cut.begin);
    found_.last_sequence = first - 1;
    return false;
  }

  /// Counts the intact frames of a segment from where a scan stands.
  result<bool> count_rest(segment_scan& scan) {
    for (;;) {
      const auto frame = scan.next();
      if (!frame) return std::unexpected(frame.error());
      if (*frame) {
        behind_.count(**frame);
        continue;
      }
      if (scan.stop() == scan_stop::sealed) return false;
      const auto more = scan.resynchronise();
      if (!more) return std::unexpected(more.error());
      if (!*more) return false;
    }
  }

  /// The segments behind the damage.
  result<void> look_behind() {
    for (const auto number : found_.numbers) {
      if (number <= found_.cut.segment) continue;
      const auto path = directory_.paths.segment(number);
      auto opened = env_.open(path, file_mode::read, write_through::none);
      if (!opened) return std::unexpected(opened.error());
      const auto size = (*opened)->size();
      if (!size) return std::unexpected(size.error());
      found_.loss->bytes += *size;
      advance(*size);
      const auto header = read_segment_header(**opened, path, directory_.store_id, number);
      if (!header && header.error().code() == errc::store_corrupt) continue;
      if (!header) return std::unexpected(header.error());
      segment_scan scan(**opened, *header);
      if (const auto counted = count_rest(scan); !counted) return std::unexpected(counted.error());
    }
    behind_.tell(*found_.loss);
    return {};
  }

  const store_directory& directory_;
  const manifest* known_;
  const progress_function& progress_;
  env& env_;
  surveyed_log found_{};
  log_join join_{nullptr, env_};
  salvage behind_{directory_, env_};
  std::uint64_t next_sequence_ = 1;
  std::uint64_t total_ = 0;
  std::uint64_t done_ = 0;
};

}  // namespace

result<surveyed_log> survey_log(const store_directory& directory, const manifest* known,
                                const progress_function& progress, env& environment) {
  return surveying(directory, known, progress, environment).run();
}

std::string describe(const log_loss& loss) {
  std::string text = loss.file;
  if (loss.offset != 0) text += " is damaged at offset " + std::to_string(loss.offset);
  text += ": " + loss.reason + "; positions from " + std::to_string(loss.first_position);
  return text + (loss.last_position < loss.first_position
                     ? " on are affected"
                     : " to " + std::to_string(loss.last_position) + " are affected");
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
