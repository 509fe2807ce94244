#include "checked_file.h"

#include <thread>

#include "crc32c.h"
#include "failing_env.h"
#include "index_fixture.h"
#include "xxh3.h"

namespace annals::embedded {
namespace {

constexpr file_magic magic{'A', 'N', 'N', 'A', 'L', 'S', 'T', 'S'};

struct test_fields {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};

std::vector<std::byte> some_bytes(std::size_t length) {
  std::vector<std::byte> made(length);
  std::uint64_t state = length;
  for (auto& each : made) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    each = static_cast<std::byte>(state >> 56U);
  }
  return made;
}

class checked_file_test : public index_fixture {
 protected:
  result<checked_file_facts> write(env& environment, std::span<const std::byte> data) const {
    auto writer = checked_file_writer::create(environment, path());
    if (!writer) return std::unexpected(writer.error());
    if (auto added = writer->add(data); !added) return std::unexpected(added.error());
    const checked_header header{.magic = magic,
                                .store_id = store_id_,
                                .first_segment = 3,
                                .last_segment = 5,
                                .hash_seed = hash_seed};
    return writer->finish(header, test_fields{1, 2});
  }
  void write(std::size_t length) const { ASSERT_TRUE(write(*env_, some_bytes(length))); }
  result<checked_file> opened() const {
    return checked_file::open(*env_, path(), magic, store_id_);
  }
  /// What is first found wrong when all is read, or nothing.
  result<void> read_whole() const {
    const auto found = opened();
    if (!found) return std::unexpected(found.error());
    const auto bytes = found->bytes(0, found->length());
    if (!bytes) return std::unexpected(bytes.error());
    return {};
  }
};

TEST_F(checked_file_test, gives_back_what_was_written) {
  for (const std::size_t length : {0U, 1U, 8U, 4095U, 4096U, 4097U, (1U << 20U) + 5}) {
    const auto data = some_bytes(length);
    const auto facts = write(*env_, data);
    ASSERT_TRUE(facts) << length;
    const auto file = opened();
    ASSERT_TRUE(file) << file.error().to_string();
    EXPECT_EQ(file->length(), length);
    EXPECT_EQ(file->facts(), *facts);
    EXPECT_EQ(file->header().last_segment, 5U);
    EXPECT_EQ(file->fields<test_fields>().second, 2U);
    EXPECT_TRUE(std::ranges::equal(file->bytes(0, length).value(), data));
    EXPECT_TRUE(file->check_all());
  }
}

TEST_F(checked_file_test, is_the_same_when_its_data_comes_in_pieces) {
  const auto data = some_bytes(5'000'000);
  ASSERT_TRUE(write(*env_, data));
  const auto whole = content(path());
  auto writer = checked_file_writer::create(*env_, path());
  ASSERT_TRUE(writer);
  std::size_t piece = 1;
  for (std::span<const std::byte> rest = data; !rest.empty(); piece = piece * 3 % 1'500'001) {
    const auto part = rest.first(std::min(rest.size(), piece));
    ASSERT_TRUE(writer->add(part));
    rest = rest.subspan(part.size());
  }
  EXPECT_EQ(writer->length(), data.size());
  ASSERT_TRUE(writer->finish({.magic = magic,
                              .store_id = store_id_,
                              .first_segment = 3,
                              .last_segment = 5,
                              .hash_seed = hash_seed},
                             test_fields{1, 2}));
  EXPECT_EQ(content(path()), whole);
}

TEST_F(checked_file_test, stands_on_disk_as_the_format_says) {
  constexpr std::size_t length = 4096 + 13;
  const auto facts = write(*env_, some_bytes(length));
  ASSERT_TRUE(facts);
  const auto bytes = content(path());
  const auto u32_at = [&](std::size_t at) { return read_as<std::uint32_t>(bytes.data() + at); };
  const auto u64_at = [&](std::size_t at) { return read_as<std::uint64_t>(bytes.data() + at); };
  ASSERT_EQ(bytes.size(), 4096U + 4096 + 16 + 8);
  EXPECT_EQ(u32_at(8), format_version);
  EXPECT_EQ(u32_at(12), 0U);
  EXPECT_EQ(read_as<uuid>(bytes.data() + 16), store_id_);
  EXPECT_EQ(u64_at(32), 3U);
  EXPECT_EQ(u64_at(40), 5U);
  EXPECT_EQ(u64_at(48), length);
  EXPECT_EQ(u64_at(64), hash_seed);
  EXPECT_EQ(u64_at(72), 1U);
  std::vector<std::byte> last(bytes.begin() + 8192, bytes.begin() + 8192 + 13);
  last.resize(4096);
  EXPECT_EQ(u32_at(8192 + 16), crc32c(0, std::span(bytes).subspan(4096, 4096)));
  EXPECT_EQ(u32_at(8192 + 20), crc32c(0, last));
  EXPECT_EQ(u32_at(56), crc32c(0, std::span(bytes).subspan(8192 + 16)));
  EXPECT_EQ(u32_at(4092), crc32c(0, std::span(bytes).first(4092)));
  EXPECT_EQ(facts->size, bytes.size());
  EXPECT_EQ(facts->digest, xxh3_64(0, std::span(bytes).first(4096)));
}

TEST_F(checked_file_test, is_refused_for_every_byte_that_is_flipped) {
  write(4096 + 13);
  ASSERT_TRUE(read_whole());
  for_each_flip(path(), [&](std::uint64_t at) {
    const auto read = read_whole();
    EXPECT_TRUE(is_refused(read, path()) || is_refused(read, path(), errc::store_too_new))
        << "byte " << at << " was not noticed";
  });
  EXPECT_TRUE(read_whole());
}

TEST_F(checked_file_test, names_the_page_that_does_not_hold_and_gives_out_the_others) {
  write(std::size_t{3} * 4096);
  flip(path(), 4096 + 4096 + 17);
  const auto file = opened();
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->bytes(0, 4096));
  EXPECT_TRUE(file->bytes(8192, 4096));
  const auto bytes = file->bytes(4095, 2);
  ASSERT_TRUE(is_refused(bytes, path()));
  EXPECT_NE(bytes.error().message().find("offset 8192"), std::string::npos);
  EXPECT_TRUE(is_refused(file->bytes(4096, 1), path())) << "and not only the first time";
  EXPECT_TRUE(is_refused(file->check_all(), path()));
}

