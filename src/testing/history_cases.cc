#include "annals/limits.h"
#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

std::string told(const imported_event& one) {
  std::string text = " [" + one.position.to_string() + ' ' + std::string(one.stream) + '@' +
                     std::to_string(one.version.number) + ' ' + std::string(one.event.type) + '/' +
                     std::to_string(one.event.schema) +
                     (one.event.codec == codec::binary ? " binary " : " json ") +
                     (one.event.genesis ? "genesis " : "") + one.event.event_id.to_string() + ' ' +
                     std::to_string(one.event.timestamp->time_since_epoch().count()) + ' ' +
                     std::to_string(one.recorded.bits) + ' ';
  for (const auto tag : one.event.tags) text += std::string(tag) + ' ';
  for (const auto byte : one.event.payload)
    text += std::to_string(std::to_integer<int>(byte)) + '.';
  return text + ']';
}

std::string told(const import_request& one) {
  const auto& context = one.context;
  std::string text =
      "append " + std::string(one.stream) + ' ' + context.command_id.to_string() + ' ' +
      context.command_digest.to_string() + ' ' + context.correlation_id.to_string() + ' ' +
      context.causation_id.to_string() + ' ' + std::string(context.tracestate) + ' ' +
      std::to_string(context.user_metadata.size()) + ' ' + std::to_string(context.trace.flags);
  for (const auto byte : context.trace.trace_id) text += '.' + std::to_string(byte);
  for (const auto byte : context.trace.span_id) text += '.' + std::to_string(byte);
  for (const auto& event : one.events) text += told(event);
  return text;
}

std::string told(const retained_stream& one) {
  return "retention " + std::string(one.stream) + ' ' + std::to_string(one.truncate_before.number) +
         ' ' + std::to_string(one.tombstone) + ' ' + std::to_string(one.max_age.count()) + ' ' +
         std::to_string(one.max_count);
}

/// The history of a store, a line an entry; a failed read fails the case.
std::vector<std::string> history_of(subject& on) {
  std::vector<std::string> lines;
  EXPECT_TRUE(succeeds(on.store().read_history([&](const history_entry& entry) {
    lines.push_back(std::visit([](const auto& one) { return told(one); }, entry));
    return flow::more;
  })));
  return lines;
}

/// Imports the history of one store into another as it is told, by the blocking form where that
/// can do it, or by the other one throughout.
result<void> copy_history(subject& from, subject& to, bool blocking) {
  result<void> answer;
  const auto read = from.store().read_history([&](const history_entry& entry) {
    const auto* append = std::get_if<import_request>(&entry);
    if (append != nullptr && blocking) {
      answer = to.store().import(*append);
    } else {
      inbox<void> done(to.world());
      to.store().import({&entry, 1}, done.slot());
      answer = done.wait_for(1).at(0);
    }
    return answer ? flow::more : flow::stop;
  });
  return read ? answer : read;
}

