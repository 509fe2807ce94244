#include "log_check.h"

#include <algorithm>

#include "in_order.h"
#include "index_check.h"
#include "log_scan.h"
#include "recovery.h"
#include "segment_check.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

/// All that one thread finds out about one segment.
struct piece {
  result<checked_segment> found;
  indexed_part part{};
  bool looked_up = false;                   ///< in the runs
  std::optional<result<set_sums>> index{};  ///< links; none where it was not held against them
};

class log_checking {
 public:
  log_checking(const log_to_check& of, byte_count& counted, env& environment)
      : of_(of),
        paths_(of.directory.paths),
        counted_(counted),
        env_(environment),
        join_(of.sealed, environment),
        work_(environment, of.numbers.size(), [&counted] { counted.report(); }) {
    if (of.known != nullptr)
      context_ =
          std::make_shared<const sealed_context>(sealed_context{.environment = environment,
                                                                .paths = paths_,
                                                                .store_id = of.directory.store_id,
                                                                .hash_seed = of.known->hash_seed});
  }

  result<checked_log> run() {
    const auto empty = last_is_empty();
    if (!empty) return std::unexpected(empty.error());
    last_is_empty_ = *empty;
    auto done = work_.run([this](std::size_t i) { return check(i); },
                          [this](std::size_t i, piece one) { return take(i, std::move(one)); });
    if (!done) return std::unexpected(done.error());
    if (of_.numbers.empty() || last_sealed_) missing(expected_);
    return std::move(log_);
  }

 private:
  std::size_t indexed() const { return of_.known == nullptr ? 0 : of_.known->segments.size(); }
  bool is_last(std::size_t i) const { return i + 1 == of_.numbers.size(); }

  // As a crash leaves it between the naming of a segment and the seal before it.
  result<bool> last_is_empty() const {
    const auto count = of_.numbers.size();
    if (count < 2 || of_.numbers[count - 2] + 1 != of_.numbers[count - 1]) return false;
    return holds_no_frame(env_, paths_.segment(of_.numbers.back()), of_.directory.store_id,
                          of_.numbers.back());
  }

  // By any thread.
  piece check(std::size_t i) {
    const auto number = of_.numbers[i];
    const bool last = is_last(i) || (last_is_empty_ && i + 2 == of_.numbers.size());
    std::uint64_t read = 0;
    std::uint64_t told = 0;
    const auto advance = [&](std::uint64_t bytes) {
      counted_.add(bytes);
      read += bytes;
      if (read - told < byte_count::between_reports) return;
      told = read;
      work_.tell();
    };
    const bool is_indexed = number <= indexed();
    segment_task task{.number = number, .last = last};
    if (is_indexed) task.hash_seed = of_.known->hash_seed;
    piece made{.found = check_segment(of_.directory, task, advance, env_)};
    counted_.add(of_.sizes[i] - std::min(read, of_.sizes[i]));
    if (is_indexed) check_indexes(number, made);
    return made;
  }

  void check_indexes(std::uint64_t number, piece& of) const {
    const auto& facts = of_.known->segments[static_cast<std::size_t>(number - 1)];
    counted_.add(facts.index.size);
    if (!of.found || !of.found->intact || of.found->contradicts) {
      const auto checked = check_segment_index(context_, facts);
      of.index = checked ? result<set_sums>{} : std::unexpected(checked.error());
      return;
    }
    auto& replay = of.found->replay;
    auto& terms = of.found->terms;
    terms.finish(replay);
    of.index = check_segment_index(context_, facts, replay, terms);
    if (of_.sealed != nullptr) {
      of.part = look_up(*of_.sealed, number, replay, terms);
      of.looked_up = true;
    }
    terms = segment_terms(0);
  }

  result<bool> take(std::size_t i, piece one) {
    const auto number = of_.numbers[i];
    for (; expected_ < number; ++expected_) missing(expected_);
    if (is_last(i) && last_is_empty_ && !last_sealed_) return false;
    if (!one.found) return std::unexpected(one.found.error());
    ++expected_;
    if (auto added = add(*one.found, one); !added) return std::unexpected(added.error());
    if (one.index) {
      ++log_.indexes;
      if (auto noted = add_links(*one.index); !noted) return std::unexpected(noted.error());
    }
    if (number == indexed()) end_indexed();
    return true;
  }

  void damage(std::string text) { log_.damage.push_back(std::move(text)); }

