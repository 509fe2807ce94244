#include <algorithm>

#include "index_check.h"
#include "indexer.h"
#include "log_survey.h"
#include "lost_indexes.h"
#include "segment_supply.h"
#include "set_aside.h"
#include "snapshot_check.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

/// Looks at all of a store, then does what is needed; docs/format.md, "Repair".
class repairing {
 public:
  repairing(damaged_directory opened, const repair_options& options,
            const progress_function& progress, env& environment)
      : directory_(std::move(opened.directory)),
        closed_problem_(std::move(opened.closed_problem)),
        options_(options),
        progress_(progress),
        env_(environment) {}

  result<repair_report> run() {
    auto verified = verify(0);
    if (!verified) return std::unexpected(verified.error());
    if (auto looked = look_beside(); !looked) return std::unexpected(looked.error());
    if (verified->damage.empty() && report_.damage.empty()) {
      if (progress_) progress_(total_, total_);
      report_.after = std::move(*verified);
      return std::move(report_);
    }
    if (auto looked = look(*verified); !looked) return std::unexpected(looked.error());
    if (log_.loss && !options_.accept_loss) return std::move(report_);
    if (auto mended = mend(); !mended) return std::unexpected(mended.error());
    report_.changed = true;
    auto after = verify(2);
    if (after && !after->damage.empty() && !reindex_) after = index_and_verify(*after);
    if (!after) return std::unexpected(after.error());
    report_.after = std::move(*after);
    return std::move(report_);
  }

 private:
  const store_paths& paths() const { return directory_.paths; }
  void damage(std::string text) { report_.damage.push_back(std::move(text)); }

  // The log is read three times: verified, looked at where there is damage, and verified again.
  void advance(std::uint64_t done, std::uint64_t total, std::uint64_t times_before) {
    total_ = 3 * total;
    if (progress_) progress_(times_before * total + done, total_);
  }

  result<verify_report> verify(std::uint64_t times_before) {
    return verify_store(
        directory_,
        [=, this](std::uint64_t done, std::uint64_t total) { advance(done, total, times_before); },
        env_);
  }

  // At what verify does not see.
  result<void> look_beside() {
    if (!closed_problem_.empty()) damage(closed_problem_);
    auto looked = look_at_state();
    if (looked) looked = look_at_manifest();
    return looked;
  }

  // What verify has found and nothing else explains, index files say of the log.
  result<void> look(const verify_report& verified) {
    auto looked = look_at_log();
    if (looked) looked = look_at_indexes();
    if (looked) looked = look_at_snapshots();
    if (looked && report_.damage.empty()) {
      report_.damage = verified.damage;
      reindex_ = true;
    }
    return looked;
  }

  result<void> look_at_state() {
    const auto there = env_.exists(paths().state());
    if (!there) return std::unexpected(there.error());
    has_state_ = *there;
    if (!*there) return {};
    const auto page = env_.share(paths().state(), file_mode::read);
    if (page) return {};
    if (page.error().code() != errc::store_corrupt) return std::unexpected(page.error());
    state_is_damaged_ = true;
    damage(page.error().message());
    return {};
  }

  result<void> look_at_manifest() {
    const auto there = env_.exists(paths().manifest());
    if (!there) return std::unexpected(there.error());
    has_manifest_ = *there;
    if (!*there) {
      damage(paths().manifest() + ": the file is missing");
      return {};
    }
    auto content = read_manifest(env_, paths().manifest(), directory_.store_id);
    if (content) {
      manifest_ = std::move(*content);
      return {};
    }
    if (content.error().code() != errc::store_corrupt) return std::unexpected(content.error());
    damage(content.error().message());
    return {};
  }

  result<void> look_at_log() {
    auto log = survey_log(
        directory_, manifest_ ? &*manifest_ : nullptr,
        [this](std::uint64_t done, std::uint64_t total) { advance(done, total, 1); }, env_);
    if (!log) return std::unexpected(log.error());
    log_ = std::move(*log);
    report_.loss = log_.loss;
    if (log_.loss) damage(describe(*log_.loss));
    for (const auto& one : log_.behind_seals)
      damage(paths().segment(one.segment) + " is damaged at offset " + std::to_string(one.begin) +
             ": something stands behind the seal");
    return {};
  }

  /// Whether the index files have to be made again.
  result<void> look_at_indexes() {
    reindex_ = !manifest_;
    if (!manifest_) return {};
    if (!log_.manifest_problem.empty()) damage(paths().manifest() + ": " + log_.manifest_problem);
    reindex_ = !log_.manifest_problem.empty() ||
               (log_.loss && manifest_->segments.size() >= log_.cut.segment);
    if (reindex_) return {};
    const auto context = context_of(manifest_->hash_seed);
    for (const auto& facts : manifest_->segments) {
      const auto holds = note(paths().segment_index(facts.number),
                              [&] { return check_segment_index(context, facts); });
      if (!holds) return std::unexpected(holds.error());
      if (!*holds) lost_.segments.push_back(facts.number);
    }
    for (const auto& known : manifest_->runs) {
      const auto holds = note(paths().run(known.first_segment, known.last_segment),
                              [&] { return check_run(*context, known); });
      if (!holds) return std::unexpected(holds.error());
      if (!*holds) lost_.runs.push_back(known);
    }
    return {};
  }

