#include "annals/json/validate.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "annals/json/encode.h"
#include "annals/json/generic.h"
#include "annals/limits.h"

namespace annals {
namespace {

std::string problem_of(std::string_view text) {
  const auto checked = json::validate(text);
  EXPECT_EQ(checked.has_value(), json::is_valid(text)) << text;
  if (checked) return "valid";
  EXPECT_EQ(checked.error().code(), errc::malformed_input);
  return checked.error().message();
}

std::string nested(std::size_t depth, std::string_view open = "[", std::string_view close = "]") {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) text += open;
  text += "1";
  for (std::size_t i = 0; i < depth; ++i) text += close;
  return text;
}

TEST(Validate, AcceptsEveryKindOfDocument) {
  for (const std::string_view text : {
           "{}",
           "[]",
           "null",
           "true",
           "false",
           "0",
           "-0",
           "-1.5e+10",
           "1E400",
           "\"\"",
           "\"a\"",
           " \t\r\n{ \"a\" : [ 1 , 2 , { } , [ ] ] , \"b\" : null } \n",
           "[[],{},\"\",0]",
           "{\"\":1,\"a\":2}",
           "{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1}}",
           "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\uD834\\udd1e\"",
           "\"\xc3\xa4\xe2\x82\xac\xf0\x9d\x84\x9e\x7f\"",
           "12345678901234567890123456789012345678901234567890.0000000000000000000000000001",
           "\"\\u0000\"",
           "[1,[2,[3,[4]]],5]",
           "{\"a\":1,\"A\":2,\"\xc3\xa4\":3}",
       })
    EXPECT_EQ(problem_of(text), "valid") << text;
}

struct bad {
  std::string_view text;
  std::string_view says;
};

const bad documents[] = {
    {"", "byte 0: expected a value, found the end"},
    {"  ", "byte 2: expected a value, found the end"},
    {"{", "byte 1: expected a member's name in quotes, found the end"},
    {"[", "byte 1, in [0]: expected a value, found the end"},
    {"}", "byte 0: expected a value, found '}'"},
    {"]", "byte 0: expected a value, found ']'"},
    {"[1", "byte 2, in [0]: expected ',' or ']', found the end"},
    {"[1}", "byte 2, in [0]: expected ',' or ']', found '}'"},
    {"[1 2]", "byte 3, in [0]: expected ',' or ']', found '2]'"},
    {"[1,]", "byte 3, in [1]: expected a value, found ']'"},
    {"[,1]", "byte 1, in [0]: expected a value, found ',1]'"},
    {"{\"a\":1,}", "byte 7, in a: expected a member's name in quotes, found '}'"},
    {"{\"a\" 1}", "byte 5, in a: expected ':' after a member's name, found '1}'"},
    {"{\"a\":}", "byte 5, in a: expected a value, found '}'"},
    {"{a:1}", "byte 1: expected a member's name in quotes, found 'a:1}'"},
    {"{'a':1}", "byte 1: expected a member's name in quotes, found ''a':1}'"},
    {"{1:1}", "byte 1: expected a member's name in quotes, found '1:1}'"},
    {"{\"a\":1 \"b\":2}", "byte 7, in a: expected ',' or '}', found '\"b\":2}'"},
    {"{} {}", "byte 3: expected nothing after the document, found '{}'"},
    {"1 x", "byte 2: expected nothing after the document, found 'x'"},
    {"null,", "byte 4: expected nothing after the document, found ','"},
    {"nul", "byte 0: expected a value, found 'nul'"},
    {"True", "byte 0: expected a value, found 'True'"},
    {"nullnull", "byte 4: expected nothing after the document, found 'null'"},
    {"NaN", "byte 0: expected a value, found 'NaN'"},
    {"Infinity", "byte 0: expected a value, found 'Infinity'"},
    {"-Infinity", "byte 0: expected a number as JSON writes it, found '-Infinity'"},
    {"01", "byte 0: expected a number as JSON writes it, found '01'"},
    {"-01", "byte 0: expected a number as JSON writes it, found '-01'"},
    {"1.", "byte 0: expected a number as JSON writes it, found '1.'"},
    {".5", "byte 0: expected a value, found '.5'"},
    {"+1", "byte 0: expected a value, found '+1'"},
    {"1e", "byte 0: expected a number as JSON writes it, found '1e'"},
    {"1e+", "byte 0: expected a number as JSON writes it, found '1e+'"},
    {"-", "byte 0: expected a number as JSON writes it, found '-'"},
    {"0x10", "byte 1: expected nothing after the document, found 'x10'"},
    {"1_000", "byte 1: expected nothing after the document, found '_000'"},
    {"\"a", "byte 2: expected '\"' at the end of a string, found the end"},
    {"\"a\nb\"", "byte 2: expected a control character as an escape, found byte 0x0a"},
    {std::string_view("\"\0\"", 3),
     "byte 1: expected a control character as an escape, found byte 0x00"},
    {std::string_view("1\0", 2), "byte 1: expected nothing after the document, found byte 0x00"},
    {"\"\\x41\"", "byte 1: expected an escape as JSON writes it, found '\\x41\"'"},
    {"\"\\u12\"", "byte 1: expected an escape as JSON writes it, found '\\u12\"'"},
    {"\"\\u12g4\"", "byte 1: expected an escape as JSON writes it, found '\\u12g4\"'"},
    {"\"\\ud834\"", "byte 1: expected an escape as JSON writes it, found '\\ud834\"'"},
    {"\"\\udd1e\"", "byte 1: expected an escape as JSON writes it, found '\\udd1e\"'"},
    {"\"\\ud834\\u0041\"",
     "byte 1: expected an escape as JSON writes it, found '\\ud834\\u0041\"'"},
    {"\"\\", "byte 1: expected an escape as JSON writes it, found '\\'"},
    {"\"\xff\"", "byte 1: expected UTF-8, found byte 0xff"},
    {"\"\xc0\x80\"", "byte 1: expected UTF-8, found byte 0xc0"},
    {"\"\xed\xa0\x80\"", "byte 1: expected UTF-8, found byte 0xed"},
    {"\"\xc3", "byte 1: expected UTF-8, found byte 0xc3"},
    {"\xc3\xa4", "byte 0: expected a value, found byte 0xc3"},
    {"\xef\xbb\xbf{}", "byte 0: expected a document in UTF-8 without byte order mark, found one"},
    {"{} // why", "byte 3: expected nothing after the document, found '// why'"},
    {"/**/1", "byte 0: expected a value, found '/**/1'"},
    {"{\"a\":[{\"b\":1},{\"b\":x}]}", "byte 19, in a[1].b: expected a value, found 'x}]}'"},
    {"{\"a\":1,\"a\":2}", "byte 7, in a: expected each member once, found 'a' again"},
    {"{\"a\":1,\"\\u0061\":2}", "byte 7, in a: expected each member once, found 'a' again"},
    {"{\"a\":{\"b\":1,\"c\":2,\"b\":3}}",
     "byte 18, in a.c: expected each member once, found 'b' again"},
    {"\v1", "byte 0: expected a value, found byte 0x0b"},
    {"\xc2\xa0"
     "1",
     "byte 0: expected a value, found byte 0xc2"},
};

TEST(Validate, NamesTheByteThePathAndWhatWasFound) {
  for (const auto& [text, says] : documents)
    EXPECT_EQ(problem_of(text), "JSON, " + std::string(says)) << text;
}

TEST(Validate, FindsAMemberThatComesTwiceInALargeObject) {
  for (const int size : {2, 23, 24, 25, 26, 200}) {
    std::string text = "{";
    for (int i = 0; i < size; ++i)
      text += "\"k" + std::to_string(i) + "\":" + std::to_string(i) + ",";
    EXPECT_EQ(problem_of(text + "\"last\":0}"), "valid") << size;
    const auto at = std::to_string(text.size());
    EXPECT_EQ(problem_of(text + "\"k1\":0}").substr(0, 11 + at.size()), "JSON, byte " + at) << size;
  }
}

TEST(Validate, NestsAsDeepAsTheLimitAndNoDeeper) {
  EXPECT_EQ(problem_of(nested(limits::json_depth)), "valid");
  EXPECT_EQ(problem_of(nested(limits::json_depth, "{\"a\":", "}")), "valid");
  const auto deeper = nested(limits::json_depth + 1);
  const auto refused = json::validate(deeper);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), errc::limit_exceeded);
  EXPECT_NE(refused.error().message().find("limits::json_depth (128)"), std::string::npos);
  EXPECT_FALSE(json::is_valid(deeper));
  EXPECT_FALSE(json::is_valid(std::string(1'000'000, '[')));
}

