#include "annals/json.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "annals/json/writer.h"
#include "annals/stream.h"
#include "described_for_tests.h"

namespace annals {
namespace {

using described::everything;
using described::only_optional;
using described::point;

template <class T>
std::string encoded(const T& value) {
  std::string out;
  json::encode(value, out);
  return out;
}

template <class T>
std::string refused(std::string_view text) {
  const auto decoded = json::decode<T>(text);
  if (decoded) return "accepted";
  EXPECT_EQ(decoded.error().code(), errc::serialization_error);
  return decoded.error().message();
}

const everything sample{.flag = true,
                        .whole = INT64_MIN,
                        .small = 255,
                        .real = 0.1,
                        .text = "a\"b\\c\n\x01ä",
                        .points = {{1, -2}, {3, 4}},
                        .place = point{5, 6},
                        .color = described::color::blue,
                        .id = uuid::parse("0197c2d0-7b1e-7a2b-8c3d-4e5f60718293").value(),
                        .time = time_point(std::chrono::microseconds(-1)),
                        .price = {-1},
                        .counts = {{"", 0}, {"k", INT64_MAX}},
                        .words = {"", "x"}};

TEST(json, is_canonical_declared_order_and_no_blanks) {
  EXPECT_EQ(encoded(sample),
            R"({"flag":true,"whole":-9223372036854775808,"small":255,"real":0.1,)"
            R"("text":"a\"b\\c\n\u0001ä","points":[{"x":1,"y":-2},{"x":3,"y":4}],)"
            R"("place":{"x":5,"y":6},"color":"blue",)"
            R"("id":"0197c2d0-7b1e-7a2b-8c3d-4e5f60718293","time":"1969-12-31T23:59:59.999999Z",)"
            R"("price":-0.001,"counts":{"":0,"k":9223372036854775807},"words":["","x"]})");
}

TEST(json, reads_what_it_wrote) {
  EXPECT_EQ(json::decode<everything>(encoded(sample)).value(), sample);
  EXPECT_EQ(json::decode<everything>(encoded(everything{})).value(), everything{});
  EXPECT_EQ(json::decode<described::nothing>("{}").value(), described::nothing{});
}

TEST(json, leaves_empty_optionals_out_and_reads_null_as_empty) {
  EXPECT_EQ(encoded(only_optional{}), "{}");
  EXPECT_EQ(encoded(only_optional{.b = 2}), R"({"b":2})");
  EXPECT_EQ(json::decode<only_optional>(R"({"b":2})").value(), (only_optional{.b = 2}));
  EXPECT_EQ(json::decode<only_optional>(R"({"a":null,"b":2})").value(), (only_optional{.b = 2}));
}

TEST(json, takes_members_in_any_order_with_blanks_and_escapes) {
  EXPECT_EQ(json::decode<point>(" { \"y\" : 2 ,\n\t\"\\u0078\":1 } ").value(), (point{1, 2}));
}

TEST(json, ignores_members_it_does_not_know) {
  EXPECT_EQ(json::decode<point>(R"({"x":1,"z":{"deep":[1,{"y":3}]},"y":2})").value(),
            (point{1, 2}));
}

TEST(json, names_path_expectation_and_find) {
  EXPECT_EQ(refused<point>(R"({"x":1})"), "y: expected this member, found an object without it");
  EXPECT_EQ(refused<point>(R"({"x":1,"y":"2"})"), "y: expected an integer of 32 bits, found \"2\"");
  EXPECT_EQ(refused<std::vector<point>>(R"([{"x":1,"y":2},{"x":1,"y":true}])"),
            "[1].y: expected an integer of 32 bits, found true");
  auto text = encoded(sample);
  text.replace(text.find("\"y\":4"), 5, "\"y\":null");
  EXPECT_EQ(refused<everything>(text), "points[1].y: expected an integer of 32 bits, found null");
  text = encoded(sample);
  text.replace(text.find("blue"), 4, "mauve");
  EXPECT_EQ(refused<everything>(text), "color: expected one of red, green, blue, found \"mauve\"");
}

TEST(json, refuses_a_member_twice) {
  EXPECT_NE(refused<point>(R"({"x":1,"y":2,"x":3})").find("x: expected each member once"),
            std::string::npos);
}

TEST(json, refuses_numbers_that_do_not_fit_or_are_none) {
  for (const auto* number : {"2147483648", "-2147483649", "1.0", "1e2", "01", "+1", "0x1", "1.", "",
                             "-", "\"1\"", "NaN", "1 2"})
    EXPECT_NE(refused<point>(R"({"x":)" + std::string(number) + R"(,"y":2})"), "accepted")
        << number;
  EXPECT_EQ(json::decode<point>(R"({"x":-2147483648,"y":2147483647})").value(),
            (point{INT32_MIN, INT32_MAX}));
}

TEST(json, takes_decimals_exactly_from_their_text) {
  using price = decimal<3>;
  EXPECT_EQ(
      json::decode<std::vector<price>>("[0.1,2.555,-0.001,9223372036854775.807,2.50]").value(),
      (std::vector<price>{{100}, {2555}, {-1}, {INT64_MAX}, {2500}}));
  for (const auto* number :
       {"[0.0001]", "[1e3]", "[9223372036854775.808]", "[\"1\"]", "[1.2.3]", "[.5]"})
    EXPECT_NE(refused<std::vector<price>>(number), "accepted") << number;
}

TEST(json, refuses_documents_that_are_not_well_formed) {
  for (const auto* text : {"", " ", "{", "}", "{]", "[", R"({"x":1,"y":2}})", R"({"x":1,"y":2} x)",
                           R"({"x":1,"y":2},)", R"({"x":1 "y":2})", R"({"x":1,,"y":2})",
                           R"({x:1,"y":2})", R"({"x":1,"y":2)", "null", "1"})
    EXPECT_NE(refused<point>(text), "accepted") << text;
}

TEST(json, refuses_text_that_is_not_utf8_or_half_a_surrogate) {
  for (const auto* text : {"[\"\xff\"]", "[\"\xc0\x80\"]", "[\"\xed\xa0\x80\"]", "[\"\\ud800\"]",
                           "[\"\\udc00x\"]", "[\"\x01\"]", "[\"\\q\"]", "[\"\\u12\"]"})
    EXPECT_NE(refused<std::vector<std::string>>(text), "accepted") << text;
  EXPECT_EQ(json::decode<std::vector<std::string>>(R"(["\ud83d\ude00"])").value().front(), "😀");
}

TEST(json, refuses_a_document_cut_off_anywhere) {
  const auto whole = encoded(sample);
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(refused<everything>(std::string_view(whole).substr(0, size)), "accepted") << size;
}

TEST(json, survives_documents_nested_without_end) {
  const std::string deep(100'000, '[');
  EXPECT_NE(refused<point>(R"({"x":1,"z":)" + deep), "accepted");
  EXPECT_NE(refused<point>(deep), "accepted");
}

TEST(json, writes_numbers_that_json_lacks_as_text) {
  const std::vector<double> odd{__builtin_inf(), -__builtin_inf()};
  EXPECT_EQ(encoded(odd), R"(["Infinity","-Infinity"])");
  EXPECT_EQ(json::decode<std::vector<double>>(encoded(odd)).value(), odd);
  EXPECT_TRUE(std::isnan(json::decode<std::vector<double>>(R"(["NaN"])").value().front()));
}

TEST(json, writes_utf8_whatever_a_string_holds) {
  EXPECT_EQ(encoded(std::string("a\xff"
                                "b")),
            "\"a\xef\xbf\xbd"
            "b\"");
  EXPECT_EQ(encoded(std::string("\xc3")), "\"\xef\xbf\xbd\"");
}

// Values of every kind, small enough to be read by people when a property fails.
rc::Gen<everything> any_value() {
  const auto text = rc::gen::map(rc::gen::container<std::string>(rc::gen::character<char>()),
                                 [](std::string s) { return is_utf8(s) ? s : std::string("ü"); });
  const auto points = rc::gen::container<std::vector<point>>(
      rc::gen::build<point>(rc::gen::set(&point::x), rc::gen::set(&point::y)));
  return rc::gen::build<everything>(
      rc::gen::set(&everything::flag), rc::gen::set(&everything::whole),
      rc::gen::set(&everything::small), rc::gen::set(&everything::text, text),
      rc::gen::set(&everything::points, points),
      rc::gen::set(&everything::real,
                   rc::gen::map(rc::gen::arbitrary<std::int64_t>(),
                                [](std::int64_t n) { return static_cast<double>(n) / 1024; })),
      rc::gen::set(
          &everything::maybe,
          rc::gen::map(
              text, [](std::string s) { return s.size() % 2 ? std::optional(s) : std::nullopt; })),
      rc::gen::set(&everything::color,
                   rc::gen::element(described::color::red, described::color::green)),
      rc::gen::set(
          &everything::time,
          rc::gen::map(
              rc::gen::inRange<std::int64_t>(-2'000'000'000'000'000, 2'000'000'000'000'000),
              [](std::int64_t us) { return time_point(std::chrono::microseconds(us)); })),
      rc::gen::set(&everything::price, rc::gen::map(rc::gen::arbitrary<std::int64_t>(),
                                                    [](std::int64_t u) { return decimal<3>{u}; })),
      rc::gen::set(&everything::words, rc::gen::container<std::vector<std::string>>(text)));
}

RC_GTEST_PROP(json, decodes_what_it_encodes_by_either_reader, ()) {
  const auto value = *any_value();
  const auto text = encoded(value);
  RC_ASSERT(json::decode<everything>(text).value() == value);
  RC_ASSERT(read_generically<everything>(text).value() == value);
}

RC_GTEST_PROP(json, canonical_reader_never_accepts_what_the_generic_one_refuses, ()) {
  auto text = encoded(*any_value());
  const auto changes = *rc::gen::inRange(1, 4);
  for (int i = 0; i < changes; ++i) {
    const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
    const char byte = *rc::gen::element('"', ',', ':', '{', '}', '[', ']', '0', '-', '.', 'e', ' ',
                                        '\\', '\xff', 'x');
    switch (*rc::gen::inRange(0, 3)) {
      case 0: text[at] = byte; break;
      case 1: text.insert(at, 1, byte); break;
      default: text.erase(at, 1);
    }
    if (text.empty()) break;
  }
  const auto canonical = read_canonically<everything>(text);
  if (canonical) {
    const auto generic = read_generically<everything>(text);
    RC_ASSERT(generic.has_value());
    RC_ASSERT(*generic == *canonical);
  }
}

TEST(json_writer, separates_nests_and_escapes) {
  json::writer out;
  out.begin_object().member("a", std::uint64_t{1}).member("b\"", "c\n").key("d").begin_array();
  out.value(true).null().begin_object().end_object().raw("1.50").end_array();
  out.key("e").begin_array().end_array().member("f", std::int64_t{-1}).end_object();
  EXPECT_EQ(out.text(), R"({"a":1,"b\"":"c\n","d":[true,null,{},1.50],"e":[],"f":-1})");
}

}  // namespace
}  // namespace annals