  // False when the file has to be made again; what cannot be read can be as well.
  template <class Check>
  result<bool> note(const std::string& path, Check&& check) {
    const auto there = env_.exists(path);
    if (!there) return std::unexpected(there.error());
    if (!*there) {
      damage(path + ": the file is missing");
      return false;
    }
    const auto checked = check();
    if (checked) return true;
    if (checked.error().code() != errc::store_corrupt &&
        checked.error().code() != errc::database_error)
      return std::unexpected(checked.error());
    damage(checked.error().message());
    bad_indexes_.push_back(path);
    return false;
  }

  result<void> look_at_snapshots() {
    const auto numbers = numbers_if_any(env_, paths().snapshots(), ".snap");
    if (!numbers) return std::unexpected(numbers.error());
    for (const auto number : *numbers) {
      const auto path = paths().snapshot_file(number);
      const auto content = examine_snapshot_file(env_, path, directory_.store_id);
      if (!content) return std::unexpected(content.error());
      if (content->damage.empty()) continue;
      damaged_snapshots_.push_back(path);
      for (const auto& each : content->damage) damage(each);
    }
    return look_at_snapshot_table(*numbers);
  }

  // It goes with what it speaks of: opening makes it again.
  result<void> look_at_snapshot_table(const std::vector<std::uint64_t>& numbers) {
    const auto wrong = examine_snapshot_table(env_, paths(), directory_.store_id, numbers);
    if (!wrong) return std::unexpected(wrong.error());
    for (const auto& each : *wrong) damage(each);
    const auto there = env_.exists(paths().snapshot_table());
    if (!there) return std::unexpected(there.error());
    if (*there && !(wrong->empty() && damaged_snapshots_.empty()))
      damaged_snapshots_.push_back(paths().snapshot_table());
    return {};
  }

  // What is left where all else is mended, index files say of the log.
  result<verify_report> index_and_verify(const verify_report& left) {
    for (const auto& one : left.damage) damage(one);
    auto done = forget_indexes();
    if (done) done = index_again();
    return done ? verify(2) : std::unexpected(done.error());
  }

  std::shared_ptr<const sealed_context> context_of(std::uint64_t hash_seed) const {
    return std::make_shared<const sealed_context>(sealed_context{.environment = env_,
                                                                 .paths = paths(),
                                                                 .store_id = directory_.store_id,
                                                                 .hash_seed = hash_seed});
  }

  // Each step is durable before the next; after a crash between any two a repair goes on.
  result<void> mend() {
    auto done = make_names_durable();
    if (done) done = copy_from(log_.cut);
    if (done && reindex_) done = forget_indexes();
    if (done && !reindex_) done = move(bad_indexes_);
    if (done) done = move_marks();
    if (done) done = move_segments();
    if (done) done = end_log();
    for (const auto& one : log_.behind_seals) {
      if (done) done = copy_from(one);
      if (done) done = zero(one);
    }
    if (done) done = move(damaged_snapshots_);
    if (done && reindex_) done = index_again();
    if (done && !reindex_) done = remake_lost();
    return done;
  }

  // Where that does not give the files that MANIFEST names, all are made anew.
  result<void> remake_lost() {
    if (lost_.empty()) return {};
    const auto made =
        remake_indexes(context_of(manifest_->hash_seed), *manifest_, lost_, [](std::uint64_t) {});
    if (!made) return std::unexpected(made.error());
    if (!*made) {
      auto forgotten = forget_indexes();
      return forgotten ? index_again() : forgotten;
    }
    for (const auto number : lost_.segments)
      report_.remade.push_back(paths().segment_index(number));
    for (const auto& one : lost_.runs)
      report_.remade.push_back(paths().run(one.first_segment, one.last_segment));
    return {};
  }

  // Those that a process that was killed has given and not synced.
  result<void> make_names_durable() {
    auto done = env_.create_directories(paths().indexes());
    for (const auto& folder : {paths().root, paths().log(), paths().indexes()})
      if (done) done = env_.sync_directory(folder);
    return done;
  }

  result<void> copy_from(const stretch& part) {
    if (part.begin == 0 || part.end == part.begin) return {};
    const auto path = paths().segment(part.segment);
    auto opened = env_.open(path, file_mode::read, write_through::none);
    if (!opened) return std::unexpected(opened.error());
    const auto header = read_segment_header(**opened, path, directory_.store_id, part.segment);
    if (!header) return std::unexpected(header.error());
    auto copied = copy_aside(paths(), env_, **opened, *header, part.begin, part.end);
    if (!copied) return std::unexpected(copied.error());
    report_.moved.push_back(std::move(*copied));
    return {};
  }

