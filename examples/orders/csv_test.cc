#include "orders/csv.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

namespace orders {
namespace {

using annals::errc;
using namespace std::string_literals;

class csv : public testing::Test {
 protected:
  ~csv() override { std::filesystem::remove(path); }

  std::unique_ptr<csv_reader> reading(const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
    return csv_reader::open(path).value();
  }
  /// All records, fields joined by '|', malformed ones as "line N column M: reason".
  std::vector<std::string> records(const std::string& content) {
    return records_of(*reading(content));
  }
  static std::vector<std::string> records_of(csv_reader& in) {
    std::vector<std::string> all;
    for (;;) {
      const auto more = in.next();
      if (!more) {
        all.push_back("line " + std::to_string(in.line()) + " column " +
                      std::to_string(in.problem_column()) + ": " + more.error().message());
        if (more.error().code() != errc::malformed_input) return all;
        continue;
      }
      if (!*more) return all;
      std::string joined;
      for (const auto field : in.fields()) joined.append(joined.empty() ? "" : "|").append(field);
      all.push_back(joined);
    }
  }
  using lines = std::vector<std::string>;

  std::string path = testing::TempDir() + "annals_csv_" +
                     testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(csv, splits_fields_at_commas) {
  EXPECT_EQ(records("a,b,c\nd,,f\n"), (lines{"a|b|c", "d||f"}));
}
TEST_F(csv, needs_no_line_end_after_the_last_record) {
  EXPECT_EQ(records("a,b\nc,d"), (lines{"a|b", "c|d"}));
}
TEST_F(csv, tolerates_a_byte_order_mark_and_carriage_returns) {
  EXPECT_EQ(records("\xef\xbb\xbf"
                    "a,b\r\nc,d\r\n"),
            (lines{"a|b", "c|d"}));
}
TEST_F(csv, passes_over_blank_lines) {
  EXPECT_EQ(records("a,b\n\n\nc,d\n\n"), (lines{"a|b", "c|d"}));
}
TEST_F(csv, takes_commas_quotes_and_line_ends_inside_quotes) {
  EXPECT_EQ(records("\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\"\"\nx\n"),
            (lines{"a,b|say \"hi\"|two\nlines|", "x"}));
  EXPECT_EQ(records("\"\"\"\",b\n"), (lines{"\"|b"}));
}
TEST_F(csv, counts_lines_inside_quoted_fields) {
  auto in = reading("\"a\nb\",c\nd\n");
  ASSERT_TRUE(*in->next());
  EXPECT_EQ(in->line(), 1U);
  ASSERT_TRUE(*in->next());
  EXPECT_EQ(in->line(), 3U);
}
TEST_F(csv, tells_where_quoting_is_wrong_and_goes_on_behind_it) {
  EXPECT_EQ(records("a,b\"c\nd\n"),
            (lines{"line 1 column 2: a quote inside a field that is not quoted", "d"}));
  EXPECT_EQ(records("a,\"b\"c\nd\n"), (lines{"line 1 column 2: text behind a closing quote", "d"}));
  EXPECT_EQ(records("a,\"b\nc\nd\n"),
            (lines{"line 1 column 1: a quoted field is not closed", "c", "d"}));
}
TEST_F(csv, tells_where_text_is_not_utf8_and_goes_on) {
  EXPECT_EQ(records("a,\xff\nd,\xc3\xa4\n"), (lines{"line 1 column 2: not UTF-8", "d|\xc3\xa4"}));
}
TEST_F(csv, refuses_records_over_the_limits_and_goes_on) {
  const auto long_line = records(std::string(longest_record + 1, 'x') + "\nb\n");
  ASSERT_EQ(long_line.size(), 2U);
  EXPECT_NE(long_line[0].find("longer than 1048576 bytes"), std::string::npos);
  EXPECT_EQ(long_line[1], "b");
  EXPECT_EQ(records(std::string(longest_record, 'x') + "\n")[0].size(), longest_record);
  const auto many = records(std::string(most_fields, ',') + "\nb\n");
  EXPECT_NE(many[0].find("more than 64 fields"), std::string::npos);
  EXPECT_EQ(many[1], "b");
}
TEST_F(csv, reads_records_that_lie_across_its_buffer) {
  std::string content;
  for (int i = 0; i < 100'000; ++i)
    content += std::to_string(i) + ",\"x\n" + std::to_string(i) + "\"\n";
  const auto all = records(content);
  ASSERT_EQ(all.size(), 100'000U);
  EXPECT_EQ(all[99'999], "99999|x\n99999");
}
TEST_F(csv, reads_gzip) {
  const gzFile out = gzopen(path.c_str(), "wb");
  gzputs(out, "a,b\nc,d\n");
  gzclose(out);
  EXPECT_EQ(records_of(*csv_reader::open(path).value()), (lines{"a|b", "c|d"}));
}
TEST_F(csv, tells_a_gzip_that_was_cut_off) {
  const gzFile out = gzopen(path.c_str(), "wb");
  for (int i = 0; i < 10'000; ++i) gzputs(out, (std::to_string(i * 7919) + ",b\n").c_str());
  gzclose(out);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  const auto in = csv_reader::open(path).value();
  annals::result<bool> more = true;
  while (more && *more) more = in->next();
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code(), errc::file_error);
}
TEST_F(csv, tells_a_file_it_cannot_open) {
  const auto missing = csv_reader::open(path + "/missing");
  EXPECT_EQ(missing.error().code(), errc::file_error);
  EXPECT_NE(missing.error().message().find("/missing"), std::string::npos);
  EXPECT_EQ(csv_reader::open(testing::TempDir()).error().code(), errc::file_error);
}

}  // namespace
}  // namespace orders
