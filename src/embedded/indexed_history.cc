// All that was stored, for export. See indexed_store.h.
#include "frame.h"
#include "indexed_store.h"
#include "log_scan.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// One pass over the log, up to what was durable when it began.
class indexed_store::history_run {
 public:
  history_run(indexed_store& store, history_sink& on_entry) : store_(store), sink_(on_entry) {}

  result<void> run() {
    lsn end{};
    {
      const lock_type lock(store_.mutex());
      if (auto open = store_.check_open(); !open) return open;
      end = store_.durable();
    }
    for (std::uint64_t number = 1; number <= end.segment() && !stopped_; ++number)
      if (auto told = tell(*store_.segments_.number(number), end); !told) return told;
    return {};
  }

 private:
  result<void> tell(const segment& one, lsn end) {
    segment_scan scan(one.direct ? *one.direct : *one.reader, one.header);
    while (!stopped_ && lsn::at(one.number(), scan.offset()) < end) {
      const auto frame = scan.next();
      if (!frame) return std::unexpected(frame.error());
      if (*frame) {
        tell(**frame);
      } else if (scan.stop() == scan_stop::sealed) {
        return {};
      } else {
        return fail(errc::store_corrupt,
                    one.path + " is damaged at offset " + std::to_string(scan.offset()) +
                        ", position " + std::to_string(scan.next_sequence()) + ": " +
                        (scan.problem().empty() ? "frames are missing" : scan.problem()));
      }
    }
    return {};
  }

  void tell(const frame_view& frame) {
    switch (frame.kind()) {
      case frame_kind::append:
      case frame_kind::import:
      case frame_kind::command: return tell_append(frame);
      case frame_kind::retention: return tell_retention(frame);
      case frame_kind::mark:
      case frame_kind::seal:
      case frame_kind::opened: return;
    }
  }

  void tell_append(const frame_view& frame) {
    append_context context;
    std::string_view stream;
    std::uint64_t sequence = frame.header().first_sequence;
    events_.clear();
    tags_.clear();
    {
      // Names and types are in the index; what it gives out never changes.
      const lock_type lock(store_.mutex());
      frame.for_each_item([&](const item_view& item) {
        if (item.kind() == item_kind::event) add_event(item, sequence++);
        if (item.kind() == item_kind::context) add_context(context, item);
        if (item.kind() != item_kind::command) return;
        const auto command = item.as<command_item>();
        context.command_id = command.command_id;
        context.command_digest = command.digest;
        if (const auto* entry = store_.index_->find(command.stream_key)) stream = entry->name;
      });
    }
    const std::string_view* tags = tags_.data();
    for (auto& one : events_) {
      one.event.tags = {tags, one.event.tags.size()};
      tags += one.event.tags.size();
    }
    give(import_request{.events = events_, .context = context, .stream = stream});
  }

  // The tags' place is set once all are collected; until then only their number is right.
  void add_event(const item_view& item, std::uint64_t sequence) {
    const auto event = item.as<event_item>();
    const auto& entry = store_.index_->event(sequence);
    const auto before = tags_.size();
    for_each_tag(item, [&](std::string_view tag) { tags_.push_back(tag); });
    events_.push_back(
        {.stream = store_.index_->stream_of(entry).name,
         .event = {.type = store_.index_->types.text_of(event.type),
                   .schema = event.schema,
                   .codec = static_cast<codec>(event.codec),
                   .payload = {item.data() + sizeof(event_item), event.payload_length},
                   .event_id = event.event_id,
                   .timestamp = time_point(std::chrono::microseconds(event.timestamp)),
                   .tags = {tags_.data(), tags_.size() - before},
                   .genesis = (event.flags & event_is_genesis) != 0},
         .version = {event.version},
         .position = {.sequence = sequence},
         .recorded = {event.recorded}});
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

  void tell_retention(const frame_view& frame) {
    frame.for_each_item([&](const item_view& item) {
      if (item.kind() != item_kind::retention) return;
      const auto kept = item.as<retention_item>();
      std::string_view name;
      {
        const lock_type lock(store_.mutex());
        if (const auto* entry = store_.index_->find(kept.stream_key)) name = entry->name;
      }
      give(retained_stream{.stream = name,
                           .truncate_before = {kept.truncate_before},
                           .tombstone = kept.gone != 0,
                           .max_age = std::chrono::microseconds(kept.max_age),
                           .max_count = kept.max_count});
    });
  }

  void give(const history_entry& entry) { stopped_ = stopped_ || sink_(entry) == flow::stop; }

  indexed_store& store_;
  history_sink& sink_;
  std::vector<imported_event> events_{};
  std::vector<std::string_view> tags_{};
  bool stopped_ = false;
};

result<void> indexed_store::do_read_history(history_sink on_entry) {
  if (auto caught = catch_up(); !caught) return caught;
  return history_run(*this, on_entry).run();
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
