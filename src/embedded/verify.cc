#include "verify.h"

#include <algorithm>

#include "index_check.h"
#include "log_index.h"
#include "log_scan.h"
#include "manifest.h"
#include "recovery.h"
#include "replay.h"
#include "snapshot_files.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::uint64_t bytes_between_reports = 4U << 20U;

/// Goes over all files of a store and writes down what is wrong with them.
class verification {
 public:
  verification(const store_directory& directory, const progress_function& progress,
               env& environment)
      : directory_(directory), progress_(progress), env_(environment) {}

  result<verify_report> run() {
    const auto segments = numbers_in(directory_.paths.log(), ".seg");
    if (!segments) return std::unexpected(segments.error());
    const auto snapshots = numbers_in(directory_.paths.snapshots(), ".snap");
    if (!snapshots) return std::unexpected(snapshots.error());
    if (auto counted = count_bytes(*segments, *snapshots); !counted)
      return std::unexpected(counted.error());
    if (auto checked = check_log(*segments); !checked) return std::unexpected(checked.error());
    for (const auto number : *snapshots)
      if (auto checked = check_snapshots(number); !checked) return std::unexpected(checked.error());
    if (auto checked = check_indexes(*segments); !checked) return std::unexpected(checked.error());
    report_.bytes = total_;
    advance(total_ - done_);
    if (progress_) progress_(total_, total_);
    return std::move(report_);
  }

 private:
  result<std::vector<std::uint64_t>> numbers_in(const std::string& folder,
                                                std::string_view ending) const {
    std::vector<std::uint64_t> numbers;
    const auto there = env_.exists(folder);
    if (!there) return std::unexpected(there.error());
    if (!*there) return numbers;
    const auto names = env_.list(folder);
    if (!names) return std::unexpected(names.error());
    for (const auto& name : *names)
      if (const auto number = number_in_name(name, ending); number != 0) numbers.push_back(number);
    std::ranges::sort(numbers);
    return numbers;
  }

  result<void> count_bytes(const std::vector<std::uint64_t>& segments,
                           const std::vector<std::uint64_t>& snapshots) {
    std::vector<std::string> paths;
    paths.reserve(segments.size() + snapshots.size());
    for (const auto number : segments) paths.push_back(directory_.paths.segment(number));
    for (const auto number : snapshots) paths.push_back(directory_.paths.snapshot_file(number));
    for (const auto& path : paths) {
      const auto opened = env_.open(path, file_mode::read, write_through::none);
      if (!opened) return std::unexpected(opened.error());
      const auto size = (*opened)->size();
      if (!size) return std::unexpected(size.error());
      total_ += *size;
    }
    return {};
  }

  void advance(std::uint64_t bytes) {
    done_ += bytes;
    if (!progress_ || done_ - reported_ < bytes_between_reports) return;
    reported_ = done_;
    progress_(done_, total_);
  }

  void damage(std::string text) { report_.damage.push_back(std::move(text)); }

  result<void> check_log(const std::vector<std::uint64_t>& numbers) {
    std::uint64_t expected = 1;
    for (const auto number : numbers) {
      for (; expected < number; ++expected) missing(expected);
      ++expected;
      const auto last = numbers.back();
      const auto next = number + 1 == last ? holds_no_frame(env_, directory_.paths.segment(last),
                                                            directory_.store_id, last)
                                           : result<bool>(false);
      if (!next) return std::unexpected(next.error());
      if (auto checked = check_segment(number, number == last || *next); !checked) return checked;
      // Left by a crash between the naming of a segment and the seal before it.
      if (*next && !last_sealed_) break;
    }
    if (numbers.empty() || last_sealed_) missing(expected);
    return {};
  }

  void missing(std::uint64_t number) {
    damage(directory_.paths.segment(number) + ": the segment is missing; positions from " +
           std::to_string(next_sequence_) + " are affected");
    intact_ = false;
  }

  result<void> check_segment(std::uint64_t number, bool last) {
    ++report_.segments;
    last_sealed_ = false;
    const auto path = directory_.paths.segment(number);
    auto opened = env_.open(path, file_mode::read, write_through::none);
    if (!opened) return std::unexpected(opened.error());
    const auto header = read_segment_header(**opened, path, directory_.store_id, number);
    if (!header) {
      if (header.error().code() != errc::store_corrupt) return std::unexpected(header.error());
      damage(header.error().message());
      intact_ = false;
      return {};
    }
    check_link(*header, path);
    auto seen = std::make_shared<segment>();
    seen->header = *header;
    index_.begin_segment(std::move(seen));
    segment_scan scan(**opened, *header);
    return scan_segment(scan, **opened, *header, path, last);
  }

  void check_link(const segment_header& header, const std::string& path) {
    const bool follows = header.number == 1 || !intact_ ||
                         (header.previous_seal == last_place_ && header.previous_crc == last_crc_ &&
                          header.first_sequence == next_sequence_);
    if (!follows) damage(path + ": the segment does not follow the one before it");
    intact_ = intact_ && follows;
  }

