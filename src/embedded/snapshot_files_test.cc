#include "snapshot_files.h"

#include <gtest/gtest.h>

#include "annals/forwarding_env.h"
#include "crc32c.h"
#include "snapshot_check.h"
#include "store_fixture.h"

namespace annals::embedded {
namespace {

namespace fs = std::filesystem;

const uuid store_id{{7}};

uuid stream(std::uint32_t number) {
  uuid made{{1, 2, 3}};
  std::memcpy(made.bytes.data() + 8, &number, sizeof number);
  return made;
}

/// An env on a machine that was started anew.
class started_anew final : public forwarding_env {
 public:
  started_anew() : forwarding_env(posix_env()) {}
  uuid boot_id() override { return {{9, 9}}; }
};

class stored_snapshot : public store_fixture {
 protected:
  std::string file(int number = 1) const {
    const auto digits = std::to_string(number);
    return root() + "/snap/" + std::string(12 - digits.size(), '0') + digits + ".snap";
  }
  std::string table() const { return root() + "/snap/table"; }
  snapshot_files files(env& on = posix_env(), role plays = role::writer) const {
    return {on, {root()}, store_id, plays};
  }
  static result<void> save(snapshot_files& to, std::uint32_t number, std::uint64_t version,
                           std::string_view state = "a state") {
    return to.save(stream(number),
                   {.version = {version}, .state = std::as_bytes(std::span(state))});
  }
  /// Saves version 1 of stream 1.
  void save() const {
    auto to = files();
    ASSERT_TRUE(to.open());
    ASSERT_TRUE(save(to, 1, 1));
    ASSERT_TRUE(to.close());
  }
  /// The version that is found; 0: none.
  static std::uint64_t found(snapshot_files& in, std::uint32_t number,
                             std::uint64_t at_most = UINT64_MAX) {
    const auto kept = in.load(stream(number), 0, [&](const snapshot& one) -> result<bool> {
      return one.version.number <= at_most;
    });
    EXPECT_TRUE(kept) << (kept ? "" : kept.error().to_string());
    return kept && *kept ? (*kept)->version.number : 0;
  }
  std::uint64_t found_anew(std::uint32_t number, env& on = posix_env()) const {
    auto in = files(on);
    EXPECT_TRUE(in.open());
    return found(in, number);
  }
  std::vector<std::string> table_damage() const {
    std::vector<std::uint64_t> numbers;
    for (int number = 1; number < 99; ++number)
      if (fs::exists(file(number))) numbers.push_back(static_cast<std::uint64_t>(number));
    return examine_snapshot_table(*env_, {root()}, store_id, numbers).value();
  }
  /// Changes the header of a record, whose CRC holds nevertheless.
  template <class Change>
  void change_record(Change&& change, std::uint64_t offset = block_bytes) const {
    const auto bytes = content(file());
    const auto seed = seed_of(read_as<snapshot_file_header>(bytes.data()).salt);
    auto record = read_as<snapshot_record>(bytes.data() + offset);
    change(record, seed);
    std::array<std::byte, sizeof record> header{};
    write_as(header.data(), record);
    const auto whole = std::span(header);
    constexpr std::size_t crc_at = offsetof(snapshot_record, crc);
    constexpr std::size_t behind = offsetof(snapshot_record, state_crc);
    record.crc = crc32c(crc32c(seed, whole.first(crc_at)), whole.subspan(behind));
    write_as(header.data(), record);
    overwrite(file(), offset, header);
  }
};

TEST_F(stored_snapshot, is_found_as_long_as_its_crc_holds) {
  save();
  change_record([](snapshot_record& record, std::uint32_t) { record.saved += 1; });
  EXPECT_EQ(found_anew(1), 1U);
}

TEST_F(stored_snapshot, whose_state_is_longer_than_all_numbers_was_an_exception) {
  save();
  change_record([](snapshot_record& record, std::uint32_t seed) {
    record.length = sizeof record;
    record.state_length = UINT64_MAX;
    record.state_crc = seed;  // of no bytes
  });
  EXPECT_EQ(found_anew(1), 0U);
}

TEST_F(stored_snapshot, is_found_among_many_while_the_table_grows) {
  constexpr std::uint32_t many = 5'000;
  auto to = files();
  ASSERT_TRUE(to.open());
  auto reader = files(posix_env(), role::reader);
  ASSERT_TRUE(reader.open());
  for (std::uint32_t number = 0; number < many; ++number) {
    ASSERT_TRUE(save(to, number, number + 1));
    if (number % 100 == 0) {
      EXPECT_EQ(found(reader, number), number + 1);
    }
  }
  EXPECT_GT(fs::file_size(table()), many * sizeof(snapshot_slot));
  EXPECT_LT(fs::file_size(table()), 4 * many * sizeof(snapshot_slot));
  for (std::uint32_t number = 0; number < many; ++number) {
    ASSERT_EQ(found(to, number), number + 1);
    ASSERT_EQ(found(reader, number), number + 1);
  }
  EXPECT_EQ(found(to, many), 0U);
  ASSERT_TRUE(to.close());
  EXPECT_EQ(found_anew(many - 1), many);
  EXPECT_TRUE(table_damage().empty());
}

TEST_F(stored_snapshot, of_the_highest_version_counts_and_the_one_before_when_that_is_not_usable) {
  auto to = files();
  ASSERT_TRUE(to.open());
  for (const auto version : {1U, 5U, 7U, 6U}) ASSERT_TRUE(save(to, 1, version));
  EXPECT_EQ(found(to, 1), 7U);
  EXPECT_EQ(found(to, 1, 6), 6U);
  EXPECT_EQ(found(to, 1, 5), 0U) << "two are kept";
}

TEST_F(stored_snapshot, of_the_highest_version_may_be_damaged) {
  auto to = files();
  ASSERT_TRUE(to.open());
  for (const auto version : {1U, 2U}) ASSERT_TRUE(save(to, 1, version));
  ASSERT_TRUE(to.close());
  flip(file(), block_bytes + 88 + 80);  // the state of the second
  EXPECT_EQ(found_anew(1), 1U);
}

// Opening reads no records: what is missing in the table stays so.
TEST_F(stored_snapshot, is_not_looked_for_on_opening) {
  auto to = files();
  ASSERT_TRUE(to.open());
  for (std::uint32_t number = 0; number < 100; ++number) ASSERT_TRUE(save(to, number, 1));
  ASSERT_TRUE(to.close());
  std::array<std::byte, sizeof(snapshot_slot)> none{};
  const auto bytes = content(table());
  for (std::size_t at = block_bytes; at < bytes.size(); at += none.size())
    overwrite(table(), at, none);
  EXPECT_EQ(found_anew(5), 0U);
  EXPECT_FALSE(table_damage().empty());
}

TEST_F(stored_snapshot, is_found_without_the_table_which_is_made_again) {
  auto to = files();
  ASSERT_TRUE(to.open());
  for (std::uint32_t number = 0; number < 300; ++number) {
    ASSERT_TRUE(save(to, number, 1));
    ASSERT_TRUE(save(to, number, 2));
  }
  ASSERT_TRUE(to.close());
  fs::remove(table());
  EXPECT_EQ(found_anew(299), 2U);
  EXPECT_TRUE(fs::exists(table()));
  flip(table(), 40);
  EXPECT_EQ(table_damage().size(), 1U);
  EXPECT_EQ(found_anew(7), 2U);
  EXPECT_TRUE(table_damage().empty());
}

// The table stands in no order to the files: what it says is only where to look.
TEST_F(stored_snapshot, of_another_stream_is_not_given_out) {
  auto to = files();
  ASSERT_TRUE(to.open());
  ASSERT_TRUE(save(to, 1, 1));
  ASSERT_TRUE(save(to, 2, 2));
  ASSERT_TRUE(to.close());
  auto bytes = content(table());
  std::vector<std::size_t> slots;
  for (std::size_t at = block_bytes; at < bytes.size(); at += sizeof(snapshot_slot))
    if (read_as<snapshot_slot>(bytes.data() + at).newest != 0) slots.push_back(at);
  ASSERT_EQ(slots.size(), 2U);
  auto first = read_as<snapshot_slot>(bytes.data() + slots[0]);
  first.newest = read_as<snapshot_slot>(bytes.data() + slots[1]).newest;
  std::array<std::byte, sizeof first> slot{};
  write_as(slot.data(), first);
  overwrite(table(), slots[0], slot);
  EXPECT_EQ(found_anew(1) + found_anew(2), found_anew(1) != 0 ? 1U : 2U);
  EXPECT_EQ(table_damage().size(), 1U);
}

// Slots that nobody put there, and that no doubling tells apart.
TEST_F(stored_snapshot, is_found_though_its_page_is_full_of_something_else) {
  save();
  const auto hash =
      snapshot_table::open(*env_, {root()}, store_id, role::reader).value()->hash_of(stream(2), 0);
  std::array<std::byte, sizeof(snapshot_slot)> slot{};
  write_as(slot.data(), snapshot_slot{.hash = hash ^ 1U, .newest = 1, .newest_length = 20});
  const auto size = fs::file_size(table());
  for (std::size_t at = block_bytes; at < size; at += slot.size()) overwrite(table(), at, slot);
  auto to = files();
  ASSERT_TRUE(to.open());
  ASSERT_TRUE(save(to, 2, 2));
  EXPECT_EQ(found(to, 2), 2U);
  EXPECT_LT(fs::file_size(table()), 100U << 10U);
}

TEST_F(stored_snapshot, is_found_when_the_table_was_cut_off) {
  save();
  fs::resize_file(table(), block_bytes + 100);
  EXPECT_EQ(found_anew(1), 1U);
}

TEST_F(stored_snapshot, of_a_killed_writer_is_found_and_followed) {
  save();
  {
    auto to = files();
    ASSERT_TRUE(to.open());
    ASSERT_TRUE(save(to, 2, 2));
  }  // not closed
  const auto known = content(table());
  auto to = files();
  ASSERT_TRUE(to.open());
  EXPECT_EQ(found(to, 2), 2U);
  ASSERT_TRUE(save(to, 3, 3));
  EXPECT_FALSE(fs::exists(file(2)));
  // As if it had been killed before the table knew of the last one.
  overwrite(table(), 0, known);
  EXPECT_EQ(found_anew(2), 2U);
  EXPECT_EQ(found_anew(3), 3U);
  EXPECT_TRUE(table_damage().empty());
}

// The table's slots may know what its header does not: both snapshots are kept then, too.
TEST_F(stored_snapshot, of_a_killed_writer_is_known_once) {
  auto to = files();
  ASSERT_TRUE(to.open());
  ASSERT_TRUE(save(to, 1, 1));
  const auto bytes = content(table());
  ASSERT_TRUE(save(to, 1, 2));
  overwrite(table(), 0, std::span(bytes).first(block_bytes));
  auto after = files();
  ASSERT_TRUE(after.open());
  EXPECT_EQ(found(after, 1), 2U);
  EXPECT_EQ(found(after, 1, 1), 1U);
}

TEST_F(stored_snapshot, of_a_writer_that_was_killed_when_it_began_a_file_is_found) {
  auto to = files();
  ASSERT_TRUE(to.open());
  const std::string large(20U << 20U, 's');
  ASSERT_TRUE(save(to, 1, 1, large));
  const auto known = content(table());
  ASSERT_TRUE(save(to, 2, 2, large));
  ASSERT_TRUE(fs::exists(file(2)));
  overwrite(table(), 0, known);
  EXPECT_TRUE(table_damage().empty()) << table_damage().front();
  auto after = files();
  ASSERT_TRUE(after.open());
  EXPECT_EQ(found(after, 1), 1U);
  EXPECT_EQ(found(after, 2), 2U);
  ASSERT_TRUE(save(after, 3, 3));
  EXPECT_FALSE(fs::exists(file(3))) << "it goes on in the second";
  ASSERT_TRUE(after.close());
  EXPECT_TRUE(table_damage().empty());
}

TEST_F(stored_snapshot, leaves_a_reader_no_files_that_the_writer_has_removed) {
  auto to = files();
  ASSERT_TRUE(to.open());
  auto reader = files(posix_env(), role::reader);
  ASSERT_TRUE(reader.open());
  const auto held = [this] {
    std::size_t removed = 0;
    for (const auto& one : fs::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      const auto target = fs::read_symlink(one.path(), gone).string();
      removed += target.starts_with(root()) && target.ends_with(".snap (deleted)") ? 1 : 0;
    }
    return removed;
  };
  const std::string large(1U << 20U, 's');
  for (std::uint64_t version = 1; version <= 60; ++version) {
    ASSERT_TRUE(save(to, 1, version, large));
    EXPECT_EQ(found(reader, 1), version);
  }
  EXPECT_FALSE(fs::exists(file(1)));
  EXPECT_LE(held(), 1U);
}

TEST_F(stored_snapshot, is_not_overwritten_where_the_machine_stopped) {
  {
    auto to = files();
    ASSERT_TRUE(to.open());
    ASSERT_TRUE(save(to, 1, 1));
  }  // not closed
  started_anew after;
  {
    auto to = files(after);
    ASSERT_TRUE(to.open());
    EXPECT_EQ(found(to, 1), 1U);
    ASSERT_TRUE(save(to, 2, 2));
    ASSERT_TRUE(to.close());
  }
  EXPECT_TRUE(fs::exists(file(2)));
  EXPECT_EQ(found_anew(1, after), 1U);
  EXPECT_EQ(found_anew(2, after), 2U);
}

TEST_F(stored_snapshot, that_counts_is_kept_when_files_are_mostly_dead) {
  auto to = files();
  ASSERT_TRUE(to.open());
  const std::string large(1U << 20U, 's');
  ASSERT_TRUE(save(to, 1, 1));
  for (std::uint64_t version = 1; version <= 60; ++version)
    ASSERT_TRUE(save(to, 2, version, large));
  EXPECT_FALSE(fs::exists(file(1)));
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(root() + "/snap")) bytes += entry.file_size();
  EXPECT_LT(bytes, 9 * large.size()) << "two that count, as much again and 4 MiB that do not";
  EXPECT_EQ(found(to, 1), 1U);
  EXPECT_EQ(found(to, 2), 60U);
  EXPECT_EQ(found(to, 2, 59), 59U);
  ASSERT_TRUE(to.close());
  EXPECT_EQ(found_anew(1), 1U);
  EXPECT_TRUE(table_damage().empty());
}

// Moving gives a record a CRC of its new file.
TEST_F(stored_snapshot, that_is_damaged_is_not_made_whole_by_moving_it) {
  auto to = files();
  ASSERT_TRUE(to.open());
  ASSERT_TRUE(save(to, 1, 1));
  flip(file(), block_bytes + 80);
  const std::string large(1U << 20U, 's');
  for (std::uint64_t version = 1; version <= 10; ++version)
    ASSERT_TRUE(save(to, 2, version, large));
  EXPECT_FALSE(fs::exists(file(1)));
  EXPECT_EQ(found(to, 1), 0U);
  EXPECT_EQ(found(to, 2), 10U);
}

TEST_F(stored_snapshot, gets_another_file_when_one_is_full) {
  auto to = files();
  ASSERT_TRUE(to.open());
  const std::string large(20U << 20U, 's');
  for (std::uint32_t number = 1; number <= 3; ++number)
    ASSERT_TRUE(save(to, number, number, large));
  EXPECT_TRUE(fs::exists(file(3)));
  for (std::uint32_t number = 1; number <= 3; ++number) EXPECT_EQ(found(to, number), number);
}

}  // namespace
}  // namespace annals::embedded
