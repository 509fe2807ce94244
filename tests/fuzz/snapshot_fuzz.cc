// Any snapshot file, and any table of them: what does not hold is as if it were not there, and
// saving goes on. The first byte: whether CRCs are mended, and lengths with them, and whether the
// second half of the rest is pages of a table whose header holds.
#include <bit>

#include "embedded/crc32c.h"
#include "embedded/snapshot_files.h"
#include "store_in_memory.h"

using namespace annals;
using fuzz::require;

namespace {

using embedded::snapshot_record;

const uuid store_id = make_uuid_v4(std::array<std::uint8_t, 16>{7});
const embedded::snapshot_file_header header{.store_id = store_id, .number = 1, .salt = 42};

/// Gives every record the CRCs that it needs to hold, and the lengths, unless those are to stay.
void mend(std::span<std::byte> records, bool lengths) {
  const auto seed = embedded::seed_of(header.salt);
  while (records.size() >= sizeof(snapshot_record)) {
    auto record = embedded::read_as<snapshot_record>(records.data());
    if (record.length == 0) return;
    const std::uint64_t room = records.size() & ~std::size_t{7};
    const auto length = static_cast<std::size_t>(
        std::clamp<std::uint64_t>(record.length & ~std::uint64_t{7}, sizeof record, room));
    if (lengths) {
      record.length = length;
      const std::uint64_t states = length - sizeof record;
      record.state_length = states - std::min<std::uint64_t>(record.state_length % 8, states);
    }
    record.state_crc =
        embedded::crc32c(seed, records.subspan(sizeof record, length - sizeof record));
    embedded::write_as(records.data(), record);
    const auto whole = records.first(sizeof record);
    constexpr std::size_t crc_at = offsetof(snapshot_record, crc);
    constexpr std::size_t behind = offsetof(snapshot_record, state_crc);
    record.crc =
        embedded::crc32c(embedded::crc32c(seed, whole.first(crc_at)), whole.subspan(behind));
    embedded::write_as(records.data(), record);
    records = records.subspan(length);
  }
}

/// A table with these bytes as pages, which may say that it has more.
fuzz::bytes table_of(std::span<const std::byte> pages) {
  constexpr std::size_t page = embedded::snapshot_table::page_bytes;
  const auto whole = std::bit_floor(std::max<std::size_t>(pages.size() / page, 1));
  embedded::snapshot_table_header mark{.flags = 1,
                                       .store_id = store_id,
                                       .hash_seed = 42,
                                       .pages = whole,
                                       .file = 1,
                                       .end = embedded::block_bytes};
  fuzz::bytes made((whole + 1) * page);
  embedded::write_as(made.data(), mark);
  mark.crc =
      embedded::crc32c(0, std::span(made).first(offsetof(embedded::snapshot_table_header, crc)));
  embedded::write_as(made.data(), mark);
  std::ranges::copy(pages.first(std::min(pages.size(), whole * page)), made.begin() + page);
  return made;
}

embedded::snapshot_files opened(env& world) {
  return {world, {fuzz::root}, store_id, embedded::role::writer};
}

result<std::optional<snapshot>> any_of(embedded::snapshot_files& in, const snapshot_record& like) {
  return in.load(like.stream_key, like.shape, [](const snapshot&) -> result<bool> { return true; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto input = fuzz::bytes_of(data + 1, size - 1);
  const bool has_table = data[0] % 8 >= 4;
  const auto of_records = has_table ? input.size() / 2 : input.size();
  const auto split = input.begin() + static_cast<std::ptrdiff_t>(of_records);
  fuzz::bytes records(input.begin(), split);
  if (data[0] % 2 == 1) mend(records, data[0] % 4 == 1);
  const auto world = fuzz::same_world();
  const embedded::store_paths paths{fuzz::root};
  world->create_directories(paths.snapshots()).value();
  const auto block = embedded::header_block(header);
  fuzz::bytes content(block.data(), block.data() + block.size());
  content.insert(content.end(), records.begin(), records.end());
  fuzz::write_file(*world, paths.snapshot_file(1), content);
  if (has_table) fuzz::write_file(*world, paths.snapshot_table(), table_of({split, input.end()}));

  // What the first record is of, is looked for.
  const auto first = records.size() < sizeof(snapshot_record)
                         ? snapshot_record{}
                         : embedded::read_as<snapshot_record>(records.data());
  const std::string state = "a state";
  const snapshot_write write{
      .shape = first.shape, .version = version::max(), .state = std::as_bytes(std::span(state))};
  {
    auto files = opened(*world);
    require(files.open().has_value(), "damaged snapshots are no error");
    const auto found = any_of(files, first);
    require(found.has_value(), "nor when they are looked for");
    require(!*found || (*found)->state.size() <= size, "a state is no longer than its file");
    require(files.save(first.stream_key, write).has_value(), "saving goes on");
    require(files.close().has_value(), "and is flushed");
  }
  auto files = opened(*world);
  require(files.open().has_value(), "the files open again");
  const auto found = any_of(files, first);
  require(found && *found && std::ranges::equal((*found)->state, write.state),
          "what was saved last is found");
  return 0;
}
