// All that was stored, for export. See indexed_store.h.
#include <algorithm>

#include "frame.h"
#include "indexed_store.h"
#include "log_scan.h"
#include "recovery.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::uint64_t read_ahead_bytes = 1U << 20U;

}  // namespace

/// One pass over the log, up to what was durable when it began.
class indexed_store::history_run {
 public:
  history_run(indexed_store& store, log_view seen, history_sink& on_entry)
      : store_(store), seen_(std::move(seen)), sink_(on_entry) {}

  result<void> run() {
    for (const auto& one : seen_.sealed->all()) {
      if (stopped_) return {};
      if (auto told = tell_sealed(*one); !told) return told;
    }
    for (const auto& one : seen_.recent) {
      if (stopped_ || one->number() > seen_.durable.segment()) return {};
      const auto file = one->file();
      segment_scan scan(file->direct ? *file->direct : *file->reader, file->header);
      if (auto told = tell(scan, file->path, one->number()); !told) return told;
    }
    return {};
  }

 private:
  // By the CRCs of its blocks, summed when they were written: frames need no checking of their own.
  result<void> tell_sealed(const mapped_segment& one) {
    if (auto opened = one.open(); !opened) return opened;
    std::uint64_t expected = 0;
    for (std::uint64_t at = first_frame_offset; !stopped_;) {
      if (at >= expected) {
        expected = round_down(at, read_ahead_bytes) + read_ahead_bytes;
        if (expected < one.end()) one.expect(expected, read_ahead_bytes);
      }
      const auto frame = one.frame_at(at);
      if (!frame) return std::unexpected(frame.error());
      if (frame->kind() == frame_kind::seal) return {};
      if (auto told = tell(*frame); !told) return told;
      at += frame->header().length;
    }
    return {};
  }

  result<void> tell(segment_scan& scan, const std::string& path, std::uint64_t number) {
    while (!stopped_ && lsn::at(number, scan.offset()) < seen_.durable) {
      const auto frame = scan.next();
      if (!frame) return std::unexpected(frame.error());
      if (*frame) {
        if (auto told = tell(**frame); !told) return told;
      } else if (scan.stop() == scan_stop::sealed) {
        return {};
      } else {
        return fail(errc::store_corrupt,
                    path + " is damaged at offset " + std::to_string(scan.offset()) +
                        ", position " + std::to_string(scan.next_sequence()) + ": " +
                        (scan.problem().empty() ? "frames are missing" : scan.problem()));
      }
    }
    return {};
  }

  result<void> tell(const frame_view& frame) {
    switch (frame.kind()) {
      case frame_kind::append:
      case frame_kind::import:
      case frame_kind::command: return tell_append(frame);
      case frame_kind::retention: return tell_retention(frame);
      case frame_kind::mark:
      case frame_kind::seal:
      case frame_kind::opened: return {};
    }
    return {};
  }

  /// The name of a stream, from its name item's place; what it gives lives until the next frame.
  result<std::string_view> name_at(lsn place, const uuid& key) {
    if (place.segment() <= seen_.sealed->segments()) return seen_.sealed->name_at(place, key);
    const indexed_store::lock_type lock(store_.mutex());
    for (const auto& one : seen_.recent)
      if (one->number() == place.segment())
        if (const auto* stream = std::as_const(*one).find(key)) return stream->name;
    return corrupt_log(store_.directory_.paths.segment(place.segment()) +
                       ": the name of a stream is missing");
  }

  // Mostly that of an event of the same frame.
  result<std::string_view> name_of_listed(const frame_view& frame, const uuid& key) {
    const auto same = std::ranges::find(keys_, key);
    if (same != keys_.end()) return events_[static_cast<std::size_t>(same - keys_.begin())].stream;
    auto record = store_.record_of(seen_, {.stream = key, .place = frame.header().place});
    if (!record) return std::unexpected(record.error());
    command_stream_ = std::move(record->stream);
    return command_stream_;
  }

