#include "manifest.h"

#include "crc32c.h"
#include "failing_env.h"
#include "index_fixture.h"

namespace annals::embedded {
namespace {

class manifest_test : public index_fixture {
 protected:
  manifest some() const {
    manifest made{.store_id = store_id_, .hash_seed = hash_seed};
    for (std::uint64_t n = 1; n <= 3; ++n)
      made.segments.push_back({.number = n,
                               .capacity = 64U << 20U,
                               .salt = 40 + n,
                               .first_sequence = 1'000 * n,
                               .events = 1'000,
                               .clock = 77,
                               .seal = lsn::at(n, 8192),
                               .seal_crc = 5,
                               .last_event = uuid{{9}},
                               .digest = {std::byte{3}},
                               .index = {12'345, 67}});
    made.runs = {{1, 2, {100, 200}}, {3, 3, {300, 400}}};
    made.types = {"created", "", std::string(255, 'x')};
    made.categories = {"order"};
    return made;
  }
  result<void> write(const manifest& content) { return write_manifest(*env_, path(), content); }
  result<manifest> read() const { return read_manifest(*env_, path(), store_id_); }
  /// Changes what follows the header, and perhaps counts in it, whose CRCs hold nevertheless.
  void lie(const std::function<void(std::vector<std::byte>&)>& change) {
    auto bytes = content(path());
    change(bytes);
    write_as(bytes.data() + 40, static_cast<std::uint64_t>(bytes.size() - block_bytes));
    write_as(bytes.data() + 48, crc32c(0, std::span(bytes).subspan(block_bytes)));
    write_as(bytes.data() + 4092, crc32c(0, std::span(bytes).first(4092)));
    std::filesystem::resize_file(path(), 0);
    overwrite(path(), 0, bytes);
  }
};

TEST_F(manifest_test, says_what_was_written) {
  ASSERT_TRUE(write(some()));
  EXPECT_EQ(read().value(), some());
  const manifest empty{.store_id = store_id_, .hash_seed = 1};
  ASSERT_TRUE(write(empty));
  EXPECT_EQ(read().value(), empty);
}

TEST_F(manifest_test, stands_on_disk_as_the_format_says) {
  ASSERT_TRUE(write(some()));
  const auto bytes = content(path());
  const auto u32_at = [&](std::size_t at) { return read_as<std::uint32_t>(bytes.data() + at); };
  const auto u64_at = [&](std::size_t at) { return read_as<std::uint64_t>(bytes.data() + at); };
  const std::size_t texts = 3 * 2 + 7 + 255 + 2 + 5;
  ASSERT_EQ(bytes.size(), 4096U + 3 * 128 + 2 * 32 + (texts + 7) / 8 * 8);
  EXPECT_EQ(u64_at(0), 0x464d'534c'414e'4e41U);  // "ANNALSMF"
  EXPECT_EQ(u32_at(8), format_version);
  EXPECT_EQ(u32_at(12), 0U);
  EXPECT_EQ(read_as<uuid>(bytes.data() + 16), store_id_);
  EXPECT_EQ(u64_at(32), hash_seed);
  EXPECT_EQ(u64_at(40), bytes.size() - 4096);
  EXPECT_EQ(u32_at(48), crc32c(0, std::span(bytes).subspan(4096)));
  EXPECT_EQ(u64_at(56), 3U);
  EXPECT_EQ(u64_at(64), 2U);
  EXPECT_EQ(u64_at(72), 3U);
  EXPECT_EQ(u64_at(80), 1U);
  const std::size_t second = 4096 + 128;
  const std::vector<std::uint64_t> numbers{2,  64U << 20U,         42, 2'000, 1'000,
                                           77, 2ULL << 32U | 1024, 5};
  for (std::size_t i = 0; i < numbers.size(); ++i) EXPECT_EQ(u64_at(second + 8 * i), numbers[i]);
  EXPECT_EQ(bytes[second + 64], std::byte{9});
  EXPECT_EQ(bytes[second + 80], std::byte{3});
  EXPECT_EQ(u64_at(second + 96), 12'345U);
  EXPECT_EQ(u64_at(second + 104), 67U);
  const std::size_t runs = 4096 + 3 * 128;
  EXPECT_EQ(u64_at(runs + 8), 2U);
  EXPECT_EQ(u64_at(runs + 16), 100U);
  EXPECT_EQ(u64_at(runs + 24), 200U);
  EXPECT_EQ(read_as<std::uint16_t>(bytes.data() + runs + 64), 7U);
}

TEST_F(manifest_test, is_refused_for_every_byte_that_is_flipped) {
  ASSERT_TRUE(write(some()));
  for_each_flip(path(), [&](std::uint64_t at) {
    EXPECT_TRUE(is_refused(read(), path()) || is_refused(read(), path(), errc::store_too_new))
        << "byte " << at << " was not noticed";
  });
  EXPECT_TRUE(read());
}

TEST_F(manifest_test, is_refused_when_it_is_cut_off_or_too_long) {
  ASSERT_TRUE(write(some()));
  auto bytes = content(path());
  for_each_cut(path(), [&](std::uint64_t size) {
    EXPECT_TRUE(is_refused(read(), path())) << size << " bytes";
  });
  bytes.push_back(std::byte{0});
  overwrite(path(), 0, bytes);
  EXPECT_TRUE(is_refused(read(), path()));
}

TEST_F(manifest_test, of_another_store_is_refused) {
  ASSERT_TRUE(write(some()));
  EXPECT_TRUE(is_refused(read_manifest(*env_, path(), uuid{{8}}), path()));
}

TEST_F(manifest_test, of_a_newer_format_is_too_new_and_not_damaged) {
  for (const std::uint64_t at : {8U, 12U}) {
    ASSERT_TRUE(write(some()));
    flip(path(), at, std::byte{4});
    EXPECT_TRUE(is_refused(read(), path(), errc::store_too_new)) << "byte " << at;
  }
}

TEST_F(manifest_test, is_refused_for_each_lie) {
  using bytes = std::vector<std::byte>;
  const auto set = [](std::size_t at, std::uint64_t value) {
    return [=](bytes& in) { write_as(in.data() + at, value); };
  };
  const std::size_t segments = 4096;
  const std::size_t runs = segments + 3 * 128;
  const std::vector<std::pair<std::string, std::function<void(bytes&)>>> lies{
      {"segments of all numbers", set(56, UINT64_MAX)},
      {"a segment more", set(56, 4)},
      {"runs of all numbers", set(64, UINT64_MAX)},
      {"a run less", set(64, 1)},
      {"types of all numbers", set(72, UINT64_MAX)},
      {"categories that are not there", set(80, 5)},
      {"a category less", set(80, 0)},
      {"a segment that is missing", set(segments, 2)},
      {"a segment twice", set(segments + 128, 1)},
      {"a first run that begins late", set(runs, 2)},
      {"a run that ends before it begins", set(runs + 8, 0)},
      {"runs with a gap", set(runs + 8, 1)},
      {"runs that overlap", set(runs + 32, 2)},
      {"a run of segments that are not there", set(runs + 40, 4)},
      {"a text longer than the file", set(runs + 64, 0xffff)},
      {"padding that is not zero", [](bytes& in) { in.back() = std::byte{1}; }},
      {"more padding than is needed", [](bytes& in) { in.resize(in.size() + 8); }},
  };
  for (const auto& [name, tell] : lies) {
    ASSERT_TRUE(write(some()));
    lie(tell);
    EXPECT_TRUE(is_refused(read(), path())) << name;
  }
}

TEST_F(manifest_test, stays_what_it_was_when_it_cannot_be_replaced) {
  ASSERT_TRUE(write(some()));
  const manifest other{.store_id = store_id_, .hash_seed = 1};
  failing_env failing(*env_);
  failing.fail_writes_from(1, errc::disk_full);
  EXPECT_EQ(write_manifest(failing, path(), other).error().code(), errc::disk_full);
  failing.heal();
  failing.fail_syncs_from(1);
  EXPECT_EQ(write_manifest(failing, path(), other).error().code(), errc::database_error);
  EXPECT_EQ(read().value(), some());
  failing.heal();
  failing.fail_syncs_from(2);  // the directory's: the name may be lost, which is no success
  EXPECT_FALSE(write_manifest(failing, path(), other));
}

TEST_F(manifest_test, passes_on_that_the_disk_cannot_be_read) {
  ASSERT_TRUE(write(some()));
  failing_env failing(*env_);
  failing.fail_reads(true);
  EXPECT_EQ(read_manifest(failing, path(), store_id_).error().code(), errc::database_error);
}

}  // namespace
}  // namespace annals::embedded
