#include "json_text.h"

#include <gtest/gtest.h>

#include "annals/limits.h"
#include "stored_metadata.h"

namespace annals {
namespace postgres {
namespace {

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

TEST(JsonText, IsWhatAColumnOfTypeJsonTakes) {
  for (const std::string good : {"{}", " [1, -0.5e+3, 0, \"\\u0000\\ud800\\n\"] ", "null", "true",
                                 "\"\xc3\xa4\"", "{\"a\" : {\"b\":[]}}\n"})
    EXPECT_TRUE(is_json(good)) << good;
  for (const std::string bad :
       {"",       " ",       "{",           "{]", "[1,]",  "{\"a\":}", "{a:1}",
        "01",     "1.",      ".5",          "+1", "1e",    "nul",      "'a'",
        "\"\n\"", "\"\\x\"", "\"\\u12g4\"", "\"", "{} {}", "\"\xff\"", "NaN"})
    EXPECT_FALSE(is_json(bad)) << bad;
  EXPECT_FALSE(is_json(std::string("\"\0\"", 3)));
}

TEST(JsonText, IsNoDeeperThanTheLimit) {
  EXPECT_TRUE(is_json(nested(limits::json_depth)));
  EXPECT_FALSE(is_json(nested(limits::json_depth + 2)));
  EXPECT_FALSE(is_json(nested(1'000'000)));
}

TEST(JsonText, NamesWhatJsonbRefuses) {
  EXPECT_EQ(refused_by_jsonb(R"({"a":"\u0000"})"), R"(\u0000)");
  EXPECT_EQ(refused_by_jsonb(R"({"a":"\ud83d"})"), R"(\ud83d)");
  EXPECT_EQ(refused_by_jsonb(R"({"a":"\ude00"})"), R"(\ude00)");
  EXPECT_EQ(refused_by_jsonb(R"({"a":"\ud83d\ude00 \\u0000 \n"})"), "");
}

TEST(StoredMetadata, IsReadAsItWasWritten) {
  const std::string_view tags[] = {"a:1", "quote:\"\\\n", "c:\xc3\xa4"};
  for (const auto& user :
       {std::string(), std::string("{ \"by\" : [\"me\", {}] }"), std::string("\0no json\xff", 9)}) {
    append_context context{.tracestate = "vendor=\"1\"",
                           .user_metadata = std::as_bytes(std::span(user))};
    context.command_id.bytes[3] = 7;
    context.correlation_id.bytes[0] = 1;
    context.causation_id.bytes[15] = 2;
    context.trace = {.trace_id = {1, 2}, .span_id = {0xf0}, .flags = 1};
    const auto text = write_metadata(
        context, {.tags = tags, .timestamp_us = INT64_MIN, .listed_first = "order-1"});
    EXPECT_TRUE(is_json(text)) << text;
    const auto read = read_metadata(text);
    EXPECT_EQ(read.command_id, context.command_id);
    EXPECT_EQ(read.correlation_id, context.correlation_id);
    EXPECT_EQ(read.causation_id, context.causation_id);
    EXPECT_EQ(read.trace, context.trace);
    EXPECT_EQ(read.tracestate, context.tracestate);
    EXPECT_EQ(read.tags, (std::vector<std::string>{"a:1", "quote:\"\\\n", "c:\xc3\xa4"}));
    EXPECT_EQ(read.timestamp_us, INT64_MIN);
    EXPECT_EQ(read.listed_first, "order-1");
    EXPECT_EQ(read.user, user);
  }
  EXPECT_EQ(write_metadata({}, {}), "");
}

TEST(StoredMetadata, OfDocumentsThatOthersWroteIsReadAsFarAsItIsKnown) {
  const auto read =
      read_metadata(R"( { "more" : {"a":[1,{}]}, "tags" : [ "a:1" , "b:2" ] , "x":1})");
  EXPECT_EQ(read.tags, (std::vector<std::string>{"a:1", "b:2"}));
  for (const char* odd : {"", "[]", "{", "{\"tags\":[", "{\"tags\"", "{\"tags\":[}", "{\"user\":"})
    EXPECT_TRUE(read_metadata(odd).tags.empty()) << odd;
}

}  // namespace
}  // namespace postgres
}  // namespace annals
