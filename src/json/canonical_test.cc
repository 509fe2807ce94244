#include <gtest/gtest.h>

#include <random>

#include "described_for_tests.h"
#include "scan.h"

// The straight paths of the canonical reader, held against plain code and the generic reader.
namespace annals {
namespace {

/// A copy that ends where its memory does, so that a sanitizer sees who reads on.
std::vector<char> exactly(std::string_view text) {
  return {text.begin(), text.end()};
}

/// Reads "[text]" by both; true when the straight path took it.
template <class T>
bool takes_as_the_generic_one(const std::string& text) {
  const auto list = "[" + text + "]";
  const auto straight = read_canonically<std::vector<T>>(list);
  if (!straight) return false;
  EXPECT_EQ(straight, read_generically<std::vector<T>>(list)) << list;
  return true;
}

const char* plain_skip(const char* at, const char* end) {
  for (; at != end; ++at) {
    const auto c = static_cast<unsigned char>(*at);
    if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') break;
  }
  return at;
}

TEST(canonical_reader, finds_every_byte_that_ends_plain_text_at_every_place) {
  for (std::size_t size = 0; size <= 50; ++size)
    for (std::size_t at = 0; at < std::max<std::size_t>(size, 1); ++at)
      for (int byte = 0; byte < 256; ++byte) {
        auto text = exactly(std::string(size, 'x'));
        if (size != 0) text[at] = static_cast<char>(byte);
        const char* const end = text.data() + size;
        ASSERT_EQ(json::skip_plain(text.data(), end), plain_skip(text.data(), end))
            << size << " bytes, " << byte << " at " << at;
      }
}

TEST(canonical_reader, reads_strings_of_every_length_before_any_rest) {
  for (std::size_t size = 0; size <= 40; ++size)
    for (std::size_t rest = 0; rest <= 20; ++rest) {
      std::string text;
      for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('a' + i % 26);
      const std::vector<std::string> words{text, std::string(rest, 'z')};
      std::string document;
      json::encode(words, document);
      const auto read = read_canonically<std::vector<std::string>>(document);
      ASSERT_TRUE(read) << document;
      ASSERT_EQ(*read, words);
      ASSERT_STREQ(read->front().c_str(), text.c_str());
    }
}

TEST(canonical_reader, leaves_nothing_of_what_a_string_held_before) {
  std::string word(100, 'x');
  json::canonical_reader reader(R"("short" and what is behind it)");
  ASSERT_TRUE(reader.read(word));
  EXPECT_EQ(word, "short");
}

/// Numbers around the limits of a type, of every length, and what are none.
std::vector<std::string> numbers() {
  std::vector<std::string> out{"-",     "",     "-0",   "0",   "-0.0",
                               "00",    "01",   "1.",   ".5",  "1.0",
                               "-1.5",  "1e2",  "+1",   "0.0", "1..",
                               "1.2.3", "--1",  "0.10", "127", "128",
                               "-128",  "-129", "255",  "256", "1.23456789012345678"};
  for (const auto* sign : {"", "-"})
    for (std::size_t size = 1; size <= 22; ++size)
      for (const char digit : {'1', '9'}) {
        const auto whole = sign + std::string(size, digit);
        out.push_back(whole);
        for (const auto* fraction : {".5", ".125", ".0625", ".000000000000000001"})
          out.push_back(whole + fraction);
      }
  for (const auto* around : {"214748364", "429496729", "922337203685477580", "1844674407370955161",
                             "9223372036854775.80", "9.22337203685477580"})
    for (char last = '0'; last <= '9'; ++last) {
      out.push_back(std::string(around) + last);
      out.push_back("-" + std::string(around) + last);
    }
  return out;
}

template <class... T>
std::size_t numbers_taken() {
  std::size_t taken = 0;
  for (const auto& text : numbers())
    taken += (std::size_t{0} + ... + (takes_as_the_generic_one<T>(text) ? 1U : 0U));
  return taken;
}

TEST(canonical_reader, reads_numbers_as_the_generic_one_does_or_not_at_all) {
  EXPECT_GT((numbers_taken<std::int8_t, std::uint8_t, std::int16_t, std::uint16_t>()), 20U);
  EXPECT_GT((numbers_taken<std::int32_t, std::uint32_t, std::int64_t, std::uint64_t>()), 150U);
  EXPECT_GT((numbers_taken<decimal<0>, decimal<3>, decimal<18>>()), 150U);
}

template <class T>
void takes_its_limits() {
  for (const T value : {std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), T{0}}) {
    const auto text = std::to_string(value);
    EXPECT_EQ(read_canonically<T>(text), value) << text;
  }
}

TEST(canonical_reader, takes_the_limits_of_every_integer_itself) {
  takes_its_limits<std::int8_t>();
  takes_its_limits<std::uint8_t>();
  takes_its_limits<std::int16_t>();
  takes_its_limits<std::uint16_t>();
  takes_its_limits<std::int32_t>();
  takes_its_limits<std::uint32_t>();
  takes_its_limits<std::int64_t>();
  takes_its_limits<std::uint64_t>();
  for (const auto units : {INT64_MIN, INT64_MAX, std::int64_t{999'999'999'999'999'999}})
    EXPECT_EQ(read_canonically<decimal<3>>(decimal<3>{units}.to_string()), decimal<3>{units});
}

TEST(canonical_reader, takes_uuids_between_quotes_and_nothing_else) {
  const std::string id = "0197c2d0-7b1e-7a2b-8c3d-4e5f60718293";
  EXPECT_EQ(read_canonically<uuid>("\"" + id + "\""), uuid::parse(id).value());
  for (const auto& text : {id, "\"" + id, id + "\"", "\"" + id + "0\"", "\"" + id.substr(1) + "\"",
                           "\"" + id.substr(1) + "\"\"", "'" + id + "\"", "\"" + id + "'"})
    EXPECT_FALSE(read_canonically<uuid>(text)) << text;
}

TEST(canonical_reader, makes_room_for_sixteen_elements_before_it_reads_them_not_more) {
  std::vector<std::string> words(2, "x");
  json::canonical_reader few(R"(["a","b"])");
  ASSERT_TRUE(few.read(words));
  EXPECT_LE(words.capacity(), 3U);

  std::vector<std::vector<std::int64_t>> lists;
  const auto text = "[[1],[" + std::string(10'000, '1') + "]]";
  json::canonical_reader many(text);
  EXPECT_FALSE(many.read(lists));  // the long one is no integer; room was made before
  EXPECT_LE(lists.capacity(), 16U);
}

}  // namespace
}  // namespace annals
