#include "index_segment.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "log_scan.h"
#include "recovery.h"
#include "segment_index_builder.h"
#include "store_directory.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::size_t digest_step = 1U << 20U;  // bytes

/// One pass over the frames of a segment.
class indexing {
 public:
  indexing(const sealed_context& context, std::uint64_t number, const sealed_log& before)
      : context_(context), number_(number), before_(before) {}

  result<indexed_segment> run() {
    const auto path = context_.paths.segment(number_);
    auto opened = context_.environment.open(path, file_mode::read, write_through::none);
    if (!opened) return std::unexpected(opened.error());
    const auto header = read_segment_header(**opened, path, context_.store_id, number_);
    if (!header) return std::unexpected(header.error());
    if (auto linked = check_link(*header, path, end_of(before_)); !linked)
      return std::unexpected(linked.error());
    segment_index_builder builder({.store_id = context_.store_id,
                                   .hash_seed = context_.hash_seed,
                                   .segment = number_,
                                   .salt = header->salt});
    builder_ = &builder;
    auto& facts = found_.facts;
    facts.number = number_;
    facts.capacity = header->capacity;
    facts.salt = header->salt;
    facts.first_sequence = header->first_sequence;
    segment_scan scan(**opened, *header);
    for (;;) {
      const auto frame = scan.next();
      if (!frame) return std::unexpected(frame.error());
      if (!*frame) break;
      take(**frame);
    }
    if (scan.stop() != scan_stop::sealed)
      return corrupt_log(
          describe_damage(path, scan.offset(),
                          scan.stop() == scan_stop::bad ? scan.problem() : "the seal is missing",
                          scan.next_sequence(), {}));
    facts.events = scan.next_sequence() - header->first_sequence;
    facts.clock = scan.clock();
    facts.seal = scan.last_place();
    facts.seal_crc = scan.last_crc();
    auto summed = sum(**opened, scan.offset());
    if (!summed) return std::unexpected(summed.error());
    return finish(builder, scan.offset(), *summed);
  }

 private:
  void take(const frame_view& frame) {
    const auto place = frame.header().place;
    frame.for_each_item([&](const item_view& item) {
      const auto offset = place.offset() + static_cast<std::uint64_t>(item.data() - frame.data());
      switch (item.kind()) {
        case item_kind::event: return take_event(item, static_cast<std::uint32_t>(offset / 8));
        case item_kind::stream_name:
          return builder_->add_name(static_cast<std::uint32_t>(offset / 8),
                                    text_in(item, item.as<name_item>().length));
        case item_kind::command:
          return note(term_kind::command, item.as<command_item>().command_id, place);
        case item_kind::retention:
          return note(term_kind::retention, item.as<retention_item>().stream_key, place);
        case item_kind::dictionary: return take_text(item);
        case item_kind::context:
        case item_kind::seal:
        case item_kind::repair: return;
      }
    });
  }

  void take_text(const item_view& item) {
    const auto entry = item.as<dictionary_item>();
    const bool type = entry.dictionary == static_cast<std::uint8_t>(dictionary_kind::type);
    (type ? found_.types : found_.categories).emplace_back(text_in(item, entry.length));
  }

  void take_event(const item_view& item, std::uint32_t place) {
    const auto event = item.as<event_item>();
    tags_.clear();
    for_each_tag(item, [&](std::string_view tag) { tags_.push_back(tag); });
    builder_->add_event({.place = place,
                         .stream_key = event.stream_key,
                         .version = event.version,
                         .previous = event.previous,
                         .type = event.type,
                         .category = event.category,
                         .tags = tags_});
    found_.facts.last_event = event.event_id;
    if (event.previous.bits == 0)
      fresh_.push_back(
          {term_kind::stream, hash_of(term_kind::stream, term_bytes(event.stream_key))});
  }

  // A command is stored once: another one with its hash is another one. Of retention the newest
  // counts, and two streams may have one hash.
  void note(term_kind kind, const uuid& id, lsn frame) {
    const auto hash = hash_of(kind, term_bytes(id));
    found_.slots.push_back({.hash = hash, .kind = kind, .newest = frame});
    fresh_.push_back({kind, hash});
  }

  std::uint64_t hash_of(term_kind kind, std::span<const std::byte> bytes) const {
    return term_hash(context_.hash_seed, kind, bytes);
  }