  result<void> scan_segment(segment_scan& scan, file& from, const segment_header& header,
                            const std::string& path, bool last) {
    for (;;) {
      const auto frame = scan.next();
      if (!frame) return std::unexpected(frame.error());
      if (*frame) {
        check_frame(**frame, path);
        continue;
      }
      last_sealed_ = scan.stop() == scan_stop::sealed;
      const auto tail = examine_tail(from, header, scan.offset());
      if (!tail) return std::unexpected(tail.error());
      if (!judge_end(scan, *tail, path, last)) break;
      const auto more = scan.resynchronise();
      if (!more) return std::unexpected(more.error());
      if (!*more) break;
    }
    last_place_ = scan.last_place();
    last_crc_ = scan.last_crc();
    next_sequence_ = scan.next_sequence();
    return {};
  }

  /// Writes down what stands behind the last good frame; true when frames may follow damage.
  bool judge_end(const segment_scan& scan, const tail_facts& tail, const std::string& path,
                 bool last) {
    const auto here = lsn::at(header_number(path), scan.offset());
    const bool rubbish = tail.nonzero_end > scan.offset();
    if (scan.stop() == scan_stop::sealed) {
      if (rubbish)
        damage(describe_damage(path, scan.offset(), "something stands behind the seal",
                               scan.next_sequence(), {}));
      return false;
    }
    const bool closed_beyond = directory_.closed && directory_.closed->end > here;
    if (tail.greatest_durable > here || closed_beyond || !last) {
      intact_ = false;
      const std::string what = scan.stop() == scan_stop::bad ? scan.problem()
                               : closed_beyond ? "the log ends before the place where it was closed"
                                               : "frames are missing here";
      damage(describe_damage(path, scan.offset(), what, scan.next_sequence(), tail));
      return true;
    }
    report_.torn_tail_bytes += tail.nonzero_end - scan.offset();
    return false;
  }

  /// What `MANIFEST` names is there, whole, and says of the log what that holds.
  result<void> check_indexes(const std::vector<std::uint64_t>& segments) {
    const auto content = read_manifest(env_, directory_.paths.manifest(), directory_.store_id);
    if (!content) return note(content.error());
    const auto context =
        std::make_shared<const sealed_context>(sealed_context{.environment = env_,
                                                              .paths = directory_.paths,
                                                              .store_id = directory_.store_id,
                                                              .hash_seed = content->hash_seed});
    if (content->segments.size() >= std::max<std::size_t>(segments.size(), 1)) {
      damage(directory_.paths.manifest() + ": it names " +
             std::to_string(content->segments.size()) + " sealed segments, the log has " +
             std::to_string(segments.size()) + " with the one that is written");
      return {};
    }
    const auto say = [&](const result<void>& checked) -> result<void> {
      ++report_.indexes;
      return checked ? checked : note(checked.error());
    };
    for (const auto& facts : content->segments)
      if (auto said = say(check_segment_index(context, facts)); !said) return said;
    for (const auto& known : content->runs)
      if (auto said = say(check_run(*context, known)); !said) return said;
    return {};
  }

  /// Damage goes into the report; a disk that fails, and what is too new, end the call.
  result<void> note(const error& problem) {
    const bool is_damage =
        problem.code() == errc::store_corrupt || problem.code() == errc::database_error;
    if (!is_damage) return std::unexpected(problem);
    damage(problem.message());
    return {};
  }

  static std::uint64_t header_number(const std::string& path) {
    return number_in_name(path.substr(path.rfind('/') + 1), ".seg");
  }

  void check_frame(const frame_view& frame, const std::string& path) {
    ++report_.frames;
    report_.events += frame.header().events;
    advance(frame.header().length);
    if (!intact_) return;  // what follows damage contradicts for that reason alone
    if (const auto problem = replay(index_, frame)) {
      damage(path + ": offset " + std::to_string(frame.header().place.offset()) + ": " + *problem);
      intact_ = false;
    }
  }

  result<void> check_snapshots(std::uint64_t number) {
    const auto path = directory_.paths.snapshot_file(number);
    const auto content = examine_snapshot_file(env_, path, directory_.store_id);
    if (!content) return std::unexpected(content.error());
    report_.snapshots += content->snapshots;
    report_.torn_tail_bytes += content->left;
    for (const auto& each : content->damage) damage(each);
    advance(content->size);
    return {};
  }

  const store_directory& directory_;
  const progress_function& progress_;
  env& env_;
  verify_report report_{};
  log_index index_{};
  bool intact_ = true;  // no damage so far: the index holds all that stands before
  bool last_sealed_ = false;
  lsn last_place_{};
  std::uint32_t last_crc_ = 0;
  std::uint64_t next_sequence_ = 1;
  std::uint64_t total_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t reported_ = 0;
};

}  // namespace

result<verify_report> verify_store(const store_directory& directory,
                                   const progress_function& progress, env& environment) {
  return verification(directory, progress, environment).run();
}

}  // namespace embedded

result<verify_report> verify_embedded(
    const std::string& directory,
    const std::function<void(std::uint64_t done, std::uint64_t total)>& progress,
    env& environment) {
  const auto opened = embedded::open_directory(directory, {.create = false}, environment);
  if (!opened) {
    if (opened.error().code() != errc::store_corrupt) return std::unexpected(opened.error());
    verify_report report;
    report.damage.push_back(opened.error().message());
    return report;
  }
  return embedded::verify_store(*opened, progress, environment);
}

}  // namespace v1
}  // namespace annals
