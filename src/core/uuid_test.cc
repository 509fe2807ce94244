#include "annals/uuid.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>

#include "sha1.h"

namespace annals {
namespace {

TEST(uuid, parses_what_it_prints) {
  const auto text = "0197c2d0-7b1e-7a2b-8c3d-4e5f60718293";
  EXPECT_EQ(uuid::parse(text).value().to_string(), text);
}

TEST(uuid, refuses_every_form_but_the_canonical_one) {
  for (const auto* text :
       {"", "0197c2d0", "0197C2D0-7b1e-7a2b-8c3d-4e5f60718293",
        "{0197c2d0-7b1e-7a2b-8c3d-4e5f60718293}", "0197c2d07b1e7a2b8c3d4e5f60718293",
        "0197c2d0-7b1e-7a2b-8c3d-4e5f6071829", "0197c2d0-7b1e-7a2b-8c3d-4e5f607182930",
        "0197c2d0-7b1e-7a2b-8c3d_4e5f60718293", "0197c2d0-7b1e-7a2b-8c3d-4e5f6071829g",
        " 197c2d0-7b1e-7a2b-8c3d-4e5f60718293"}) {
    const auto parsed = uuid::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), errc::invalid_argument);
    EXPECT_NE(parsed.error().message().find(text), std::string::npos);
    EXPECT_FALSE(is_canonical_uuid(text));
  }
}

/// Digit by digit, as the definition says.
std::optional<uuid> read_one_by_one(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  uuid id;
  std::size_t count = 0;
  for (std::size_t i = 0; i < 36; ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const auto value = digits.find(text[i]);
    if (value == std::string_view::npos) return std::nullopt;
    auto& byte = id.bytes[count++ / 2];
    byte = static_cast<std::uint8_t>(byte * 16U + value);
  }
  return id;
}

TEST(uuid, is_the_same_sixteen_characters_at_a_time_and_one_by_one) {
  std::mt19937 random(42);
  for (int i = 0; i < 1'000; ++i) {
    uuid id;
    for (auto& byte : id.bytes) byte = static_cast<std::uint8_t>(random());
    ASSERT_EQ(parse_canonical_uuid(id.to_string()), id);
    ASSERT_EQ(read_one_by_one(id.to_string()), id);
  }
  const std::string sound = "0197c2d0-7b1e-7a2b-8c3d-4e5f60718293";
  for (std::size_t at = 0; at < sound.size(); ++at)
    for (int byte = 0; byte < 256; ++byte) {
      auto text = sound;
      text[at] = static_cast<char>(byte);
      ASSERT_EQ(parse_canonical_uuid(text), read_one_by_one(text)) << byte << " at " << at;
    }
}

TEST(uuid, derives_version_5_as_the_rfc_does) {
  // RFC 9562, appendix A.4.
  const auto dns = uuid::parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8").value();
  EXPECT_EQ(make_uuid_v5(dns, "www.example.com").to_string(),
            "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

TEST(uuid, version_7_carries_its_time_and_sorts_by_it) {
  // RFC 9562, appendix A.6: 2022-02-22T19:22:22Z.
  const std::array<std::uint8_t, 10> random{0x0c, 0xc3, 0x18, 0xc4, 0xdc,
                                            0x0c, 0x0c, 0x07, 0x39, 0x8f};
  const auto id = make_uuid_v7(std::chrono::milliseconds(1645557742000), random);
  EXPECT_EQ(id.to_string().substr(0, 15), "017f22e2-79b0-7");
  EXPECT_EQ(id.version(), 7);
  EXPECT_LT(id, make_uuid_v7(std::chrono::milliseconds(1645557742001), random));
}

TEST(uuid, version_4_sets_version_and_variant_only) {
  std::array<std::uint8_t, 16> ones{};
  ones.fill(0xff);
  EXPECT_EQ(make_uuid_v4(ones).to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
}

TEST(sha1, agrees_with_the_published_vectors) {
  const auto hex = [](std::string_view text) {
    std::string out;
    for (const auto byte : sha1().add(text).finish()) {
      out += "0123456789abcdef"[byte >> 4];
      out += "0123456789abcdef"[byte & 15];
    }
    return out;
  };
  // FIPS 180-4 examples, and lengths around the block and padding borders.
  EXPECT_EQ(hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  EXPECT_EQ(hex(std::string(1'000'000, 'a')), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
  EXPECT_EQ(hex(std::string(55, 'a')), "c1c8bbdc22796e28c0e15163d20899b65621d65a");
  EXPECT_EQ(hex(std::string(56, 'a')), "c2db330f6083854c99d4b5bfb6e8f29f201be699");
  EXPECT_EQ(hex(std::string(63, 'a')), "03f09f5b158a7a8cdad920bddc29b81c18a551f5");
  EXPECT_EQ(hex(std::string(64, 'a')), "0098ba824b5c16427bd7a1122a5a442a25ec644d");
}

TEST(sha1, is_the_same_by_plain_code_and_by_instructions) {
  if (!has_sha1_instructions()) GTEST_SKIP() << "this processor has no instructions for SHA-1";
  std::mt19937 random(42);
  sha1_state plain{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  auto fast = plain;
  for (int i = 0; i < 1'000; ++i) {
    std::array<std::byte, 64> block{};
    for (auto& byte : block) byte = static_cast<std::byte>(random());
    add_sha1_block(plain, block.data());
    add_sha1_block_fast(fast, block.data());
    ASSERT_EQ(plain, fast) << "block " << i;
  }
}

TEST(sha1, does_not_depend_on_how_the_text_is_cut) {
  const std::string text(1000, 'x');
  for (std::size_t cut = 0; cut <= 200; ++cut) {
    const auto parts = sha1()
                           .add(std::string_view(text).substr(0, cut))
                           .add(std::string_view(text).substr(cut))
                           .finish();
    EXPECT_EQ(parts, sha1().add(text).finish()) << cut;
  }
}

}  // namespace
}  // namespace annals
