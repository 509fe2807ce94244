#include "crc32c.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace annals::embedded {
namespace {

std::uint32_t crc_of(std::string_view text, std::uint32_t before = 0) {
  return crc32c(before, std::as_bytes(std::span(text)));
}

TEST(crc32c, agrees_with_the_check_value_of_the_standard) {
  EXPECT_EQ(crc_of("123456789"), 0xe3069283U);
}

// RFC 3720, appendix B.4.
TEST(crc32c, agrees_with_the_test_vectors_of_iscsi) {
  EXPECT_EQ(crc32c(0, std::vector<std::byte>(32)), 0x8a9136aaU);
  EXPECT_EQ(crc32c(0, std::vector<std::byte>(32, std::byte{0xff})), 0x62a8ab43U);
}

// Few bytes and many are summed in different ways.
TEST(crc32c, of_every_length_is_that_of_its_bytes) {
  std::vector<std::byte> bytes;
  std::uint32_t by_one = 0;
  for (std::size_t length = 0; length < 600; ++length) {
    EXPECT_EQ(crc32c(0, bytes), by_one) << length;
    bytes.push_back(static_cast<std::byte>(length * 37 + length / 256));
    by_one = crc32c(by_one, std::span(bytes).last(1));
  }
}

TEST(crc32c, of_nothing_is_what_stood_before) {
  EXPECT_EQ(crc_of(""), 0U);
  EXPECT_EQ(crc_of("", 0x1234U), 0x1234U);
}

TEST(crc32c, continues_over_pieces) {
  EXPECT_EQ(crc_of("6789", crc_of("12345")), crc_of("123456789"));
}

}  // namespace
}  // namespace annals::embedded
