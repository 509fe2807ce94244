#include "index_segment.h"

#include <algorithm>
#include <map>

#include "log_scan.h"
#include "recovery.h"
#include "segment_indexing.h"
#include "store_directory.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::size_t summed_at_once = 1U << 20U;  // bytes

/// One pass over the frames of a segment's file, and one over its bytes.
class file_indexing {
 public:
  file_indexing(const sealed_context& context, std::uint64_t number, const sealed_log& before)
      : context_(context), path_(context.paths.segment(number)), number_(number), before_(before) {}

  result<indexed_segment> run() {
    auto opened = context_.environment.open(path_, file_mode::read, write_through::none);
    if (!opened) return std::unexpected(opened.error());
    const auto header = read_segment_header(**opened, path_, context_.store_id, number_);
    if (!header) return std::unexpected(header.error());
    if (auto linked = check_link(*header, path_, end_of(before_)); !linked)
      return std::unexpected(linked.error());
    segment_indexing indexing(context_,
                              {.number = number_,
                               .capacity = header->capacity,
                               .salt = header->salt,
                               .first_sequence = header->first_sequence},
                              before_);
    indexing_ = &indexing;
    if (auto scanned = scan(**opened, *header); !scanned) return std::unexpected(scanned.error());
    const auto sums = sum(**opened, indexing.facts().seal.offset() + seal_frame_bytes);
    if (!sums) return std::unexpected(sums.error());
    return indexing.finish(*sums);
  }

 private:
  result<void> scan(file& from, const segment_header& header) {
    segment_scan frames(from, header);
    for (;;) {
      const auto frame = frames.next();
      if (!frame) return std::unexpected(frame.error());
      if (!*frame) break;
      take(**frame);
    }
    if (frames.stop() != scan_stop::sealed)
      return corrupt_log(describe_damage(
          path_, frames.offset(),
          frames.stop() == scan_stop::bad ? frames.problem() : "the seal is missing",
          frames.next_sequence(), {}));
    auto& facts = indexing_->facts();
    facts.events = frames.next_sequence() - header.first_sequence;
    facts.clock = frames.clock();
    facts.seal = frames.last_place();
    facts.seal_crc = frames.last_crc();
    return {};
  }

  void take(const frame_view& frame) {
    const auto place = frame.header().place;
    frame.for_each_item([&](const item_view& item) {
      const auto offset = place.offset() + static_cast<std::uint64_t>(item.data() - frame.data());
      switch (item.kind()) {
        case item_kind::event: return take_event(item, static_cast<std::uint32_t>(offset / 8));
        case item_kind::stream_name:
          return indexing_->builder().add_name(static_cast<std::uint32_t>(offset / 8),
                                               text_in(item, item.as<name_item>().length));
        case item_kind::command:
          return indexing_->add_frame(term_kind::command, item.as<command_item>().command_id,
                                      place);
        case item_kind::retention:
          return indexing_->add_frame(term_kind::retention, item.as<retention_item>().stream_key,
                                      place);
        case item_kind::dictionary: return take_text(item);
        case item_kind::context:
        case item_kind::seal:
        case item_kind::repair: return;
      }
    });
  }

  void take_text(const item_view& item) {
    const auto entry = item.as<dictionary_item>();
    indexing_->add_text(static_cast<dictionary_kind>(entry.dictionary),
                        text_in(item, entry.length));
  }

  void take_event(const item_view& item, std::uint32_t place) {
    const auto event = item.as<event_item>();
    tags_.clear();
    for_each_tag(item, [&](std::string_view tag) { tags_.push_back(tag); });
    indexing_->builder().add_event({.place = place,
                                    .stream_key = event.stream_key,
                                    .version = event.version,
                                    .previous = event.previous,
                                    .type = event.type,
                                    .category = event.category,
                                    .tags = tags_});
    indexing_->facts().last_event = event.event_id;
    if (event.previous.bits == 0) indexing_->add_first(event.stream_key);
  }

  result<segment_sums> sum(file& from, std::uint64_t end) const {
    segment_summing summing;
    std::vector<std::byte> buffer(summed_at_once);
    for (std::uint64_t at = 0; at < end; at += buffer.size()) {
      const auto length =
          static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), end - at));
      const auto got = from.read_at(at, std::span(buffer).first(length));
      if (!got) return std::unexpected(got.error());
      if (*got < length) return corrupt_log(path_ + ": the file is cut off");
      summing.add(std::span(buffer).first(length));
    }
    return summing.finish();
  }

  const sealed_context& context_;
  std::string path_;
  std::uint64_t number_;
  const sealed_log& before_;
  segment_indexing* indexing_ = nullptr;
  std::vector<std::string_view> tags_{};
};

