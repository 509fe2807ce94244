#include "annals/json/export.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "annals/json/base64.h"
#include "annals/json/event_lines.h"
#include "annals/limits.h"
#include "annals/memory.h"
#include "annals/stream.h"
#include "export_line.h"

namespace annals {
namespace {

constexpr std::string_view header =
    R"({"annals_export":1,"store_id":"0197c2d0-7b1e-4a2b-8c3d-4e5f60718293"})"
    "\n";
constexpr std::string_view event =
    R"({"position":1,"stream":"a-1","version":1,"type":"t","schema":2,)"
    R"("event_id":"0197c2d0-7b1e-7a2b-8c3d-4e5f60718201",)"
    R"("timestamp":"2010-12-01T08:26:00.000001Z",)"
    R"("hlc":"117686322553815040","genesis":true,"tags":["a:b","c:\"\u0001"],)"
    R"("append":{"events":1,"command_id":"0197c2d0-7b1e-7a2b-8c3d-4e5f60718202",)"
    R"("command_digest":"0197c2d0-7b1e-7a2b-8c3d-4e5f60718203"},"data":{ "a" :1}})"
    "\n";

std::string end_line(int events, int lines) {
  return R"({"annals_export_end":{"events":)" + std::to_string(events) + R"(,"lines":)" +
         std::to_string(lines) + "}}\n";
}

/// Text that is given out in pieces of a few bytes.
json::export_reader::source in_pieces(std::string text, std::size_t most) {
  return [text = std::move(text), most,
          at = std::size_t{0}](std::span<char> out) mutable -> result<std::size_t> {
    const auto size = std::min({most, out.size(), text.size() - at});
    std::copy_n(text.begin() + static_cast<std::ptrdiff_t>(at), size, out.begin());
    at += size;
    return size;
  };
}

/// Reads an export and writes it again.
result<std::string> copied(std::string text, std::size_t most = 1000) {
  json::export_reader reader(in_pieces(std::move(text), most));
  const auto id = reader.begin();
  if (!id) return std::unexpected(id.error());
  json::export_writer writer;
  writer.begin(*id);
  for (;;) {
    const auto batch = reader.next();
    if (!batch) return std::unexpected(batch.error());
    if (batch->empty()) break;
    for (const auto& entry : *batch) writer.add(entry);
  }
  writer.end();
  return writer.text();
}

std::string refused(const std::string& text) {
  const auto read = copied(text);
  if (read) return "accepted";
  EXPECT_EQ(read.error().code(), errc::malformed_input);
  return read.error().message();
}

TEST(Export, ComesBackByteForByte) {
  const auto text = std::string(header) + std::string(event) + end_line(1, 1);
  for (const std::size_t most : {1U, 7U, 100U, 1'000'000U})
    EXPECT_EQ(copied(text, most).value(), text);
}

TEST(Export, OfNothingIsTwoLines) {
  const auto text = std::string(header) + end_line(0, 0);
  EXPECT_EQ(copied(text).value(), text);
}

/// Random bytes, printable text or JSON.
std::string random_payload() {
  return *rc::gen::oneOf(
      rc::gen::string<std::string>(), rc::gen::container<std::string>(rc::gen::arbitrary<char>()),
      rc::gen::element<std::string>("", " ", "{}", "{\"a\":1}", " {}", "{} ", "[1,\n2]", "[1,\t2]",
                                    "1", "{\"a\":1,\"a\":1}", "\"\xc3\xa4\"", "\"\xc3\"", "nul",
                                    "\"\\ud800\"", "1}", "1,\"genesis\":true",
                                    std::string(200, '[')));
}

uuid random_uuid() {
  uuid id;
  for (auto& byte : id.bytes) byte = *rc::gen::arbitrary<std::uint8_t>();
  id.bytes[15] |= 1U;  // nil means none
  return id;
}

std::string random_text() {
  auto text = *rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127));
  return "x" + text + *rc::gen::element<std::string>("", "\xc3\xa4", "\"", "\\", "\x01\n");
}

/// A history that owns what its entries point to.
struct random_history {
  std::deque<std::string> texts{};
  std::deque<std::vector<std::string_view>> tags{};
  std::deque<std::vector<imported_event>> events{};
  std::vector<history_entry> entries{};

  std::string_view keep(std::string text) { return texts.emplace_back(std::move(text)); }

