#include "log_join.h"

#include <algorithm>

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

using origin = segment_replay::origin;

}  // namespace

// The first one in the log is told, in whatever order they are found.
void log_join::contradict(lsn place, std::string what) {
  if (!first_ || place < first_->place) first_ = contradiction{place, std::move(what)};
}

result<std::optional<contradiction>> log_join::add(const segment_replay& of, bool indexed) {
  add_texts(types_, of.types(), "an event type is unknown");
  add_texts(categories_, of.categories(), "a category is unknown");
  // Before the streams, as what they are named for stands in an earlier segment.
  for (const auto& [key, place] : of.mentioned()) {
    const auto known = find(key, indexed);
    if (!known) return std::unexpected(known.error());
    if (!*known) contradict(place, "a command names an unknown stream");
  }
  for (const auto& [key, one] : of.streams())
    if (auto added = add_stream(key, one, indexed); !added) return std::unexpected(added.error());
  if (!indexed)
    for (const auto& [id, place] : of.commands())
      if (auto added = add_command(id, place); !added) return std::unexpected(added.error());
  return first_;
}

void log_join::add_texts(std::vector<std::string>& to, const segment_replay::texts& from,
                         std::string_view unknown) {
  if (from.used > to.size()) contradict(from.used_place, std::string(unknown));
  if (from.first != 0 && from.first != to.size() + 1)
    contradict(from.first_place, "a dictionary entry is out of order");
  std::ranges::copy(from.added, std::back_inserter(to));
}

// Of an indexed segment there are only streams that had no events before, or have none.
result<std::optional<stream_end>> log_join::find(const uuid& key, bool indexed) {
  const auto known = ends_.find(key);
  const auto here = known == ends_.end() ? std::nullopt : std::optional(known->second);
  if (indexed || sealed_ == nullptr || (here && here->version != 0)) return here;
  auto there = find_indexed(key);
  if (!there || *there) return there;
  return here;
}

// Read and not mapped, so that going from place to place does not bring all of the log into memory;
// that all of it holds has been seen before.
result<std::optional<stream_end>> log_join::find_indexed(const uuid& key) {
  const auto newest = newest_in_runs(*sealed_, term_kind::stream, key);
  if (!newest) return std::unexpected(newest.error());
  if (*newest == lsn{}) return std::optional<stream_end>{};
  const auto path = sealed_->all()[static_cast<std::size_t>(newest->segment() - 1)]->path();
  if (path != open_path_) {
    auto opened = env_.open(path, file_mode::read, write_through::none);
    if (!opened) return std::unexpected(opened.error());
    open_ = std::move(*opened);
    open_path_ = path;
  }
  event_item event;
  const auto got = open_->read_at(newest->offset(), std::as_writable_bytes(std::span(&event, 1)));
  if (!got) return std::unexpected(got.error());
  if (*got < sizeof event || event.item.kind != static_cast<std::uint16_t>(item_kind::event) ||
      event.stream_key != key)
    return std::optional<stream_end>{};
  return stream_end{
      .version = event.version, .last = *newest, .name = event.name, .category = event.category};
}

result<void> log_join::add_stream(const uuid& key, const segment_replay::stream& one,
                                  bool indexed) {
  const auto known = find(key, indexed);
  if (!known) return std::unexpected(known.error());
  const auto& before = *known;
  if (one.from == origin::named) {
    if (before && before->version != 0) contradict(one.first, "a stream is named twice");
  } else if (!before) {
    contradict(one.first, one.from == origin::retained ? "retention of an unknown stream"
                                                       : "an event is of an unknown stream");
  } else if (before->version != one.before.version) {
    contradict(one.first, one.from == origin::retained
                              ? "retention of another version of a stream"
                              : "version " + std::to_string(one.before.version + 1) +
                                    " of stream " + key.to_string() + " follows version " +
                                    std::to_string(before->version));
  } else if (before->category != one.before.category) {
    contradict(one.first, "an event has another category");
  } else if (*before != one.before) {
    contradict(one.first, "an event does not follow the one before it in its stream");
  }
  if (indexed && one.has_events()) {
    ends_.erase(key);
  } else {
    ends_.insert_or_assign(key, one.now);
  }
  return {};
}

result<void> log_join::add_command(const uuid& id, lsn place) {
  bool twice = !commands_.insert(id).second;
  if (!twice && sealed_ != nullptr) {
    const auto there = newest_in_runs(*sealed_, term_kind::command, id);
    if (!there) return std::unexpected(there.error());
    if (*there != lsn{}) {
      const auto is =
          sealed_->is_of({.kind = term_kind::command, .newest = *there}, term_bytes(id));
      if (!is) return std::unexpected(is.error());
      twice = *is;
    }
  }
  if (twice) contradict(place, "command " + id.to_string() + " stands there twice");
  return {};
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
