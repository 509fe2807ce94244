#include "term.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "xxh3.h"

namespace annals::embedded {
namespace {

constexpr std::uint64_t seed = 0x5eed;

std::uint64_t hash_of(term_kind kind, std::string_view text, std::uint64_t seeded = seed) {
  return term_hash(seeded, kind, term_bytes(text));
}

// The value that xxHash itself publishes for no bytes and no seed.
TEST(xxh3, agrees_with_its_published_value) {
  EXPECT_EQ(xxh3_64(0, {}), 0x2d06800538d394c2U);
}

TEST(term_hash, is_the_hash_of_the_kind_followed_by_the_bytes) {
  const std::string_view written = "\x04key:value";
  EXPECT_EQ(hash_of(term_kind::tag, "key:value"), xxh3_64(seed, std::as_bytes(std::span(written))));
}

// Stored in every index file: these may never change.
TEST(term_hash, stays_what_it_was) {
  const uuid key{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
  const std::uint32_t number = 7;
  EXPECT_EQ(term_hash(seed, term_kind::stream, term_bytes(key)), 0x1c438865ee88e750U);
  EXPECT_EQ(term_hash(seed, term_kind::type, term_bytes(number)), 0xf05f38c2091e6ae4U);
  EXPECT_EQ(hash_of(term_kind::tag, "customer:17850"), 0xec6d3a48546eb0a3U);
}

TEST(term_hash, differs_by_kind_by_seed_and_by_every_byte) {
  std::set<std::uint64_t> seen{hash_of(term_kind::tag, "a"), hash_of(term_kind::command, "a"),
                               hash_of(term_kind::tag, "a", seed + 1), hash_of(term_kind::tag, "b"),
                               hash_of(term_kind::tag, "")};
  EXPECT_EQ(seen.size(), 5U);
}

TEST(term_hash, takes_the_longest_tag) {
  const std::string longest(255, 'x');
  EXPECT_NE(hash_of(term_kind::tag, longest), hash_of(term_kind::tag, longest.substr(1)));
}

}  // namespace
}  // namespace annals::embedded
