#include "annals/limits.h"
#include "annals/stream.h"
#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

std::vector<std::string> good_names() {
  return {"a",
          "-",
          "order-",
          "order 1",
          "order-$1",
          "Order-1",
          "order-1",
          "order-\xc3\xa4",      // ä
          "order-a\xcc\x88",     // a and a combining diaeresis: another name
          "\xe2\x82\xac-1",      // €
          "\xf0\x9f\x9b\x92-1",  // a shopping cart, four bytes
          "order-\xc2\xa0",      // the first character after the C1 controls
          "\xf4\x8f\xbf\xbf",    // U+10FFFF
          "a/b\\c:d*e?f\"g<h>i|j.",
          "..",
          std::string(limits::stream_name_bytes, 'n')};
}

std::vector<std::string> bad_names() {
  return {"$",
          "$order-1",
          std::string("order\0", 6),
          "order-\n",
          "order-\x1f",
          "order-\x7f",
          "order-\xc2\x85",  // C1: next line
          "order-\xff",
          "order-\xc3",              // cut off
          "order-\x80",              // begins in the middle
          "order-\xc0\xaf",          // overlong
          "order-\xe0\x80\xaf",      // overlong
          "order-\xed\xa0\x80",      // a surrogate
          "order-\xf4\x90\x80\x80",  // beyond U+10FFFF
          "order-\xf5\x80\x80\x80"};
}

/// Every call that takes a stream's name.
void check_refused(subject& on, const std::string& name, errc code) {
  EXPECT_TRUE(fails(on.append(name, expect::any(), facts(1)), code));
  EXPECT_TRUE(fails(on.read({.stream = name}), code));
  EXPECT_TRUE(fails(on.store().load_snapshot(name, 0), code));
  EXPECT_TRUE(fails(on.store().save_snapshot({.stream = name, .version = {1}}), code));
  EXPECT_TRUE(fails(on.store().retain(name, {.max_count = 1}), code));
  const imported_event event{
      .stream = name,
      .event = {.type = "noted", .event_id = id_of("imported"), .timestamp = time_point{}},
      .version = {1},
      .position = {.sequence = on.head().in(0).sequence + 1},
      .recorded = {UINT64_C(1) << 62U}};
  EXPECT_TRUE(fails(on.store().import({.events = std::span(&event, 1)}), code));
}

/// A stream that was written, and another name with the same key.
void check_collision(subject& on, const std::string& written, const std::string& same_key) {
  ASSERT_EQ(stream_key_of(written), stream_key_of(same_key));
  ASSERT_TRUE(succeeds(on.append(written, expect::none(), facts(1))));
  const auto before = on.head();
  on.now_and_reopened([&] {
    check_refused(on, same_key, errc::stream_key_collision);
    const auto refused = on.append(same_key, expect::any(), facts(1));
    ASSERT_TRUE(fails(refused, errc::stream_key_collision));
    ASSERT_NE(refused.error().why(), nullptr);
    EXPECT_EQ(refused.error().why()->stream, written);
    EXPECT_EQ(on.head(), before);
    EXPECT_EQ(on.read_stream(written).events.size(), 1U);
  });
  EXPECT_TRUE(succeeds(on.append(written, expect::at({1}), facts(1))));
}

constexpr conformance_case cases[] = {
    {"is_any_utf8_without_control_characters_kept_byte_by_byte",
     [](subject& on) {
       const auto names = good_names();
       for (const auto& name : names)
         ASSERT_TRUE(succeeds(on.append(name, expect::none(), {{.payload = name}}))) << name;
       on.now_and_reopened([&] {
         for (const auto& name : names) {
           SCOPED_TRACE(name);
           const auto stored = on.read_stream(name);
           ASSERT_EQ(stored.events.size(), 1U);
           EXPECT_EQ(stored.events[0].text(), name);
           EXPECT_EQ(stored.events[0].metadata().stream, name);
         }
         EXPECT_EQ(on.store().list_streams({}).value().size(), names.size());
       });
     }},

    {"that_is_malformed_or_reserved_is_refused_by_every_call",
     [](subject& on) {
       for (const auto& name : bad_names()) {
         SCOPED_TRACE(name);
         check_refused(on, name, errc::invalid_argument);
       }
       EXPECT_TRUE(on.head().is_start());
     }},

    {"that_is_empty_is_refused_by_every_call_but_read",
     [](subject& on) {
       EXPECT_TRUE(fails(on.append("", expect::any(), facts(1)), errc::invalid_argument));
       EXPECT_TRUE(fails(on.store().load_snapshot("", 0), errc::invalid_argument));
       EXPECT_TRUE(
           fails(on.store().save_snapshot({.stream = "", .version = {1}}), errc::invalid_argument));
       EXPECT_TRUE(fails(on.store().retain("", {.max_count = 1}), errc::invalid_argument));
       EXPECT_TRUE(succeeds(on.read({.stream = ""}))) << "the whole store";
     }},

    {"over_the_limit_is_refused_by_every_call",
     [](subject& on) {
       check_refused(on, std::string(limits::stream_name_bytes + 1, 'n'), errc::limit_exceeded);
     }},

    {"with_the_key_of_a_written_uuid_is_never_merged_with_it",
     [](subject& on) {
       const std::string name = "order-1";
       check_collision(on, stream_key_of(name).to_string(), name);
     }},

    {"that_is_a_uuid_with_the_key_of_a_written_name_is_never_merged_with_it",
     [](subject& on) {
       const std::string name = "order-1";
       check_collision(on, name, stream_key_of(name).to_string());
     }},
};

}  // namespace

case_list name_cases() {
  return cases;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