  result<void> move(const std::vector<std::string>& files) {
    auto moved = move_aside(paths(), env_, files);
    if (!moved) return std::unexpected(moved.error());
    std::ranges::move(*moved, std::back_inserter(report_.moved));
    return {};
  }

  result<void> forget_indexes() {
    const auto names = env_.list(paths().indexes());
    if (!names) return std::unexpected(names.error());
    std::vector<std::string> files;
    for (const auto& name : *names)
      if (name.ends_with(".six") || name.ends_with(".run"))
        files.push_back(paths().indexes() + '/' + name);
    if (has_manifest_)
      if (auto moved = move({paths().manifest()}); !moved) return moved;
    if (auto moved = move(files); !moved) return moved;
    auto empty = empty_manifest(directory_.store_id, env_);
    if (manifest_) empty.hash_seed = manifest_->hash_seed;
    manifest_ = empty;
    return write_manifest(env_, paths().manifest(), empty);
  }

  // What they say of the log must not go beyond it.
  result<void> move_marks() {
    std::vector<std::string> files;
    const bool beyond = log_.loss && directory_.closed &&
                        directory_.closed->end > lsn::at(log_.cut.segment, log_.cut.begin);
    if (beyond || !closed_problem_.empty()) files.push_back(paths().closed());
    if (state_is_damaged_ || (has_state_ && log_.loss)) files.push_back(paths().state());
    if (beyond) directory_.closed.reset();
    auto done = move(files);
    if (done && (log_.loss || !closed_problem_.empty())) done = close_log();
    return done;
  }

  result<void> move_segments() {
    if (!log_.loss) return {};
    std::vector<std::string> files;
    for (auto at = log_.numbers.rbegin(); at != log_.numbers.rend(); ++at)
      if (*at > log_.cut.segment || (*at == log_.cut.segment && log_.cut.begin == 0))
        files.push_back(paths().segment(*at));
    return move(files);
  }

  result<void> end_log() {
    if (!log_.loss) return {};
    if (log_.cut.begin != 0)
      return log_.cut.end == log_.cut.begin ? result<void>{} : zero(log_.cut);
    const auto number = log_.cut.segment;
    return make_segment(
        env_, paths(),
        {.store_id = directory_.store_id,
         .number = number,
         .capacity = log_.capacity != 0
                         ? log_.capacity
                         : planned_capacity(number, embedded_options{}.segment_bytes),
         .first_sequence = log_.end.next_sequence,
         .clock = log_.clock,
         .previous_seal = log_.end.seal,
         .previous_crc = log_.end.seal_crc});
  }

  // What is left was read and holds: readers need no writer to settle it.
  result<void> close_log() {
    if (log_.last == lsn{}) return {};
    auto opened =
        env_.open(paths().segment(log_.last.segment()), file_mode::write, write_through::durable);
    if (!opened) return std::unexpected(opened.error());
    auto done = (*opened)->sync();
    if (done) done = write_closed(env_, directory_, log_.last, log_.last_sequence);
    return done;
  }

  result<void> zero(const stretch& part) {
    auto opened =
        env_.open(paths().segment(part.segment), file_mode::write, write_through::durable);
    if (!opened) return std::unexpected(opened.error());
    return zero_stretch(**opened, part.begin, part.end);
  }

  result<void> index_again() {
    const auto context = context_of(manifest_->hash_seed);
    auto nothing = open_sealed_log(context, *manifest_, nullptr);
    if (!nothing) return std::unexpected(nothing.error());
    indexer again(context, *manifest_, std::move(*nothing), [](const auto&) {});
    while (again.content().segments.size() < log_.sealed)
      if (auto indexed = again.index_next(); !indexed) return indexed;
    report_.remade.push_back(paths().manifest());
    for (const auto& one : again.content().segments)
      report_.remade.push_back(paths().segment_index(one.number));
    for (const auto& one : again.content().runs)
      report_.remade.push_back(paths().run(one.first_segment, one.last_segment));
    return {};
  }

  store_directory directory_;
  std::string closed_problem_;
  const repair_options& options_;
  const progress_function& progress_;
  env& env_;
  std::uint64_t total_ = 0;  // of progress
  repair_report report_{};
  surveyed_log log_{};
  std::optional<manifest> manifest_{};
  bool has_manifest_ = false;
  bool has_state_ = false;
  bool state_is_damaged_ = false;
  bool reindex_ = false;  // all of them, and MANIFEST
  lost_indexes lost_{};
  std::vector<std::string> bad_indexes_{};  // of those, files that are there
  std::vector<std::string> damaged_snapshots_{};
};

}  // namespace
}  // namespace embedded

result<repair_report> repair_embedded(
    const std::string& directory, const repair_options& options,
    const std::function<void(std::uint64_t done, std::uint64_t total)>& progress,
    env& environment) {
  auto opened = embedded::open_directory_for_repair(directory, environment);
  if (!opened) return std::unexpected(opened.error());
  return embedded::repairing(std::move(*opened), options, progress, environment).run();
}

}  // namespace v1
}  // namespace annals
