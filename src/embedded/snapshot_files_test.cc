#include "snapshot_files.h"

#include <gtest/gtest.h>

#include "crc32c.h"
#include "store_fixture.h"

namespace annals::embedded {
namespace {

class stored_snapshot : public store_fixture {
 protected:
  const uuid stream{{1, 2, 3}};

  std::string file() const { return root() + "/snap/000000000001.snap"; }
  snapshot_files opened() const { return {*env_, {root()}, uuid{{7}}, role::writer}; }
  void save() const {
    auto files = opened();
    const std::string state = "a state";
    ASSERT_TRUE(files.save(stream, {.state = std::as_bytes(std::span(state))}));
    ASSERT_TRUE(files.close());
  }
  bool is_found() const {
    auto files = opened();
    EXPECT_TRUE(files.open());
    return files.load(stream, 0).value().has_value();
  }
  /// Changes the header of the only record, whose CRC holds nevertheless.
  template <class Change>
  void change_record(Change&& change) const {
    const auto bytes = content(file());
    const auto seed = seed_of(read_as<snapshot_file_header>(bytes.data()).salt);
    auto record = read_as<snapshot_record>(bytes.data() + block_bytes);
    change(record, seed);
    std::array<std::byte, sizeof record> header{};
    write_as(header.data(), record);
    const auto whole = std::span(header);
    constexpr std::size_t crc_at = offsetof(snapshot_record, crc);
    constexpr std::size_t behind = offsetof(snapshot_record, state_crc);
    record.crc = crc32c(crc32c(seed, whole.first(crc_at)), whole.subspan(behind));
    write_as(header.data(), record);
    overwrite(file(), block_bytes, header);
  }
};

TEST_F(stored_snapshot, is_found_as_long_as_its_crc_holds) {
  save();
  change_record([](snapshot_record& record, std::uint32_t) { record.saved += 1; });
  EXPECT_TRUE(is_found());
}

TEST_F(stored_snapshot, whose_state_is_longer_than_all_numbers_was_an_exception) {
  save();
  change_record([](snapshot_record& record, std::uint32_t seed) {
    record.length = sizeof record;
    record.state_length = UINT64_MAX;
    record.state_crc = seed;  // of no bytes
  });
  EXPECT_FALSE(is_found());
}

}  // namespace
}  // namespace annals::embedded