  append_context context() {
    append_context made;
    if (*rc::gen::arbitrary<bool>()) {
      made.command_id = random_uuid();
      made.command_digest = random_uuid();
    }
    if (*rc::gen::arbitrary<bool>()) made.correlation_id = random_uuid();
    if (*rc::gen::arbitrary<bool>()) made.causation_id = random_uuid();
    if (*rc::gen::arbitrary<bool>()) {
      made.trace.flags = *rc::gen::arbitrary<std::uint8_t>();
      made.trace.span_id[3] = *rc::gen::arbitrary<std::uint8_t>();
    }
    made.tracestate = keep(*rc::gen::container<std::string>(rc::gen::arbitrary<char>()));
    made.user_metadata = std::as_bytes(std::span(keep(random_payload())));
    return made;
  }

  imported_event one() {
    auto& own = tags.emplace_back();
    for (int left = *rc::gen::inRange(0, 3); left > 0; --left) own.push_back(keep(random_text()));
    return {
        .stream = keep(random_text()),
        .event =
            {.type = keep(random_text()),
             .schema = *rc::gen::arbitrary<std::uint16_t>(),
             .codec = *rc::gen::element(codec::json, codec::binary),
             .payload = std::as_bytes(std::span(keep(random_payload()))),
             .event_id = random_uuid(),
             .timestamp = time_point(std::chrono::microseconds(*rc::gen::oneOf(
                 rc::gen::arbitrary<std::int64_t>(),
                 rc::gen::inRange<std::int64_t>(-62'135'596'800'000'001, 253'402'300'800'000'000),
                 rc::gen::element<std::int64_t>(INT64_MIN, INT64_MAX, 253'402'300'799'999'999)))),
             .tags = own,
             .genesis = *rc::gen::arbitrary<bool>()},
        .version = {*rc::gen::arbitrary<std::uint64_t>()},
        .position = {.sequence = *rc::gen::arbitrary<std::uint64_t>()},
        .recorded = {*rc::gen::arbitrary<std::uint64_t>()}};
  }

  void grow() {
    if (*rc::gen::inRange(0, 5) == 0) {
      entries.emplace_back(
          retained_stream{.stream = keep(random_text()),
                          .truncate_before = {*rc::gen::arbitrary<std::uint64_t>()},
                          .tombstone = *rc::gen::arbitrary<bool>(),
                          .max_age = std::chrono::microseconds(*rc::gen::arbitrary<std::int64_t>()),
                          .max_count = *rc::gen::arbitrary<std::uint64_t>()});
      return;
    }
    auto& own = events.emplace_back();
    for (int left = *rc::gen::inRange(0, 4); left > 0; --left) own.push_back(one());
    import_request append{.events = own, .context = context()};
    if (!append.context.command_id.is_nil()) append.stream = keep(random_text());
    entries.emplace_back(append);
  }
};

RC_GTEST_PROP(Export, OfAnyHistoryComesBackByteForByte, ()) {
  random_history history;
  json::export_writer writer;
  writer.begin(random_uuid());
  for (int left = *rc::gen::inRange(0, 6); left > 0; --left) history.grow();
  for (const auto& entry : history.entries) writer.add(entry);
  writer.end();
  const auto again = copied(writer.text(), *rc::gen::inRange<std::size_t>(1, 4000));
  if (!again) RC_FAIL(again.error().to_string());
  RC_ASSERT(*again == writer.text());
}

/// An event's line, written from what a reader made of it.
std::string written(const json::export_line& line) {
  auto event_read = line.event;
  event_read.event.tags = line.tags;
  json::export_writer writer;
  writer.add(import_request{.events = std::span(&event_read, 1), .context = line.append.context});
  return writer.text();
}

RC_GTEST_PROP(Export, CanonicalReaderAcceptsNothingThatTheOtherRefuses, ()) {
  random_history history;
  auto one = history.one();
  json::export_writer writer;
  writer.add(import_request{.events = std::span(&one, 1), .context = history.context()});
  auto line = writer.text().substr(0, writer.text().size() - 1);
  if (*rc::gen::inRange(0, 4) != 0) {
    const auto at = *rc::gen::inRange<std::size_t>(0, line.size());
    line[at] = *rc::gen::element('"', '}', '{', ',', ':', '0', 'a', '\\', ' ', '\x80');
  }
  json::export_line fast;
  json::export_line slow;
  json::decoded_texts decoded;
  if (json::read_canonical_event(line, fast, decoded)) {
    const auto read = json::read_line(line, slow, decoded);
    if (!read) RC_FAIL(read.error().to_string() + " in " + line);
    RC_ASSERT(written(fast) == written(slow));
  }
}

TEST(Export, TakesLinesThatOthersHaveWritten) {
  const std::string odd =
      R"( { "data" : {"b" : [1]} , "hlc" : "5", "tags":[], "timestamp_us": -5, "schema":1,)"
      R"( "type":"\u0074", "version":1,"stream":"a-1","position":1 ,)"
      R"("event_id":"0197c2d0-7b1e-7a2b-8c3d-4e5f60718201"} )"
      "\n";
  const auto read = copied(std::string(header) + odd + end_line(1, 1));
  ASSERT_TRUE(read.has_value()) << read.error().to_string();
  EXPECT_NE(read->find(R"("type":"t","schema":1,)"), std::string::npos) << *read;
  EXPECT_NE(
      read->find(
          "\"timestamp\":\"1969-12-31T23:59:59.999995Z\",\"hlc\":\"5\",\"data\":{\"b\" : [1]}}"),
      std::string::npos)
      << *read;
}

/// The event's line with one part of it replaced.
std::string with(std::string_view what, std::string_view instead) {
  std::string line(event);
  const auto at = line.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return line.replace(at, what.size(), instead);
}

TEST(Export, RefusesALineWithItsNumberAndTheReason) {
  const std::pair<std::string, std::string> table[] = {
      {with("\"version\":1", "\"version\":-1"),
       "member 'version': expected an integer of 64 bits, not negative, found -1"},
      {with("\"version\":1", "\"version\":1.0"),
       "member 'version': expected an integer of 64 bits, not negative, found 1.0"},
      {with("\"version\":1", "\"version\":\"1\""), "member 'version': expected an integer"},
      {with("\"version\":1", "\"version\":18446744073709551616"),
       "member 'version': expected an integer"},
      {with("\"version\":1,", ""), "member 'version' is missing"},
      {with("\"version\":1", "\"version\":1,\"version\":1"),
       "expected each member once, found 'version' again"},
      {with("\"schema\":2", "\"schema\":65536"), "member 'schema': expected an integer of 16 bits"},
      {with("\"stream\":\"a-1\"", "\"stream\":1"), "member 'stream': expected a string, found 1"},
      {with("\"hlc\":\"", "\"hlc\":\"x"), "member 'hlc': expected a number of 64 bits in quotes"},
      {with("0718201", "071820A"), "is not a UUID in its canonical form"},
      {with("2010-12-01T", "2010-13-01T"), "is not a time in RFC 3339"},
      {with("\"genesis\":true", "\"genesis\":1"),
       "member 'genesis': expected true or false, found 1"},
      {with("[\"a:b\"", "[1"), "member 'tags': expected a string, found 1"},
      {with("\"data\":{ \"a\" :1}", "\"data\":{ \"a\" :}"),
       "in data.a: expected a value, found '}}'"},
      {with("\"data\":{ \"a\" :1}", "\"data\":01"), "in data: expected a number as JSON writes it"},
      {with("\"data\":{ \"a\" :1}", "\"data_base64\":\"x\""),
       "member 'data_base64': expected base64"},
      {with("\"data\":{ \"a\" :1}", "\"data_base64\":\"YQ=\""),
       "member 'data_base64': expected base64"},
      {with("\"data\":{ \"a\" :1}", "\"data_base64\":\"YR==\""),
       "member 'data_base64': expected base64"},
      {with("\"data\":{ \"a\" :1}", "\"data\":1,\"data_base64\":\"\""),
       "the payload stands there twice"},
      {with("\"data\":{ \"a\" :1}", "\"codec\":\"binary\",\"data\":1"),
       "binary payloads stand in 'data_base64'"},
      {with("\"data\":{ \"a\" :1}", "\"codec\":\"xml\",\"data_base64\":\"\""),
       "member 'codec': expected json or binary"},
      {with(",\"data\":{ \"a\" :1}", ""), "member 'data' is missing"},
      {with("\"genesis\"", "\"genesys\""), "unknown member 'genesys'"},
      {with("\"events\":1", "\"events\":2"), "line 3: event 2 of 2 of an append was expected"},
      {with("\"events\":1", "\"events\":0"),
       "an append has 1 to limits::events_per_append (10000) events, found 0"},
      {with("\"events\":1", "\"events\":10001"), "found 10001"},
      {with("\"events\":1,", ""), "'append' has a member 'events'"},
      {with("\"append\":{", "\"append\":[{"), "',' or ']'"},
      {with("{\"position\"", "[\"position\""), "in [0]: expected ',' or ']', found ':1,"},
      {"[]\n", "expected an object"},
      {"1\n", "expected an object"},
      {"\n", "JSON, byte 0: expected a value, found the end"},
      {"{}\n", "member 'position' is missing"},
      {"{\"append\":{\"events\":1}}\n", "an append with events stands in its first event's line"},
      {"{\"retention\":{\"stream\":\"a\"}}\n", "'retention' has stream, truncate_before"},
      {"{\"retention\":5}\n", "member 'retention': expected an object"},
      {"{\"annals_export_end\":{\"events\":0,\"lines\":0},\"x\":1}\n", "unknown member 'x'"},
      {std::string(header), "a second first line"},
      {std::string(event) + "\xff\n", "line 3: JSON, byte 0: expected a value, found byte 0xff"},
  };
  for (const auto& [line, says] : table) {
    const auto said = refused(std::string(header) + line + end_line(1, 1));
    EXPECT_NE(said.find(says), std::string::npos) << line << "\n" << said << "\n" << says;
    EXPECT_TRUE(said.starts_with("line 2: ") || said.starts_with("line 3: ")) << said;
  }
}

TEST(Export, RefusesWhatIsNoExport) {
  EXPECT_EQ(refused(""), "line 1: the export is empty");
  EXPECT_EQ(refused("{\"annals_export\":1"), "line 1: the export is cut off in its first line");
  EXPECT_NE(refused(std::string(event)).find("line 1: an export begins with"), std::string::npos);
  EXPECT_NE(refused("{\"annals_export\":2,\"store_id\":\"0197c2d0-7b1e-4a2b-8c3d-4e5f60718293\"}\n")
                .find("line 1: an export of version 2; this program knows 1, use a newer one"),
            std::string::npos);
  EXPECT_NE(refused("{\"annals_export\":1}\n").find("'annals_export' and 'store_id'"),
            std::string::npos);
  EXPECT_NE(refused("InvoiceNo,StockCode\n1,2\n").find("line 1: JSON, byte 0"), std::string::npos);
}

TEST(Export, ThatIsCutOffAnywhereIsRefused) {
  std::string two(event);
  two.replace(two.find("\"events\":1"), 10, "\"events\":2");
  std::string second(event);
  const auto append = second.find(",\"append\"");
  second.erase(append, second.find(",\"data\"") - append);
  const auto text = std::string(header) + two + second + std::string(event) + end_line(3, 3);
  ASSERT_EQ(refused(text), "accepted");
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto said = refused(text.substr(0, size));
    EXPECT_TRUE(said.starts_with("line ")) << size << ": " << said;
  }
  EXPECT_EQ(refused(std::string(header) + two),
            "line 3: the export ends in the middle of an append; it was cut off, make it again and "
            "import all of it");
  EXPECT_EQ(refused(text + "\n"), "line 6: something follows the last line");
}

TEST(Export, ThatLacksALineIsRefused) {
  const auto all = std::string(event) +
                   "{\"retention\":{\"stream\":\"a\",\"truncate_before\":1,"
                   "\"tombstone\":false,\"max_age_us\":0,\"max_count\":0}}\n";
  EXPECT_EQ(refused(std::string(header) + all + end_line(1, 2)), "accepted");
  EXPECT_NE(
      refused(std::string(header) + std::string(event) + end_line(1, 2)).find("lines are missing"),
      std::string::npos);
  EXPECT_NE(refused(std::string(header) + all + end_line(2, 2)).find("there are 1 on 2"),
            std::string::npos);
}

TEST(Export, GivesOutWhatStandsBeforeABadLine) {
  json::export_reader reader(
      in_pieces(std::string(header) + std::string(event) + "x\n" + end_line(1, 1), 1'000'000));
  ASSERT_TRUE(reader.begin().has_value());
  EXPECT_EQ(reader.next().value().size(), 1U);
  EXPECT_FALSE(reader.next().has_value());
  EXPECT_FALSE(reader.next().has_value());
}

TEST(Export, OfAnAppendBeyondTheLimitIsRefused) {
  std::size_t left = limits::import_append_bytes + 1;
  std::string start(header);
  json::export_reader reader([&](std::span<char> out) -> result<std::size_t> {
    if (!start.empty()) {
      std::copy(start.begin(), start.end(), out.begin());
      return std::exchange(start, {}).size();
    }
    const auto size = std::min(left, out.size());
    std::fill_n(out.begin(), size, ' ');
    left -= size;
    return size;
  });
  ASSERT_TRUE(reader.begin().has_value());
  const auto refused_line = reader.next();
  ASSERT_FALSE(refused_line.has_value());
  EXPECT_EQ(refused_line.error().code(), errc::limit_exceeded);
  EXPECT_NE(refused_line.error().message().find("limits::import_append_bytes"), std::string::npos);
}

TEST(Base64, IsThatOfTheRfc) {
  for (const auto& [bytes, text] :
       std::vector<std::pair<std::string, std::string>>{{"", ""},
                                                        {"f", "Zg=="},
                                                        {"fo", "Zm8="},
                                                        {"foo", "Zm9v"},
                                                        {"foob", "Zm9vYg=="},
                                                        {"\xff\xfe", "//4="}}) {
    std::string out = "x";
    json::append_base64(out, std::as_bytes(std::span(bytes)));
    EXPECT_EQ(out, "x" + text);
    std::string back = "y";
    EXPECT_TRUE(json::parse_base64(text, back));
    EXPECT_EQ(back, "y" + bytes);
  }
  for (const std::string_view wrong : {"Z", "Zg", "Zg=", "Zg==Zg==", "Zh==", "Zm9=", "Z===", "====",
                                       "Zg= =", "Zm9v\n", "Zm-v", "Zm9vY===", "=m9v"}) {
    std::string out = "kept";
    EXPECT_FALSE(json::parse_base64(wrong, out)) << wrong;
    EXPECT_EQ(out, "kept");
  }
}

RC_GTEST_PROP(Base64, ComesBack, (const std::string& bytes)) {
  std::string text;
  std::string back;
  json::append_base64(text, std::as_bytes(std::span(bytes)));
  RC_ASSERT(json::parse_base64(text, back));
  RC_ASSERT(back == bytes);
}

TEST(EventLines, AreReadWithWhatTheyHave) {
  json::event_lines lines;
  ASSERT_TRUE(lines
                  .read("{\"type\":\"a\",\"data\":{\"x\" :1}}\n\n \r\n"
                        "{\"data_base64\":\"AP8=\",\"type\":\"b\",\"schema\":3,\"tags\":[\"k:v\"],"
                        "\"timestamp\":\"2010-12-01T08:26:00Z\",\"genesis\":true,"
                        "\"event_id\":\"0197c2d0-7b1e-7a2b-8c3d-4e5f60718201\"}")
                  .has_value());
  const std::string_view more[] = {"m:1"};
  const auto events = lines.events(more);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].type, "a");
  EXPECT_EQ(events[0].payload.size(), 8U);
  EXPECT_EQ(events[0].schema, 1);
  EXPECT_TRUE(events[0].event_id.is_nil());
  EXPECT_FALSE(events[0].timestamp.has_value());
  ASSERT_EQ(events[0].tags.size(), 1U);
  EXPECT_EQ(events[1].codec, codec::binary);
  EXPECT_EQ(events[1].payload[1], std::byte{0xff});
  EXPECT_EQ(events[1].schema, 3);
  EXPECT_TRUE(events[1].genesis);
  ASSERT_EQ(events[1].tags.size(), 2U);
  EXPECT_EQ(events[1].tags[1], "m:1");
}

TEST(EventLines, NameTheLineThatIsWrong) {
  const auto problem = [](std::string_view text) {
    json::event_lines lines;
    const auto read = lines.read(text);
    return read ? std::string("accepted") : read.error().message();
  };
  EXPECT_EQ(problem("{\"type\":\"a\"}"), "line 1: member 'data' is missing");
  EXPECT_EQ(problem("\n{\"data\":1}"), "line 2: member 'type' is missing");
  EXPECT_EQ(problem("{\"type\":\"a\",\"data\":1,\"version\":1}"),
            "line 1: member 'version' is for the store to say");
  EXPECT_EQ(problem("{\"type\":\"a\",\"data\":1,\"append\":{}}"),
            "line 1: unknown member 'append'");
  EXPECT_EQ(problem("{\"type\":\"a\",\"data\":1}{}"),
            "line 1: JSON, byte 21: expected nothing after the document, found '{}'");
  std::string many;
  for (std::size_t i = 0; i <= limits::events_per_append; ++i)
    many += "{\"type\":\"a\",\"data\":1}\n";
  EXPECT_NE(problem(many).find("line 10001: more events than limits::events_per_append"),
            std::string::npos);
}

}  // namespace
}  // namespace annals
