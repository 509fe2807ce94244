#include "segment_indexing.h"

#include <algorithm>

namespace annals {
inline namespace v1 {
namespace embedded {

segment_indexing::segment_indexing(const sealed_context& context, const sealed_segment& of,
                                   const sealed_log& before)
    : context_(context),
      before_(before),
      builder_({.store_id = context.store_id,
                .hash_seed = context.hash_seed,
                .segment = of.number,
                .salt = of.salt}),
      found_{.facts = of} {}

void segment_indexing::add_text(dictionary_kind kind, std::string_view text) {
  (kind == dictionary_kind::type ? found_.types : found_.categories).emplace_back(text);
}

void segment_indexing::add_first(const uuid& stream_key) {
  fresh_.push_back({term_kind::stream, hash_of(term_kind::stream, term_bytes(stream_key))});
}

// A command is stored once: another one with its hash is another one. Of retention the newest
// counts, and two streams may have one hash.
void segment_indexing::add_frame(term_kind kind, const uuid& id, lsn place) {
  const auto hash = hash_of(kind, term_bytes(id));
  found_.slots.push_back({.hash = hash, .kind = kind, .newest = place});
  fresh_.push_back({kind, hash});
}

std::uint64_t segment_indexing::hash_of(term_kind kind, std::span<const std::byte> bytes) const {
  return term_hash(context_.hash_seed, kind, bytes);
}

result<indexed_segment> segment_indexing::finish(const segment_sums& sums) {
  auto& facts = found_.facts;
  facts.digest = sums.digest;
  const auto earlier = [&](const indexed_term& term) -> result<std::uint64_t> {
    const auto newest = before_.newest_segment_of(term.kind, term.bytes);
    if (newest && *newest == 0) fresh_.push_back({term.kind, term.hash});
    return newest;
  };
  const auto written =
      builder_.write(context_.environment, context_.paths.segment_index(facts.number),
                     {.end = facts.seal.offset() + seal_frame_bytes,
                      .first_sequence = facts.first_sequence,
                      .block_crcs = sums.block_crcs},
                     earlier);
  if (!written) return std::unexpected(written.error());
  facts.index = *written;
  for (const auto& slot : builder_.slots()) found_.slots.push_back(slot);
  if (auto marked = mark_ambiguous(); !marked) return std::unexpected(marked.error());
  return std::move(found_);
}

// A term that is new here, and whose hash an earlier run has: two terms share it.
result<void> segment_indexing::mark_ambiguous() {
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
    if (std::ranges::binary_search(shared, fresh_term{slot.kind, slot.hash})) slot.ambiguous = true;
  return {};
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