  result<std::vector<std::uint32_t>> sum(file& from, std::uint64_t end) {
    block_crcs crcs;
    XXH3_state_t* const state = XXH3_createState();
    if (state == nullptr) return fail(errc::database_error, "no memory for a digest");
    const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> kept(state, &XXH3_freeState);
    XXH3_128bits_reset(state);
    std::vector<std::byte> buffer(digest_step);
    for (std::uint64_t at = 0; at < end; at += buffer.size()) {
      const auto length =
          static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), end - at));
      const auto got = from.read_at(at, std::span(buffer).first(length));
      if (!got) return std::unexpected(got.error());
      if (*got < length)
        return corrupt_log(context_.paths.segment(number_) + ": the file is cut off");
      crcs.add(std::span(buffer).first(length));
      XXH3_128bits_update(state, buffer.data(), length);
    }
    XXH128_canonical_t digest;
    XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(state));
    std::memcpy(found_.facts.digest.data(), digest.digest, found_.facts.digest.size());
    return crcs.finish();
  }

  result<indexed_segment> finish(const segment_index_builder& builder, std::uint64_t end,
                                 const std::vector<std::uint32_t>& crcs) {
    const auto earlier = [&](const indexed_term& term) -> result<std::uint64_t> {
      const auto newest = before_.newest_segment_of(term.kind, term.bytes);
      if (newest && *newest == 0) fresh_.push_back({term.kind, term.hash});
      return newest;
    };
    const auto written = builder.write(
        context_.environment, context_.paths.segment_index(number_),
        {.end = end, .first_sequence = found_.facts.first_sequence, .block_crcs = crcs}, earlier);
    if (!written) return std::unexpected(written.error());
    found_.facts.index = *written;
    for (const auto& slot : builder.slots()) found_.slots.push_back(slot);
    if (auto marked = mark_ambiguous(); !marked) return std::unexpected(marked.error());
    return std::move(found_);
  }

  // A term that is new here, and whose hash an earlier run has: two terms share it.
  result<void> mark_ambiguous() {
    if (before_.empty()) return {};
    std::ranges::sort(fresh_);
    const auto again = std::ranges::unique(fresh_);
    fresh_.erase(again.begin(), again.end());
    std::vector<fresh_term> shared;
    std::vector<run_slot> there;
    for (const auto& term : fresh_) {
      there.clear();
      for (const auto& run : before_.runs()) {
        if (run->count(term.kind) == 0) continue;
        if (auto looked = run->find(term.hash, term.kind, there); !looked) return looked;
      }
      if (!there.empty()) shared.push_back(term);
    }
    for (auto& slot : found_.slots)
      if (std::ranges::binary_search(shared, fresh_term{slot.kind, slot.hash}))
        slot.ambiguous = true;
    return {};
  }

  struct fresh_term {
    term_kind kind{};
    std::uint64_t hash = 0;
    auto operator<=>(const fresh_term&) const = default;
  };

  const sealed_context& context_;
  std::uint64_t number_;
  const sealed_log& before_;
  segment_index_builder* builder_ = nullptr;
  indexed_segment found_{};
  std::vector<fresh_term> fresh_{};
  std::vector<std::string_view> tags_{};
};

}  // namespace

result<void> check_in_place(const sealed_context& context) {
  const store_directory here{.paths = context.paths, .store_id = context.store_id};
  return check_still_there(here, context.environment);
}

result<indexed_segment> index_segment(const sealed_context& context, std::uint64_t number,
                                      const sealed_log& before) {
  return indexing(context, number, before).run();
}

result<bool> are_same_term(const sealed_log& log, const run_slot& older, const run_slot& newer) {
  if (newer.kind != term_kind::tag) {
    const auto bytes = log.id_at(newer);
    if (!bytes) return std::unexpected(bytes.error());
    return log.is_of(older, *bytes);
  }
  const auto item = log.item_at(newer.newest);
  if (!item) return std::unexpected(item.error());
  bool same = true;
  result<void> looked;
  for_each_tag(*item, [&](std::string_view tag) {
    if (term_hash(log.hash_seed(), term_kind::tag, term_bytes(tag)) != newer.hash || !looked)
      return;
    const auto is = log.is_of(older, term_bytes(tag));
    if (!is) looked = std::unexpected(is.error());
    same = same && is && *is;
  });
  if (!looked) return std::unexpected(looked.error());
  return same;
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