TEST_F(checked_file_test, is_refused_when_a_page_was_changed_together_with_its_crc) {
  write(4096);
  auto bytes = content(path());
  bytes[5'000] ^= std::byte{1};
  write_as(bytes.data() + 8192, crc32c(0, std::span(bytes).subspan(4096, 4096)));
  overwrite(path(), 0, bytes);
  EXPECT_TRUE(is_refused(opened(), path()));
}

TEST_F(checked_file_test, looks_once_at_a_page_except_when_all_is_checked) {
  write(4096);
  const auto file = opened();
  ASSERT_TRUE(file && file->bytes(0, 1));
  flip(path(), 4096 + 100);
  EXPECT_TRUE(file->bytes(0, 1));
  EXPECT_TRUE(is_refused(file->check_all(), path()));
}

TEST_F(checked_file_test, is_refused_when_it_is_cut_off_or_too_long) {
  write(4096 + 13);
  auto bytes = content(path());
  bytes.push_back(std::byte{0});
  for_each_cut(path(), [&](std::uint64_t size) {
    EXPECT_TRUE(is_refused(opened(), path())) << size << " bytes";
  });
  EXPECT_TRUE(read_whole());
  overwrite(path(), 0, bytes);
  EXPECT_TRUE(is_refused(opened(), path()));
}

TEST_F(checked_file_test, is_refused_when_its_length_is_beyond_all_numbers) {
  write(13);
  auto bytes = content(path());
  for (const std::uint64_t length : {UINT64_MAX, UINT64_MAX - 7, UINT64_MAX / 1025 * 1024}) {
    write_as(bytes.data() + 48, length);
    write_as(bytes.data() + 4092, crc32c(0, std::span(bytes).first(4092)));
    overwrite(path(), 0, bytes);
    EXPECT_TRUE(is_refused(opened(), path())) << length;
  }
}

TEST_F(checked_file_test, of_another_store_or_kind_is_refused) {
  write(13);
  const auto foreign = checked_file::open(*env_, path(), magic, uuid{{8}});
  ASSERT_TRUE(is_refused(foreign, path()));
  EXPECT_NE(foreign.error().message().find(store_id_.to_string()), std::string::npos);
  EXPECT_TRUE(is_refused(checked_file::open(*env_, path(), file_magic{'X'}, store_id_), path()));
}

TEST_F(checked_file_test, of_a_newer_format_is_too_new_and_not_damaged) {
  for (const std::uint64_t at : {8U, 12U}) {
    write(13);
    flip(path(), at, std::byte{4});
    EXPECT_TRUE(is_refused(opened(), path(), errc::store_too_new)) << "byte " << at;
  }
}

TEST_F(checked_file_test, answers_store_corrupt_beyond_its_end) {
  write(4096 + 13);
  const auto file = opened();
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->bytes(4096 + 13, 0));
  for (const auto& [offset, length] : std::vector<std::pair<std::uint64_t, std::uint64_t>>{
           {0, 4096 + 14}, {4096 + 13, 1}, {4096 + 14, 0}, {UINT64_MAX, 2}, {8, UINT64_MAX}})
    EXPECT_TRUE(is_refused(file->bytes(offset, length), path())) << offset << ' ' << length;
}

