#include "index_run.h"

#include "annals/assert.h"
#include "run_block.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::uint64_t blocks_at_once = 64;  // that a cursor fetches

// By hash, then kind, then the newest first.
bool comes_before(const index_run_builder::stored& a, const index_run_builder::stored& b) noexcept {
  if (a.hash != b.hash) return a.hash < b.hash;
  const auto kind_a = run_kind_of(a.value);
  const auto kind_b = run_kind_of(b.value);
  if (kind_a != kind_b) return kind_a < kind_b;
  return (a.value & run_lsn_bits) > (b.value & run_lsn_bits);
}

bool equal_terms(const index_run_builder::stored& a, const index_run_builder::stored& b) noexcept {
  return a.hash == b.hash && run_kind_of(a.value) == run_kind_of(b.value);
}

}  // namespace

void index_run_builder::add(const run_slot& slot) {
  ANNALS_ASSERT(slot.newest.bits <= run_lsn_bits, "the format has 28 bits for a segment's number");
  ANNALS_ASSERT(is_term_kind(static_cast<std::uint64_t>(slot.kind)), "it is a kind of term");
  slots_.push_back({slot.hash, stored_value(slot)});
}

void index_run_builder::keep_newest() {
  std::ranges::sort(slots_, comes_before);
  auto kept = slots_.begin();
  for (auto at = slots_.begin(); at != slots_.end();) {
    const auto end =
        std::find_if(at, slots_.end(), [&](const stored& s) { return !equal_terms(s, *at); });
    const bool ambiguous =
        std::any_of(at, end, [](const stored& s) { return (s.value & run_ambiguous) != 0; });
    const auto last = ambiguous ? end : at + 1;
    for (auto one = at; one != last; ++one) {
      const stored slot{one->hash, one->value | (ambiguous ? run_ambiguous : 0)};
      // Terms of one hash in one event need one slot, which leads to all of them.
      if (one != at && kept[-1].value == slot.value) continue;
      *kept++ = slot;
    }
    at = end;
  }
  slots_.erase(kept, slots_.end());
}

result<checked_file_facts> index_run_builder::write(env& environment, const std::string& path,
                                                    const run_identity& identity) {
  keep_newest();
  auto file = checked_file_writer::create(environment, path);
  if (!file) return std::unexpected(file.error());
  run_writer writer(std::move(*file), slots_.size());
  for (const auto& slot : slots_)
    if (auto added = writer.add(slot); !added) return std::unexpected(added.error());
  slots_ = {};
  return writer.finish(identity);
}

result<void> run_writer::flush() {
  write_as(block_.data() + run_used_at, used_);
  write_as(block_.data() + run_kinds_at, kinds_);
  auto added = to_.add(block_);
  block_.fill(std::byte{0});
  ++fields_.blocks;
  used_ = kinds_ = 0;
  return added;
}

result<void> run_writer::add(const index_run_builder::stored& slot) {
  const auto home = home_of(slot.hash, fields_.spread).block;
  while (fields_.blocks < home || used_ == slots_per_block)
    if (auto flushed = flush(); !flushed) return flushed;
  const auto at = used_ * sizeof(std::uint64_t);
  write_as(block_.data() + at, slot.hash);
  write_as(block_.data() + run_values_at + at, slot.value);
  const auto kind = run_kind_of(slot.value);
  ++used_;
  kinds_ |= 1U << kind;
  ++fields_.slots_of[kind];
  return {};
}

result<checked_file_facts> run_writer::finish(const run_identity& identity) {
  do {
    if (auto flushed = flush(); !flushed) return std::unexpected(flushed.error());
  } while (fields_.blocks < fields_.spread);
  return to_.finish({.magic = run_magic,
                     .store_id = identity.store_id,
                     .first_segment = identity.first_segment,
                     .last_segment = identity.last_segment,
                     .hash_seed = identity.hash_seed},
                    fields_);
}

result<index_run> index_run::open(env& environment, const std::string& path,
                                  const run_identity& identity) {
  auto file = checked_file::open(environment, path, run_magic, identity.store_id);
  if (!file) return std::unexpected(file.error());
  const auto& header = file->header();
  if (header.first_segment != identity.first_segment ||
      header.last_segment != identity.last_segment)
    return file->damaged("it is of the segments " + std::to_string(header.first_segment) + " to " +
                         std::to_string(header.last_segment));
  if (header.hash_seed != identity.hash_seed)
    return file->damaged("its hashes have another seed than the store's");
  const auto fields = file->fields<run_fields>();
  const bool fits = fields.blocks == file->length() / block_bytes &&
                    file->length() % block_bytes == 0 && fields.spread >= 1 &&
                    fields.spread <= fields.blocks &&
                    fields.slots / slots_per_block <= fields.blocks;
  if (!fits)
    return file->damaged("it has not the blocks that its header speaks of: " +
                         std::to_string(fields.blocks));
  return index_run(std::move(*file));
}