/// What a segment in memory holds, term by term.
class content_indexing {
 public:
  content_indexing(const sealed_context& context, const sealed_content& of,
                   const sealed_log& before)
      : of_(of), content_(*of.content), indexing_(context, facts_of(of), before) {}

  result<indexed_segment> run() {
    for (const auto& event : content_.events())
      places_.push_back(static_cast<std::uint32_t>(event.place.offset() / 8));
    indexing_.builder().add_places(places_);
    add_streams();
    add_types_and_categories();
    content_.for_each_tag([&](std::string_view tag, const recent_segment::numbers& events) {
      add_list(term_kind::tag, term_bytes(tag), events);
    });
    content_.for_each_command(
        [&](const uuid& id, lsn place) { indexing_.add_frame(term_kind::command, id, place); });
    content_.for_each_retention(
        [&](const uuid& key, lsn place) { indexing_.add_frame(term_kind::retention, key, place); });
    return indexing_.finish(of_.sums);
  }

 private:
  static sealed_segment facts_of(const sealed_content& of) {
    const auto& content = *of.content;
    const auto& header = content.file()->header;
    sealed_segment facts{.number = header.number,
                         .capacity = header.capacity,
                         .salt = header.salt,
                         .first_sequence = header.first_sequence,
                         .events = content.events().size(),
                         .clock = of.clock,
                         .seal = of.seal,
                         .seal_crc = of.seal_crc};
    if (!content.events().empty()) facts.last_event = content.events().back().id;
    return facts;
  }

  void add_list(term_kind kind, std::span<const std::byte> bytes,
                std::span<const std::uint32_t> events, std::uint64_t first_version = 0,
                lsn previous = {}) {
    listed_.clear();
    for (const auto number : events) listed_.push_back(places_[number]);
    indexing_.builder().add_list({.kind = kind,
                                  .bytes = bytes,
                                  .places = listed_,
                                  .first_version = first_version,
                                  .previous = previous});
  }

  void add_streams() {
    for (const auto& stream : content_.streams()) {
      if (stream.name_place.segment() == content_.number())
        indexing_.builder().add_name(static_cast<std::uint32_t>(stream.name_place.offset() / 8),
                                     stream.name);
      if (stream.events.empty()) continue;
      add_list(term_kind::stream, term_bytes(stream.key), stream.events, stream.before + 1,
               stream.previous);
      if (stream.previous.bits == 0) indexing_.add_first(stream.key);
    }
  }

  void add_types_and_categories() {
    content_.for_each_type([&](std::uint32_t type, const recent_segment::numbers& events) {
      add_list(term_kind::type, term_bytes(type), events);
    });
    std::map<std::uint32_t, recent_segment::numbers> of_category;
    for (std::uint32_t number = 0; number < places_.size(); ++number)
      of_category[content_.stream_of(content_.events()[number]).category].push_back(number);
    for (const auto& [category, events] : of_category)
      add_list(term_kind::category, term_bytes(category), events);
    for (const auto& text : content_.new_types()) indexing_.add_text(dictionary_kind::type, text);
    for (const auto& text : content_.new_categories())
      indexing_.add_text(dictionary_kind::category, text);
  }

  const sealed_content& of_;
  const recent_segment& content_;
  segment_indexing indexing_;
  std::vector<std::uint32_t> places_{};  // of all events
  std::vector<std::uint32_t> listed_{};
};

}  // namespace

result<void> check_in_place(const sealed_context& context) {
  const store_directory here{.paths = context.paths, .store_id = context.store_id};
  return check_still_there(here, context.environment);
}

result<indexed_segment> index_segment(const sealed_context& context, std::uint64_t number,
                                      const sealed_log& before) {
  return file_indexing(context, number, before).run();
}

result<indexed_segment> index_segment(const sealed_context& context, const sealed_content& of,
                                      const sealed_log& before) {
  return content_indexing(context, of, before).run();
}

result<bool> are_same_term(const sealed_log& log, const run_slot& older, const run_slot& newer) {
  if (newer.kind != term_kind::tag) {
    const auto bytes = log.id_at(newer);
    if (!bytes) return std::unexpected(bytes.error());
    return log.is_of(older, *bytes);
  }
  const auto item = log.item_at(older.newest);
  if (!item) return std::unexpected(item.error());
  bool same = true;
  result<void> looked;
  for_each_tag(*item, [&](std::string_view tag) {
    if (term_hash(log.hash_seed(), term_kind::tag, term_bytes(tag)) != older.hash || !looked)
      return;
    const auto is = log.is_of(newer, term_bytes(tag));
    if (!is) looked = std::unexpected(is.error());
    same = same && is && *is;
  });
  if (!looked) return std::unexpected(looked.error());
  return same;
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