  void missing(std::uint64_t number) {
    damage(paths_.segment(number) + ": the segment is missing; positions from " +
           std::to_string(next_sequence_) + " are affected");
    intact_ = false;
  }

  result<void> add(checked_segment& found, const piece& one) {
    ++log_.segments;
    log_.frames += found.frames;
    log_.events += found.events;
    log_.torn_tail_bytes += found.torn_tail_bytes;
    if (found.header) check_link(*found.header);
    if (intact_)
      if (auto joined = join(found, one); !joined) return joined;
    std::ranges::move(found.damage, std::back_inserter(log_.damage));
    intact_ = intact_ && found.intact;
    last_sealed_ = found.sealed;
    if (!found.header) return {};
    last_end_ = found.last_place;
    last_crc_ = found.last_crc;
    next_sequence_ = found.next_sequence;
    return {};
  }

  void check_link(const segment_header& header) {
    const bool follows = header.number == 1 || !intact_ ||
                         (header.previous_seal == last_end_ && header.previous_crc == last_crc_ &&
                          header.first_sequence == next_sequence_);
    if (follows) return;
    damage(paths_.segment(header.number) + ": the segment does not follow the one before it");
    intact_ = false;
  }

  // What runs were not asked about is held against all that stands before, as far as it goes.
  result<void> join(checked_segment& found, const piece& one) {
    auto first = std::move(found.contradicts);
    if (one.looked_up || found.number > indexed() || of_.sealed == nullptr) {
      const auto joined = join_.add(found.replay, one.looked_up);
      if (!joined) {
        intact_ = false;
        return note(std::unexpected(joined.error()));
      }
      if (*joined && (!first || (*joined)->place < first->place)) first = *joined;
    }
    goes_on_ += one.part.goes_on;
    goes_on_to_ += one.part.goes_on_to;
    linked_ += one.part.linked;
    slots_ += one.part.slots;
    doubtful_ = doubtful_ || one.part.doubtful;
    if (found.number <= indexed() && found.intact && !first &&
        !has_as_it_is(of_.known->segments[static_cast<std::size_t>(found.number - 1)], found))
      index_damage(paths_.manifest(),
                   "it does not have segment " + std::to_string(found.number) + " as that is");
    if (!first) return {};
    damage(paths_.segment(found.number) + ": offset " + std::to_string(first->place.offset()) +
           ": " + first->what);
    intact_ = false;
    return {};
  }

  void end_indexed() {
    if (!intact_) return;
    log_.fits_runs = !doubtful_ && goes_on_ == goes_on_to_ && slots_ == of_.slots;
    if (log_.fits_runs && of_.sealed != nullptr && log_.index_damage.empty() && links_ != linked_)
      index_damage(paths_.indexes(),
                   "they do not say where types, categories and tags stood before");
    if (join_.types() != of_.known->types || join_.categories() != of_.known->categories)
      index_damage(paths_.manifest(), "it has other types or categories than the log");
  }

  result<void> add_links(const result<set_sums>& links) {
    if (!links) return note(std::unexpected(links.error()));
    links_ += *links;
    return {};
  }

  void index_damage(const std::string& path, std::string_view what) {
    log_.index_damage.emplace_back(index_damaged(path, what).error().message());
  }

  /// Damage goes into the report; a disk that fails, and what is too new, end the call.
  result<void> note(const result<void>& checked) {
    if (checked) return {};
    const auto code = checked.error().code();
    if (code != errc::store_corrupt && code != errc::database_error) return checked;
    log_.index_damage.emplace_back(checked.error().message());
    return {};
  }

  const log_to_check& of_;
  const store_paths& paths_;
  byte_count& counted_;
  env& env_;
  log_join join_;
  in_order<piece> work_;
  std::shared_ptr<const sealed_context> context_{};
  checked_log log_{};
  bool last_is_empty_ = false;
  bool intact_ = true;  // no damage so far: all that stands before was joined
  bool last_sealed_ = false;
  std::uint64_t expected_ = 1;
  lsn last_end_{};
  std::uint32_t last_crc_ = 0;
  std::uint64_t next_sequence_ = 1;
  set_sums goes_on_{};
  set_sums goes_on_to_{};
  set_sums links_{};
  set_sums linked_{};
  std::uint64_t slots_ = 0;
  bool doubtful_ = false;
};

}  // namespace

result<checked_log> check_log(const log_to_check& of, byte_count& counted, env& environment) {
  return log_checking(of, counted, environment).run();
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