TEST(Validate, FindsOddBytesWhereverAStringIsCutIntoWords) {
  for (std::size_t length = 0; length < 40; ++length)
    for (std::size_t at = 0; at < length; ++at)
      for (const char odd : {'\x01', '\x1f', '\x80', '\xff', '"', '\\'}) {
        std::string text = '"' + std::string(length, 'x') + '"';
        text[1 + at] = odd;
        EXPECT_FALSE(json::is_valid(text)) << length << ' ' << at;
      }
}

/// A document made of random parts, blanks included.
std::string random_document(int depth) {
  const auto blank = [] {
    return *rc::gen::element<std::string>("", "", "", " ", "\n", "\t ", "\r\n");
  };
  const auto kind = *rc::gen::inRange(0, depth > 3 ? 5 : 7);
  std::string text;
  if (kind < 2) {
    text = *rc::gen::element<std::string>("null", "true", "false", "0", "-0.0", "12e-3", "5E+7");
  } else if (kind < 5) {
    json::append_string(text, *rc::gen::string<std::string>());
  } else {
    const bool object = kind == 5;
    const auto count = *rc::gen::inRange(0, 5);
    text = object ? "{" : "[";
    for (int i = 0; i < count; ++i) {
      if (i != 0) text += "," + blank();
      if (object) {
        json::append_string(text, std::to_string(i) + *rc::gen::string<std::string>());
        text += blank() + ":" + blank();
      }
      text += random_document(depth + 1) + blank();
    }
    text += object ? "}" : "]";
  }
  return blank() + text + blank();
}