constexpr std::chrono::hours century{24 * 36'500};

/// Of everything that a store can hold, some.
void write_much(subject& on) {
  on.world().set_clock(time_point(std::chrono::microseconds(1'000'000'000)));
  ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
  writing several(
      "order-2", expect::none(),
      {{.type = "made", .payload = "", .tags = {"a:1", "b:", "c:\xc3\xa4"}},
       {.payload = std::string("\0\xff", 2), .schema = 7, .codec = codec::binary},
       {.payload = "{ \"odd\" :1 }\n", .timestamp = time_point::min(), .genesis = true}});
  const std::string beside("beside\0this", 11);
  several.context = {.command_id = id_of("several"),
                     .correlation_id = id_of("correlation"),
                     .causation_id = id_of("causation"),
                     .trace = {.trace_id = {1, 2}, .span_id = {3}, .flags = 1},
                     .tracestate = "vendor=1",
                     .user_metadata = std::as_bytes(std::span(beside))};
  ASSERT_TRUE(succeeds(on.append(std::move(several))));
  ASSERT_TRUE(succeeds(on.append(writing("order-1", expect::at({1})).command(id_of("nothing")))));
  ASSERT_TRUE(succeeds(on.append(writing("order-9", expect::any()).command(id_of("never")))));
  ASSERT_TRUE(succeeds(on.store().retain("order-2", {.truncate_before = version{2}})));
  ASSERT_TRUE(succeeds(
      on.store().retain("order-1", {.tombstone = true, .max_age = century, .max_count = 2})));
  ASSERT_TRUE(succeeds(on.store().retain("order-1", {.tombstone = false})));
  ASSERT_TRUE(succeeds(on.append("order-1", expect::at({1}), facts(2))));
}

constexpr conformance_case cases[] = {
    {"of_an_empty_store_is_empty",
     [](subject& on) { on.now_and_reopened([&] { EXPECT_TRUE(history_of(on).empty()); }); }},

    {"tells_appends_and_retention_in_the_order_in_which_they_were_stored",
     [](subject& on) {
       write_much(on);
       on.now_and_reopened([&] {
         const auto lines = history_of(on);
         ASSERT_EQ(lines.size(), 8U);
         EXPECT_TRUE(lines[0].ends_with("123.125.]")) << lines[0];
         EXPECT_TRUE(lines[1].starts_with("append order-2 " + id_of("several").to_string()));
         EXPECT_NE(lines[1].find("[3 order-2@2 noted/7 binary "), std::string::npos) << lines[1];
         EXPECT_NE(lines[1].find("genesis "), std::string::npos);
         EXPECT_NE(lines[1].find(" a:1 b: c:\xc3\xa4 ]"), std::string::npos) << lines[1];
         EXPECT_TRUE(lines[2].starts_with("append order-1 " + id_of("nothing").to_string()));
         EXPECT_TRUE(lines[3].starts_with("append order-9 " + id_of("never").to_string()));
         EXPECT_EQ(lines[4], "retention order-2 2 0 0 0");
         EXPECT_EQ(lines[5], "retention order-1 2 1 3153600000000000 2");
         EXPECT_EQ(lines[6], "retention order-1 2 0 3153600000000000 2");
         EXPECT_NE(lines[7].find("[6 order-1@3 "), std::string::npos) << lines[7];
       });
     }},

    {"tells_what_retention_hides",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(3))));
       ASSERT_TRUE(succeeds(on.store().retain("order-1", {.tombstone = true})));
       on.now_and_reopened([&] {
         EXPECT_TRUE(on.read_store().events.empty());
         const auto lines = history_of(on);
         ASSERT_EQ(lines.size(), 2U);
         EXPECT_NE(lines[0].find("[3 order-1@3 "), std::string::npos);
       });
     }},

    {"tells_which_stream_an_append_listed_first",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       writing both("order-1", expect::at({1}));
       both.to("order-2", expect::none(), facts(1)).command(id_of("both"));
       ASSERT_TRUE(succeeds(on.append(std::move(both))));
       on.now_and_reopened([&] {
         EXPECT_TRUE(history_of(on).at(1).starts_with("append order-1 ")) << history_of(on).at(1);
       });
     },
     need::several_streams},

    {"is_not_told_beyond_where_the_sink_stops",
     [](subject& on) {
       for (int i = 0; i < 3; ++i)
         ASSERT_TRUE(succeeds(on.append("order-1", expect::any(), facts(1))));
       int calls = 0;
       ASSERT_TRUE(succeeds(on.store().read_history(
           [&](const history_entry&) { return ++calls == 2 ? flow::stop : flow::more; })));
       EXPECT_EQ(calls, 2);
     }},

    {"of_a_store_that_is_closed_is_refused",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::any(), facts(1))));
       ASSERT_TRUE(succeeds(on.store().close()));
       EXPECT_TRUE(fails(on.store().read_history([](const history_entry&) { return flow::more; }),
                         errc::shutting_down));
     }},

    {"imported_makes_an_equal_store",
     [](subject& on) {
       write_much(on);
       writing listed("order-3", expect::none(), facts(1));
       ASSERT_TRUE(succeeds(on.append(std::move(listed.command(id_of("listed"))))));
       const auto lines = history_of(on);
       for (const bool blocking : {true, false}) {
         subject copy(on.tested());
         ASSERT_TRUE(succeeds(copy_history(on, copy, blocking)));
         copy.now_and_reopened([&] {
           EXPECT_EQ(history_of(copy), lines);
           EXPECT_EQ(copy.read_stream("order-1").versions(), (std::vector<std::uint64_t>{2, 3}));
           EXPECT_EQ(copy.read_stream("order-2").end.first_kept, version{2});
           for (const auto* word : {"several", "nothing", "never", "listed"}) {
             const auto first = on.store().find_command(id_of(word)).value();
             const auto same = copy.store().find_command(id_of(word)).value();
             ASSERT_TRUE(first && same) << word;
             EXPECT_EQ(same->digest, first->digest) << word;
             EXPECT_EQ(same->stream, first->stream) << word;
             EXPECT_EQ(same->result.first, first->result.first) << word;
             EXPECT_EQ(same->result.last, first->result.last) << word;
             EXPECT_EQ(same->result.stream_version, first->result.stream_version) << word;
           }
           const auto again =
               copy.append(writing("order-3", expect::none(), facts(1)).command(id_of("listed")));
           ASSERT_TRUE(succeeds(again));
           EXPECT_TRUE(again->already_applied);
         });
       }
     }},

    {"imported_keeps_the_result_of_an_append_that_only_checked_its_first_stream",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       ASSERT_TRUE(succeeds(on.store().retain("order-1", {.tombstone = true})));
       const auto twice = [] {
         writing both("order-1", expect::at({1}));
         both.to("order-2", expect::none(), facts(1)).command(id_of("both"));
         return both;
       };
       ASSERT_TRUE(succeeds(on.append(twice())));
       subject copy(on.tested());
       ASSERT_TRUE(succeeds(copy_history(on, copy, true)));
       copy.now_and_reopened([&] {
         const auto again = copy.append(twice());
         ASSERT_TRUE(succeeds(again));
         EXPECT_TRUE(again->already_applied);
         EXPECT_EQ(again->stream_version, version{1});
         EXPECT_EQ(history_of(copy), history_of(on));
       });
     },
     need::several_streams},
};

}  // namespace

case_list history_cases() {
  return cases;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
