#include "verify.h"

#include <algorithm>

#include "index_check.h"
#include "indexer.h"
#include "log_check.h"
#include "manifest.h"
#include "snapshot_check.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

/// Goes over all files of a store and writes down what is wrong with them.
class verification {
 public:
  verification(const store_directory& directory, const progress_function& progress,
               env& environment)
      : directory_(directory), counted_(progress), env_(environment) {}

  result<verify_report> run() {
    if (auto listed = list(); !listed) return std::unexpected(listed.error());
    if (auto known = look_at_manifest(); !known) return std::unexpected(known.error());
    report_.bytes = bytes_;
    counted_.expect(bytes_);
    auto checked = check_runs();
    if (checked) checked = check_log();
    for (const auto number : snapshots_)
      if (checked) checked = check_snapshots(number);
    if (checked) checked = check_snapshot_table();
    if (checked) checked = check_indexes_alone();
    if (!checked) return std::unexpected(checked.error());
    std::ranges::move(index_damage_, std::back_inserter(report_.damage));
    std::ranges::move(run_damage_, std::back_inserter(report_.damage));
    counted_.finish();
    return std::move(report_);
  }

 private:
  result<void> list() {
    auto segments = numbers_if_any(env_, directory_.paths.log(), ".seg");
    if (!segments) return std::unexpected(segments.error());
    auto snapshots = numbers_if_any(env_, directory_.paths.snapshots(), ".snap");
    if (!snapshots) return std::unexpected(snapshots.error());
    segments_ = std::move(*segments);
    snapshots_ = std::move(*snapshots);
    for (const auto number : segments_) {
      const auto size = size_of(directory_.paths.segment(number));
      if (!size) return std::unexpected(size.error());
      sizes_.push_back(*size);
      log_bytes_ += *size;
    }
    bytes_ += log_bytes_;
    for (const auto number : snapshots_) {
      const auto size = size_of(directory_.paths.snapshot_file(number));
      if (!size) return std::unexpected(size.error());
      bytes_ += *size;
    }
    return {};
  }

  result<std::uint64_t> size_of(const std::string& path) const {
    const auto opened = env_.open(path, file_mode::read, write_through::none);
    if (!opened) return std::unexpected(opened.error());
    return (*opened)->size();
  }

  result<void> look_at_manifest() {
    auto content = read_manifest(env_, directory_.paths.manifest(), directory_.store_id);
    if (!content) return note(content.error(), run_damage_);
    if (content->segments.size() >= std::max<std::size_t>(segments_.size(), 1)) {
      run_damage_.push_back(directory_.paths.manifest() + ": it names " +
                            std::to_string(content->segments.size()) +
                            " sealed segments, the log has " + std::to_string(segments_.size()) +
                            " with the one that is written");
      return {};
    }
    known_ = std::move(*content);
    for (const auto& facts : known_->segments) bytes_ += facts.index.size;
    for (const auto& run : known_->runs) bytes_ += run.file.size;
    return {};
  }

  // With all of them whole, the log need not be kept in memory to be held against itself.
  result<void> check_runs() {
    if (!known_) return {};
    context_ =
        std::make_shared<const sealed_context>(sealed_context{.environment = env_,
                                                              .paths = directory_.paths,
                                                              .store_id = directory_.store_id,
                                                              .hash_seed = known_->hash_seed});
    for (const auto& run : known_->runs) {
      ++report_.indexes;
      if (const auto checked = check_run(*context_, run); !checked) {
        if (auto noted = note(checked.error(), run_damage_); !noted) return noted;
      } else {
        slots_ += *checked;
      }
      counted_.add(run.file.size);
      counted_.report();
    }
    if (!run_damage_.empty()) return {};
    auto sealed = open_sealed_log(context_, *known_, nullptr);
    if (!sealed) return note(sealed.error(), run_damage_);
    sealed_ = std::move(*sealed);
    return {};
  }

  // Where log and runs contradict, the log is read again and held against itself alone.
  result<void> check_log() {
    const log_to_check whole{.directory = directory_,
                             .numbers = segments_,
                             .sizes = sizes_,
                             .known = known_ ? &*known_ : nullptr,
                             .sealed = sealed_.get(),
                             .slots = slots_};
    auto found = embedded::check_log(whole, counted_, env_);
    if (!found) return std::unexpected(found.error());
    if (sealed_ != nullptr)
      if (const auto pages = sealed_->check_pages(); !pages)
        if (auto noted = note(pages.error(), run_damage_); !noted) return noted;
    index_damage_ = std::move(found->index_damage);
    report_.indexes += found->indexes;
    if (!found->fits_runs) {
      counted_.expect(log_bytes_);
      found = embedded::check_log({.directory = directory_, .numbers = segments_, .sizes = sizes_},
                                  counted_, env_);
      if (!found) return std::unexpected(found.error());
      if (found->damage.empty())
        run_damage_.emplace_back(index_damaged(directory_.paths.indexes(),
                                               "its runs do not say of the log what that holds")
                                     .error()
                                     .message());
    }
    report_.segments = found->segments;
    report_.frames = found->frames;
    report_.events = found->events;
    report_.torn_tail_bytes = found->torn_tail_bytes;
    report_.damage = std::move(found->damage);
    return {};
  }

  /// Index files of segments that are missing.
  result<void> check_indexes_alone() {
    if (!known_) return {};
    for (const auto& facts : known_->segments) {
      if (std::ranges::binary_search(segments_, facts.number)) continue;
      ++report_.indexes;
      if (const auto checked = check_segment_index(context_, facts); !checked)
        if (auto noted = note(checked.error(), index_damage_); !noted) return noted;
    }
    return {};
  }

  /// Damage goes into the report; a disk that fails, and what is too new, end the call.
  static result<void> note(const error& problem, std::vector<std::string>& into) {
    const bool is_damage =
        problem.code() == errc::store_corrupt || problem.code() == errc::database_error;
    if (!is_damage) return std::unexpected(problem);
    into.emplace_back(problem.message());
    return {};
  }

  result<void> check_snapshots(std::uint64_t number) {
    const auto path = directory_.paths.snapshot_file(number);
    const auto content = examine_snapshot_file(env_, path, directory_.store_id);
    if (!content) return std::unexpected(content.error());
    report_.snapshots += content->snapshots;
    report_.torn_tail_bytes += content->left;
    for (const auto& each : content->damage) report_.damage.push_back(each);
    counted_.add(content->size);
    counted_.report();
    return {};
  }

  result<void> check_snapshot_table() {
    auto damage = examine_snapshot_table(env_, directory_.paths, directory_.store_id, snapshots_);
    if (!damage) return std::unexpected(damage.error());
    std::ranges::move(*damage, std::back_inserter(report_.damage));
    return {};
  }

  const store_directory& directory_;
  byte_count counted_;
  env& env_;
  verify_report report_{};
  std::vector<std::uint64_t> segments_{};
  std::vector<std::uint64_t> sizes_{};
  std::vector<std::uint64_t> snapshots_{};
  std::uint64_t log_bytes_ = 0;
  std::uint64_t bytes_ = 0;
  std::optional<manifest> known_{};
  std::shared_ptr<const sealed_context> context_{};
  std::shared_ptr<const sealed_log> sealed_{};
  std::uint64_t slots_ = 0;  // of one term each
  std::vector<std::string> index_damage_{};
  std::vector<std::string> run_damage_{};  // and of MANIFEST
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
