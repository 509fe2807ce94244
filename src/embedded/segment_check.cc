#include "segment_check.h"

#include "recovery.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

class segment_checking {
 public:
  segment_checking(const store_directory& directory, const segment_task& task,
                   const std::function<void(std::uint64_t)>& advance, env& environment)
      : directory_(directory),
        task_(task),
        advance_(advance),
        env_(environment),
        path_(directory.paths.segment(task.number)) {
    found_.number = task.number;
    found_.replay = segment_replay(task.number);
    found_.terms = segment_terms(task.hash_seed.value_or(0));
  }

  result<checked_segment> run() {
    auto opened = env_.open(path_, file_mode::read, write_through::none);
    if (!opened) return std::unexpected(opened.error());
    const auto header = read_segment_header(**opened, path_, directory_.store_id, task_.number);
    if (!header) {
      if (header.error().code() != errc::store_corrupt) return std::unexpected(header.error());
      damage(header.error().message());
      return std::move(found_);
    }
    found_.header = *header;
    segment_scan scan(**opened, *header);
    if (auto scanned = scan_all(scan, **opened); !scanned) return std::unexpected(scanned.error());
    found_.end = lsn::at(task_.number, scan.offset());
    found_.last_place = scan.last_place();
    found_.last_crc = scan.last_crc();
    found_.next_sequence = scan.next_sequence();
    found_.clock = scan.clock();
    return std::move(found_);
  }

 private:
  void damage(std::string text) {
    found_.damage.push_back(std::move(text));
    found_.intact = false;
  }

  result<void> scan_all(segment_scan& scan, file& from) {
    for (;;) {
      const auto frame = scan.next();
      if (!frame) return std::unexpected(frame.error());
      if (*frame) {
        take(**frame);
        continue;
      }
      found_.sealed = scan.stop() == scan_stop::sealed;
      const auto tail = examine_tail(from, *found_.header, scan.offset());
      if (!tail) return std::unexpected(tail.error());
      if (!judge_end(scan, *tail)) return {};
      const auto more = scan.resynchronise();
      if (!more) return std::unexpected(more.error());
      if (!*more) return {};
    }
  }

  // What follows damage contradicts for that reason alone.
  void take(const frame_view& frame) {
    ++found_.frames;
    found_.events += frame.header().events;
    advance_(frame.header().length);
    if (!found_.intact || found_.contradicts) return;
    if (auto problem = found_.replay.enter(frame))
      found_.contradicts = contradiction{frame.header().place, std::move(*problem)};
    if (task_.hash_seed) take_terms(frame);
  }

  void take_terms(const frame_view& frame) {
    const auto begin = frame.header().place.offset();
    frame.for_each_item([&](const item_view& item) {
      if (item.kind() != item_kind::event) return;
      const auto offset = begin + static_cast<std::uint64_t>(item.data() - frame.data());
      found_.terms.add(item, static_cast<std::uint32_t>(offset / 8));
    });
  }

  /// Writes down what stands behind the last good frame; true when frames may follow damage.
  bool judge_end(const segment_scan& scan, const tail_facts& tail) {
    const auto here = lsn::at(task_.number, scan.offset());
    if (found_.sealed) {
      if (tail.nonzero_end > scan.offset())
        found_.damage.push_back(describe_damage(
            path_, scan.offset(), "something stands behind the seal", scan.next_sequence(), {}));
      return false;
    }
    const bool closed_beyond = directory_.closed && directory_.closed->end > here;
    if (tail.greatest_durable > here || closed_beyond || !task_.last) {
      const std::string what = scan.stop() == scan_stop::bad ? scan.problem()
                               : closed_beyond ? "the log ends before the place where it was closed"
                                               : "frames are missing here";
      damage(describe_damage(path_, scan.offset(), what, scan.next_sequence(), tail));
      return true;
    }
    found_.torn_tail_bytes += tail.nonzero_end - scan.offset();
    return false;
  }

  const store_directory& directory_;
  segment_task task_;
  const std::function<void(std::uint64_t)>& advance_;
  env& env_;
  std::string path_;
  checked_segment found_{};
};

}  // namespace

result<checked_segment> check_segment(const store_directory& directory, const segment_task& task,
                                      const std::function<void(std::uint64_t)>& advance,
                                      env& environment) {
  return segment_checking(directory, task, advance, environment).run();
}

bool has_as_it_is(const sealed_segment& facts, const checked_segment& found) noexcept {
  const auto& header = *found.header;
  return found.sealed && facts.capacity == header.capacity && facts.salt == header.salt &&
         facts.first_sequence == header.first_sequence &&
         facts.events == found.next_sequence - header.first_sequence &&
         facts.clock == found.clock && facts.seal == found.last_place &&
         facts.seal_crc == found.last_crc && facts.last_event == found.replay.last_event();
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
