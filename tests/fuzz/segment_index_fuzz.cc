// Any segment index: whoever asks it gets an answer or store_corrupt, and what passes its check
// answers everything. The first byte: whether the rest is a whole file, or fields and data of one
// whose CRCs hold.
#include <algorithm>

#include "checked_files.h"
#include "embedded/segment_index.h"

using namespace annals;
using fuzz::require;

namespace {

const std::string path = fuzz::root + "/index";
const embedded::segment_identity identity{fuzz::index_store_id, fuzz::index_hash_seed, 5, 42};

/// True when the answer is there; else it must be that of damage, and the index must not be sound.
template <class Answer>
bool holds(const Answer& answer, bool sound) {
  if (answer) return true;
  require(fuzz::is_damaged(answer, path), "the error is typed and names the file");
  require(!sound, "what passes its check answers everything");
  return false;
}

void ask_names(const embedded::segment_index& index, std::string_view from, bool sound) {
  embedded::name_cursor names(index);
  std::uint64_t seen = 0;
  std::string before;
  auto more = names.seek(from);
  while (holds(more, sound) && *more) {
    require(names.name() >= from && (seen == 0 || names.name() > before), "names ascend");
    require(++seen <= index.names(), "there are no more names than it says");
    before = names.name();
    more = names.next();
  }
}

void ask_terms(const embedded::segment_index& index, std::uint64_t hash, bool sound) {
  using embedded::term_kind;
  for (const auto kind :
       {term_kind::stream, term_kind::type, term_kind::category, term_kind::tag}) {
    std::vector<embedded::postings> found;
    if (!holds(index.find(kind, hash, found), sound)) continue;
    for (const auto& one : found) {
      std::vector<std::uint32_t> places;
      if (!holds(index.places(one, places), sound)) continue;
      require(places.size() == one.count && places.back() == one.last, "places are as counted");
      require(std::ranges::is_sorted(places) && places.back() < index.end() / 8,
              "places ascend and are in the segment");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto input = fuzz::bytes_of(data + 1, size - 1);
  const auto world = fuzz::index_world();
  if (data[0] % 2 == 0) {
    fuzz::write_file(*world, path, input);
  } else if (!fuzz::write_checked<embedded::segment_index_fields>(
                 *world, path,
                 {.magic = embedded::segment_index_magic, .first_segment = 5, .last_segment = 5},
                 input, [](auto& fields) { fields.salt = 42; })) {
    return 0;
  }
  const auto index = embedded::segment_index::open(*world, path, identity);
  if (!index) {
    require(index.error().code() == errc::store_too_new || fuzz::is_damaged(index, path),
            "the error is typed and names the file");
    return 0;
  }
  const auto checked = index->check();
  const bool sound = checked.has_value();
  holds(checked, sound);
  for (std::uint64_t i = 0; i < index->blocks(); i += 1 + index->blocks() / 64)
    holds(index->block_crc(i), sound);
  for (std::uint64_t i = 0; i < index->events(); i += 64) holds(index->place_near(i), sound);
  for (std::size_t at = 0; at + 8 <= std::min<std::size_t>(input.size(), 512); at += 8)
    ask_terms(*index, embedded::read_as<std::uint64_t>(input.data() + at), sound);
  for (std::uint64_t i = 0; i < 64; ++i) ask_terms(*index, i << 58U, sound);
  ask_names(*index, "", sound);
  ask_names(*index, fuzz::text_of(data + size / 2, std::min<std::size_t>(size - size / 2, 20)),
            sound);
  return 0;
}
