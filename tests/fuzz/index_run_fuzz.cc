// Any run: lookups and joins get an answer or store_corrupt, and in what passes its check every
// slot is found, also when it was joined. The first byte: whether the rest is a whole file, or
// fields and blocks of one whose CRCs hold. A block is given by u8 slots used, u8 kinds, and 16
// bytes per slot, hash and value, so that short inputs say much.
#include <algorithm>

#include "checked_files.h"
#include "embedded/index_run.h"
#include "embedded/run_block.h"

using namespace annals;
using fuzz::require;

namespace {

const std::string path = fuzz::root + "/run";
const embedded::run_identity identity{fuzz::index_store_id, fuzz::index_hash_seed, 1, 3};

result<bool> never_same(const embedded::run_slot&, const embedded::run_slot&) {
  return false;
}

/// Appends the blocks that an input describes; answers how many.
std::uint64_t append_blocks(fuzz::bytes& to, std::span<const std::byte> input) {
  std::uint64_t blocks = 0;
  do {
    fuzz::bytes block(embedded::block_bytes);
    if (input.size() >= 2) {
      const auto used = std::to_integer<std::uint32_t>(input[0]);
      embedded::write_as(block.data() + embedded::run_used_at, used);
      block[embedded::run_kinds_at] = input[1];
      input = input.subspan(2);
      for (std::uint32_t i = 0; i < used && input.size() >= 16; ++i, input = input.subspan(16)) {
        embedded::copy_bytes(block.data() + 8 * i, input.first(8));
        embedded::copy_bytes(block.data() + embedded::run_values_at + 8 * i, input.subspan(8, 8));
      }
    }
    to.insert(to.end(), block.begin(), block.end());
    ++blocks;
  } while (input.size() >= 2);
  return blocks;
}

/// True when the answer is there; else it must be that of damage, and the run must not be sound.
template <class Answer>
bool holds(const Answer& answer, bool sound) {
  if (answer) return true;
  require(answer.error().code() == errc::store_corrupt, "the error is typed");
  require(!sound, "what passes its check answers everything");
  return false;
}

/// Answers how many slots there are.
std::uint64_t find_every_slot(const embedded::index_run& run, bool sound) {
  embedded::run_cursor cursor(run);
  std::uint64_t slots = 0;
  for (auto more = cursor.next(); holds(more, sound) && *more; more = cursor.next()) {
    ++slots;
    std::vector<embedded::run_slot> found;
    if (!holds(run.find(cursor.slot().hash, cursor.slot().kind, found), sound) || !sound) continue;
    require(std::ranges::find(found, cursor.slot()) != found.end(), "what is there is found");
  }
  return slots;
}

void join_with_another(env& world, const embedded::index_run& run, bool sound) {
  embedded::index_run_builder builder;
  embedded::run_cursor cursor(run);
  if (const auto first = cursor.next(); first && *first) {  // one that is in both
    auto slot = cursor.slot();
    slot.newest = embedded::lsn::at(4, 4096);
    builder.add(slot);
  }
  builder.add({1, embedded::term_kind::tag, false, embedded::lsn::at(4, 8192)});
  auto other = identity;
  other.first_segment = other.last_segment = 4;
  builder.write(world, fuzz::root + "/other", other).value();
  const auto newer = embedded::index_run::open(world, fuzz::root + "/other", other).value();
  const auto joined = embedded::join(world, fuzz::root + "/joined", run, newer, never_same);
  if (!joined) {  // also in a sound one, when hundreds of slots have one hash
    require(joined.error().code() == errc::store_corrupt, "the error is typed");
    return;
  }
  other.first_segment = 1;
  const auto both = embedded::index_run::open(world, fuzz::root + "/joined", other).value();
  require(both.check().has_value(), "a run that was joined is sound");
  if (sound) require(find_every_slot(both, true) >= newer.size(), "and holds what it should");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto input = fuzz::bytes_of(data + 1, size - 1);
  const auto world = fuzz::index_world();
  if (data[0] % 2 == 0) {
    fuzz::write_file(*world, path, input);
  } else {
    if (input.size() < sizeof(embedded::run_fields)) return 0;
    const auto fields = input.first(sizeof(embedded::run_fields));
    fuzz::bytes whole(fields.begin(), fields.end());
    const auto blocks = append_blocks(whole, input.subspan(fields.size()));
    fuzz::write_checked<embedded::run_fields>(
        *world, path, {.magic = embedded::run_magic, .first_segment = 1, .last_segment = 3}, whole,
        [&](auto& mended) { mended.blocks = blocks; });
  }
  const auto run = embedded::index_run::open(*world, path, identity);
  if (!run) {
    require(run.error().code() == errc::store_too_new || fuzz::is_damaged(run, path),
            "the error is typed and names the file");
    return 0;
  }
  const auto checked = run->check();
  const bool sound = checked.has_value();
  if (!sound) require(fuzz::is_damaged(checked, path), "the error names the file");
  find_every_slot(*run, sound);
  std::vector<embedded::run_slot> found;
  for (std::size_t at = 0; at + 8 <= input.size(); at += 8)
    holds(run->find(embedded::read_as<std::uint64_t>(input.data() + at),
                    embedded::term_kind::stream, found),
          sound);
  join_with_another(*world, *run, sound);
  return 0;
}