/// An object of few names, and objects inside it; `twice` is set when one has a name twice.
std::string object_of_few_names(int depth, bool& twice) {
  std::set<std::string> names;
  std::string text = "{";
  for (int left = *rc::gen::inRange(0, 5); left > 0; --left) {
    const auto name = *rc::gen::element<std::string>("a", "b", "c", "sixteen bytes 16",
                                                     "more than sixteen bytes");
    const bool escaped = name == "a" && *rc::gen::inRange(0, 6) == 0;
    twice = !names.insert(name).second || twice;
    text += (text.size() == 1 ? "\"" : ",\"") + (escaped ? std::string("\\u0061") : name) + "\":";
    const auto kind = *rc::gen::inRange(0, depth > 3 ? 1 : 3);
    if (kind == 0) text += "1";
    if (kind == 1) text += object_of_few_names(depth + 1, twice);
    if (kind != 2) continue;
    text += "[" + object_of_few_names(depth + 1, twice);
    for (int more = *rc::gen::inRange(0, 4); more > 0; --more)
      text += "," + object_of_few_names(depth + 1, twice);
    text += "]";
  }
  return text + "}";
}

RC_GTEST_PROP(Validate, FindsEveryMemberThatComesTwiceWhateverStoodBefore, ()) {
  bool twice = false;
  std::string text = "[";
  for (int left = *rc::gen::inRange(1, 6); left > 0; --left)
    text += object_of_few_names(0, twice) + (left > 1 ? "," : "]");
  RC_CLASSIFY(twice);
  RC_ASSERT(json::is_valid(text) == !twice);
}

TEST(Validate, FindsAMemberThatComesTwiceBehindObjectsWithTheSameMembers) {
  const std::string object = R"({"product":"84029","quantity":6,"unit_price":2.55})";
  for (
      const std::string_view last :
      {R"({"product":"1","product":"1"})", R"({"product":"1","quantity":1,"product":1})",
       R"({"product":"1","quantity":1,"unit_price":1,"quantity":1})",
       R"({"product":{"product":1},"quantity":1,"product":1})",
       R"({"product":{"x":{"unit_price":1},"quantity":1},"quantity":{"product":1},"product":1})"}) {
    EXPECT_EQ(problem_of("[" + object + "," + object + "]"), "valid");
    EXPECT_NE(problem_of("[" + object + "," + object + "," + std::string(last) + "]")
                  .find("each member once"),
              std::string::npos)
        << last;
  }
}

/// What the other parser makes of a document, all of it looked at.
bool walks(json::value& at, int depth) {
  std::string text;
  double number = 0;
  bool truth = false;
  if (at.is_null() || at.get_bool(truth) || at.get_string(text)) return true;
  if (!at.number_text().empty() || at.get_double(number)) return true;
  const auto element = [&](json::value& one) { return walks(one, depth + 1); };
  const auto member = [&](std::string_view, json::value& one) { return walks(one, depth + 1); };
  return at.excerpt().starts_with('[') ? at.for_each_element(element) : at.for_each_member(member);
}

// In an array: simdjson reads scalars at the root in ways of their own.
bool generic_reads(const std::string& document) {
  const auto text = "[" + document + "]";
  json::problem why;
  return json::read_document(text, [](json::value& root) { return walks(root, 0); }, why);
}

RC_GTEST_PROP(Validate, AcceptsWhatIsWellFormed, ()) {
  const auto text = random_document(0);
  RC_ASSERT(json::is_valid(text));
  RC_ASSERT(generic_reads(text));
}

// The other way round does not hold: simdjson lets pass what nobody looks at.
RC_GTEST_PROP(Validate, AcceptsNothingThatTheGenericReaderRefuses, ()) {
  auto text = random_document(0);
  const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
  switch (*rc::gen::inRange(0, 3)) {
    case 0:
      text[at] = *rc::gen::element('"', '\\', '{', ']', ',', ':', '0', 'e', '\x01', '\xc3');
      break;
    case 1: text.erase(at, 1); break;
    default: text.insert(at, 1, *rc::gen::element('"', '}', '[', ',', '-', '.', ' ', '\xff'));
  }
  const auto checked = json::validate(text);
  if (checked) RC_ASSERT(generic_reads(text));
  if (!checked) RC_ASSERT(!checked.error().message().empty());
}

RC_GTEST_PROP(Validate, RefusesEveryDocumentThatIsCutOff, ()) {
  const auto text = "[" + random_document(0) + "]";
  const auto size = *rc::gen::inRange<std::size_t>(0, text.size());
  RC_ASSERT(!json::is_valid(text.substr(0, size)));
}

}  // namespace
}  // namespace annals
