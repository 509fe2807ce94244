#include "annals/terminal.h"

#include <gtest/gtest.h>

#include <cstdio>

namespace annals {
namespace {

using namespace terminal;

/// What a function prints into a file.
template <class Print>
std::string printed(Print&& print) {
  std::FILE* out = std::tmpfile();
  print(out);
  std::string text(static_cast<std::size_t>(std::ftell(out)), '\0');
  std::rewind(out);
  EXPECT_EQ(std::fread(text.data(), 1, text.size(), out), text.size());
  std::fclose(out);
  return text;
}

TEST(thousands, are_grouped_in_whole_numbers_and_before_the_point) {
  EXPECT_EQ(with_thousands(std::uint64_t{0}), "0");
  EXPECT_EQ(with_thousands(std::uint64_t{999}), "999");
  EXPECT_EQ(with_thousands(std::uint64_t{1000}), "1,000");
  EXPECT_EQ(with_thousands(UINT64_MAX), "18,446,744,073,709,551,615");
  EXPECT_EQ(with_thousands("-1234567.8901"), "-1,234,567.8901");
  EXPECT_EQ(with_thousands("12a4567"), "12a4567");
  EXPECT_EQ(with_thousands(""), "");
}

TEST(printable, shows_control_characters_and_broken_utf8) {
  EXPECT_EQ(printable("a\x1b[31mb\n\t\x7f"), "a\\x1b[31mb\\x0a\\x09\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"
                      "x"),
            "\\xc2\\x9bx");  // a C1 control, CSI in some terminals
  EXPECT_EQ(printable("a\xff"
                      "b"),
            "a?b");
  EXPECT_EQ(printable("ä€😀"), "ä€😀");
}

TEST(table, aligns_columns_by_characters_and_ends_lines_without_blanks) {
  table t({{"name"}, {"count", align::right}, {"note"}});
  t.row({"ä", "1", ""});
  t.row({"longer", "1,000", "x\n"});
  EXPECT_EQ(printed([&](std::FILE* out) { t.print(out); }),
            "name    count  note\n"
            "------  -----  -----\n"
            "ä           1\n"
            "longer  1,000  x\\x0a\n");
}

TEST(table, aligns_numbers_at_their_decimal_points) {
  table t({{"amount", align::point}, {"unit"}});
  t.row({"12.5", "GBP"});
  t.row({"1,007", "GBP"});
  t.row({"0.125", "GBP"});
  EXPECT_EQ(printed([&](std::FILE* out) { t.print(out); }),
            "   amount  unit\n"
            "---------  ----\n"
            "   12.5    GBP\n"
            "1,007      GBP\n"
            "    0.125  GBP\n");
}

TEST(progress, says_nothing_of_a_job_that_ends_at_once) {
  EXPECT_EQ(printed([](std::FILE* out) {
              progress bar("working", 100, "bytes", out);
              bar.advance_to(50);
              bar.finish();
            }),
            "");
}

TEST(progress, prints_lines_with_rate_and_time_left_where_there_is_no_terminal) {
  const auto text = printed([](std::FILE* out) {
    progress bar("working", 100, "orders", out);
    const std::atomic<std::uint32_t> never{0};
    for (int i = 0; i < 60; ++i) {
      posix_env().park(never, 0, std::chrono::milliseconds(10));
      bar.advance_to(50, 7);
    }
  });
  EXPECT_EQ(text.substr(0, 24), "working  50 %  7 orders,");
  EXPECT_NE(text.find("/s, "), std::string::npos);
  EXPECT_EQ(text.substr(text.size() - 8), " s left\n");
}

TEST(address, is_shown_without_its_password) {
  const std::pair<std::string_view, std::string_view> all[] = {
      {"file:./data", "file:./data"},
      {"postgres://host/db", "postgres://host/db"},
      {"postgres://me@host:5432/db", "postgres://me@host:5432/db"},
      {"postgres://host:5432/db?user=a@b", "postgres://host:5432/db?user=a@b"},
      {"postgres://me:secret@host:5432/db", "postgres://me:***@host:5432/db"},
      {"postgres://me:se/cr@et@host/db", "postgres://me:***@host/db"},
      {"postgres://host/db?password=secret&port=1", "postgres://host/db?password=***&port=1"},
      {"postgres:host=h password=secret user=me", "postgres:host=h password=*** user=me"},
      {R"(postgres:password='se\' cret' sslpassword=x\ y)",
       "postgres:password=*** sslpassword=***"},
      {"postgres:password=", "postgres:password=***"},
      {"postgres:password='open", "postgres:password=***"},
  };
  for (const auto& [address, shown] : all) EXPECT_EQ(without_password(address), shown);
}

TEST(report, prints_one_line_and_answers_the_exit_code) {
  testing::internal::CaptureStderr();
  const int code = report("program", error(errc::disk_full, "writing\nx"));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "program: writing\\x0ax\n");
  EXPECT_EQ(code, exit_code_of(errc::disk_full));
}

}  // namespace
}  // namespace annals