result<void> index_run::find(std::uint64_t hash, term_kind kind, std::vector<run_slot>& out) const {
  const auto home = home_of(hash, fields_.spread);
  auto fraction = home.fraction;
  for (auto block = home.block; block < fields_.blocks; ++block, fraction = 0) {
    const auto bytes = file_.bytes(block * block_bytes, block_bytes);
    if (!bytes) return std::unexpected(bytes.error());
    const run_block_view view(bytes->data());
    const auto used = view.used();
    if (used > slots_per_block) return damaged(block, "has more slots than fit");
    if ((view.kinds() >> static_cast<unsigned>(kind) & 1U) != 0)
      for (auto i = view.lower_bound(hash, fraction); i < used && view.hash(i) == hash; ++i) {
        const auto slot = slot_of(block, hash, view.value(i));
        if (!slot) return std::unexpected(slot.error());
        if (slot->kind == kind) out.push_back(*slot);
      }
    if (!view.is_full() || view.hash(slots_per_block - 1) > hash) return {};
  }
  return {};
}

bool index_run::expect(std::uint64_t hash) const noexcept {
  return file_.expect(home_of(hash, fields_.spread).block * block_bytes, block_bytes);
}

void index_run::prefetch(std::uint64_t hash) const noexcept {
  const auto home = home_of(hash, fields_.spread);
  const auto* const block = file_.mapped() + home.block * block_bytes;
  const auto slot =
      static_cast<std::size_t>(static_cast<run_product>(home.fraction) * slots_used >> 64U);
  __builtin_prefetch(block + run_used_at);
  __builtin_prefetch(block + slot * sizeof(std::uint64_t));
}

result<run_slot> index_run::slot_of(std::uint64_t block, std::uint64_t hash,
                                    std::uint64_t value) const {
  const auto kind = run_kind_of(value);
  const lsn newest{value & run_lsn_bits};
  if (!is_term_kind(kind)) return damaged(block, "has a slot of unknown kind");
  if (newest.segment() < first_segment() || newest.segment() > last_segment())
    return damaged(block, "speaks of segment " + std::to_string(newest.segment()));
  return run_slot{.hash = hash,
                  .kind = static_cast<term_kind>(kind),
                  .ambiguous = (value & run_ambiguous) != 0,
                  .newest = newest};
}

std::unexpected<error> index_run::damaged(std::uint64_t block, std::string_view what) const {
  return file_.damaged("its block " + std::to_string(block) + ' ' + std::string(what));
}

result<std::uint64_t> index_run::check() const {
  if (auto checked = file_.check_all(); !checked) return std::unexpected(checked.error());
  std::array<std::uint64_t, term_kinds> found{};
  std::uint64_t slots = 0;
  std::uint64_t of_one_term = 0;
  run_cursor cursor(*this);
  for (;;) {
    const auto more = cursor.next();
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    ++slots;
    of_one_term += cursor.slot().ambiguous ? 0U : 1U;
    ++found[static_cast<std::size_t>(cursor.slot().kind)];
  }
  if (slots != fields_.slots || found != fields_.slots_of)
    return file_.damaged("it has not the slots that its header speaks of: " +
                         std::to_string(fields_.slots));
  return of_one_term;
}

// True when there is one more block; the kinds seen in the one before must be those that it says.
result<bool> run_cursor::next_block() {
  if (block_at_ != nullptr) {
    const run_block_view view(block_at_);
    if (kinds_ != view.kinds()) return run_.damaged(next_block_ - 1, "has not the kinds it says");
    if (!view.is_full()) full_from_ = next_block_;
  }
  if (next_block_ == run_.fields_.blocks) return false;
  if (window_.empty()) {
    const auto blocks = std::min(blocks_at_once, run_.fields_.blocks - next_block_);
    const auto bytes = run_.file_.bytes(next_block_ * block_bytes, blocks * block_bytes);
    if (!bytes) return std::unexpected(bytes.error());
    window_ = *bytes;
  }
  block_at_ = window_.data();
  window_ = window_.subspan(block_bytes);
  used_ = run_block_view(block_at_).used();
  if (used_ > slots_per_block) return run_.damaged(next_block_, "has more slots than fit");
  index_ = kinds_ = 0;
  ++next_block_;
  return true;
}

// A slot stands in its home block, or behind full blocks from there on.
result<void> run_cursor::check_slot(std::uint64_t hash) const {
  const auto block = next_block_ - 1;
  const auto home = home_of(hash, run_.fields_.spread).block;
  if (home > block || home < full_from_)
    return run_.damaged(block, "has a slot that is not looked for there");
  return {};
}

result<bool> run_cursor::next() {
  while (index_ == used_) {
    const auto more = next_block();
    if (!more || !*more) return more;
  }
  const run_block_view view(block_at_);
  const auto hash = view.hash(index_);
  const auto slot = run_.slot_of(next_block_ - 1, hash, view.value(index_));
  if (!slot) return std::unexpected(slot.error());
  if (auto there = check_slot(hash); !there) return std::unexpected(there.error());
  const auto order = [](const run_slot& s) { return std::tuple(s.hash, s.kind, ~s.newest.bits); };
  if (any_ && order(*slot) <= order(slot_))
    return run_.damaged(next_block_ - 1, "has slots out of order");
  ++index_;
  kinds_ |= 1U << static_cast<unsigned>(slot->kind);
  any_ = true;
  slot_ = *slot;
  return true;
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
