#include <algorithm>

#include "annals/engine.h"

namespace annals {
inline namespace v1 {

result<void> retention::change(const retention_change& wanted, version stream_version) {
  if (wanted.truncate_before && *wanted.truncate_before > stream_version.next())
    return fail(errc::invalid_argument, "truncating before version " +
                                            std::to_string(wanted.truncate_before->number) +
                                            " is past the end of a stream at version " +
                                            std::to_string(stream_version.number));
  if (wanted.max_age && wanted.max_age->count() < 0)
    return fail(errc::invalid_argument, "a maximum age is not negative");
  if (wanted.truncate_before) truncate_before = std::max(truncate_before, *wanted.truncate_before);
  if (wanted.tombstone) gone = *wanted.tombstone;
  if (gone) truncate_before = stream_version.next();
  if (wanted.max_age) max_age = *wanted.max_age;
  if (wanted.max_count) max_count = *wanted.max_count;
  return {};
}

result<void> retention::become(const retained_stream& wanted, version stream_version) {
  retention next = *this;
  if (auto changed = next.change({.truncate_before = wanted.truncate_before,
                                  .tombstone = wanted.tombstone,
                                  .max_age = wanted.max_age,
                                  .max_count = wanted.max_count},
                                 stream_version);
      !changed)
    return changed;
  if (next.truncate_before != wanted.truncate_before)
    return fail(errc::invalid_argument,
                "the retention of stream " + std::string(wanted.stream) +
                    " does not follow what the store holds: it keeps from version " +
                    std::to_string(wanted.truncate_before.number) + ", here from version " +
                    std::to_string(next.truncate_before.number));
  *this = next;
  return {};
}

bool retention::hides(version of_event, hlc recorded, version stream_version,
                      time_point now) const noexcept {
  if (of_event < truncate_before) return true;
  if (max_count != 0 && stream_version.number - of_event.number >= max_count) return true;
  return max_age.count() != 0 && recorded.time() < now - max_age;
}

}  // namespace v1
}  // namespace annals