  result<void> tell_append(const frame_view& frame) {
    append_context context;
    std::string_view stream;
    uuid listed{};  // first, by the command
    result<void> done;
    events_.clear();
    keys_.clear();
    tags_.clear();
    frame.for_each_item([&](const item_view& item) {
      if (!done) return;
      if (item.kind() == item_kind::event) done = add_event(item);
      if (item.kind() == item_kind::context) add_context(context, item);
      if (item.kind() != item_kind::command) return;
      const auto command = item.as<command_item>();
      context.command_id = command.command_id;
      context.command_digest = command.digest;
      listed = command.stream_key;
    });
    if (!done) return done;
    if (!listed.is_nil()) {
      const auto name = name_of_listed(frame, listed);
      if (!name) return std::unexpected(name.error());
      stream = *name;
    }
    const std::string_view* tags = tags_.data();
    for (auto& one : events_) {
      one.event.tags = {tags, one.event.tags.size()};
      tags += one.event.tags.size();
    }
    give(import_request{.events = events_, .context = context, .stream = stream});
    return {};
  }

  // The tags' place is set once all are collected; until then only their number is right.
  result<void> add_event(const item_view& item) {
    const auto event = item.as<event_item>();
    const auto name = name_at(event.name, event.stream_key);
    if (!name) return std::unexpected(name.error());
    keys_.push_back(event.stream_key);
    const auto before = tags_.size();
    for_each_tag(item, [&](std::string_view tag) { tags_.push_back(tag); });
    events_.push_back(
        {.stream = *name,
         .event = {.type = type_of(event.type),
                   .schema = event.schema,
                   .codec = static_cast<codec>(event.codec),
                   .payload = {item.data() + sizeof(event_item), event.payload_length},
                   .event_id = event.event_id,
                   .timestamp = time_point(std::chrono::microseconds(event.timestamp)),
                   .tags = {tags_.data(), tags_.size() - before},
                   .genesis = (event.flags & event_is_genesis) != 0},
         .version = {event.version},
         .position = {.sequence = event.sequence},
         .recorded = {event.recorded}});
    return {};
  }

  std::string_view type_of(std::uint32_t number) {
    if (number <= seen_.sealed->types()) return seen_.sealed->type_of(number);
    const indexed_store::lock_type lock(store_.mutex());
    return store_.index_->types.text_of(number);
  }

  static void add_context(append_context& context, const item_view& item) {
    const auto beside = item.as<context_item>();
    context.correlation_id = beside.correlation_id;
    context.causation_id = beside.causation_id;
    context.trace = {beside.trace_id, beside.span_id, beside.trace_flags};
    context.tracestate = text_in(item, beside.tracestate_length);
    context.user_metadata =
        item.rest().subspan(beside.tracestate_length, beside.user_metadata_length);
  }

  result<void> tell_retention(const frame_view& frame) {
    result<void> done;
    frame.for_each_item([&](const item_view& item) {
      if (item.kind() != item_kind::retention || !done) return;
      const auto kept = item.as<retention_item>();
      const auto name = name_at(kept.name, kept.stream_key);
      if (!name) {
        done = std::unexpected(name.error());
        return;
      }
      give(retained_stream{.stream = *name,
                           .truncate_before = {kept.truncate_before},
                           .tombstone = kept.gone != 0,
                           .max_age = std::chrono::microseconds(kept.max_age),
                           .max_count = kept.max_count});
    });
    return done;
  }

  void give(const history_entry& entry) { stopped_ = stopped_ || sink_(entry) == flow::stop; }

  indexed_store& store_;
  log_view seen_;
  history_sink& sink_;
  std::string command_stream_{};
  std::vector<imported_event> events_{};
  std::vector<uuid> keys_{};  // of the events' streams
  std::vector<std::string_view> tags_{};
  bool stopped_ = false;
};

result<void> indexed_store::do_read_history(history_sink on_entry) {
  if (auto caught = catch_up(); !caught) return caught;
  log_view seen;
  {
    const lock_type lock(mutex());
    if (auto open = check_open(); !open) return open;
    seen = view();
  }
  return history_run(*this, std::move(seen), on_entry).run();
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