TEST_F(checked_file_test, keeps_the_file_before_when_it_cannot_be_written) {
  const auto before = some_bytes(100);
  ASSERT_TRUE(write(*env_, before));
  failing_env failing(*env_);
  for (std::uint64_t n = 1; n <= 3; ++n) {
    failing.fail_writes_from(n, errc::disk_full);
    const auto written = write(failing, some_bytes(13));
    EXPECT_EQ(written.error().code(), errc::disk_full) << "write " << n;
    failing.heal();
  }
  failing.fail_syncs_from(1);
  EXPECT_EQ(write(failing, some_bytes(13)).error().code(), errc::database_error);
  failing.heal();
  const auto file = opened();
  ASSERT_TRUE(file);
  EXPECT_TRUE(std::ranges::equal(file->bytes(0, 100).value(), before));
  failing.fail_syncs_from(2);  // the directory's: the name may be lost, which is no success
  EXPECT_FALSE(write(failing, some_bytes(13)));
  failing.heal();
  EXPECT_TRUE(write(failing, some_bytes(13)));
  EXPECT_EQ(opened()->length(), 13U);
}

TEST_F(checked_file_test, passes_on_that_the_disk_cannot_be_read) {
  write(100);
  failing_env failing(*env_);
  failing.fail_reads(true);
  const auto read = checked_file::open(failing, path(), magic, store_id_);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), errc::database_error);
}

TEST_F(checked_file_test, is_read_by_many_threads_at_once) {
  const auto data = some_bytes(std::size_t{200} * 4096);
  ASSERT_TRUE(write(*env_, data));
  const auto file = opened();
  ASSERT_TRUE(file);
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> readers;
    for (std::size_t reader = 0; reader < 4; ++reader)
      readers.emplace_back([&, reader] {
        for (std::size_t i = 0; i < 200; ++i) {
          const auto page = (i * 37 + reader * 50) % 200;
          const auto bytes = file->bytes(page * 4096, 4096);
          if (!bytes || !std::ranges::equal(*bytes, std::span(data).subspan(page * 4096, 4096)))
            ++wrong;
        }
      });
  }
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace annals::embedded
