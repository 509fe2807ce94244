#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

const fact& paid() {
  static const fact one{.type = "paid", .payload = R"({"amount":1})", .tags = {"customer:7"}};
  return one;
}

writing pay(expect expected = expect::none()) {
  return writing("order-1", expected, {paid()}).command(id_of("pay"));
}

void check_same_result(const appended& again, const appended& first) {
  EXPECT_TRUE(again.already_applied);
  EXPECT_EQ(again.first, first.first);
  EXPECT_EQ(again.last, first.last);
  EXPECT_EQ(again.stream_version, first.stream_version);
}

/// Every way in which an append can have other content than pay().
std::vector<std::pair<std::string, writing>> other_contents() {
  const auto with = [](const auto& change) {
    auto changed = paid();
    change(changed);
    return writing("order-1", expect::none(), {changed}).command(id_of("pay"));
  };
  auto metadata = pay();
  static const std::string note = "note";
  metadata.context.user_metadata = std::as_bytes(std::span(note));
  return {
      {"stream", writing("order-2", expect::none(), {paid()}).command(id_of("pay"))},
      {"expectation", pay(expect::any())},
      {"number of events",
       writing("order-1", expect::none(), facts(2, paid())).command(id_of("pay"))},
      {"no events", writing("order-1", expect::none()).command(id_of("pay"))},
      {"type", with([](fact& f) { f.type = "shipped"; })},
      {"payload", with([](fact& f) { f.payload = R"({"amount":2})"; })},
      {"schema", with([](fact& f) { f.schema = 2; })},
      {"codec", with([](fact& f) { f.codec = codec::binary; })},
      {"genesis", with([](fact& f) { f.genesis = true; })},
      {"tags", with([](fact& f) { f.tags = {"customer:8"}; })},
      {"event id", with([](fact& f) { f.event_id = id_of("event"); })},
      {"timestamp", with([](fact& f) { f.timestamp = time_point{}; })},
      {"user metadata", metadata},
  };
}

constexpr conformance_case cases[] = {
    {"that_is_known_answers_the_first_result_and_stores_nothing",
     [](subject& on) {
       const auto first = on.append(pay());
       ASSERT_TRUE(succeeds(first));
       ASSERT_TRUE(succeeds(on.append("order-1", expect::at({1}), facts(2))));
       const auto before = on.head();
       on.now_and_reopened([&] {
         const auto again = on.append(pay());
         ASSERT_TRUE(succeeds(again));
         check_same_result(*again, *first);
         EXPECT_EQ(on.head(), before);
       });
     }},

    {"is_found_with_its_result_digest_and_stream",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("cart-1", expect::none(), facts(3))));
       auto what = pay();
       const auto digest = digest_of(what.request());
       const auto stored = on.append(what);
       ASSERT_TRUE(succeeds(stored));
       on.now_and_reopened([&] {
         const auto found = on.store().find_command(id_of("pay")).value();
         ASSERT_TRUE(found.has_value());
         EXPECT_EQ(found->result.first, stored->first);
         EXPECT_EQ(found->result.last, stored->last);
         EXPECT_EQ(found->result.stream_version, stored->stream_version);
         EXPECT_EQ(found->digest, digest);
         EXPECT_EQ(found->stream, "order-1");
         EXPECT_EQ(on.store().find_command(id_of("unknown")).value(), std::nullopt);
       });
     }},

    {"with_other_content_is_refused_naming_what_holds_the_first",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append(pay())));
       ASSERT_TRUE(succeeds(on.append("order-1", expect::at({1}), facts(1))));
       on.now_and_reopened([&] {
         for (auto& [what, other] : other_contents()) {
           SCOPED_TRACE(what);
           const auto refused = on.append(other);
           ASSERT_TRUE(fails(refused, errc::command_id_reused));
           const auto* why = refused.error().why();
           ASSERT_NE(why, nullptr);
           EXPECT_EQ(why->clause, "command_id");
           EXPECT_EQ(why->stream, "order-1");
           EXPECT_EQ(why->actual, version{1});
         }
         EXPECT_EQ(on.read_store().events.size(), 2U);
       });
     }},

    {"with_other_conditions_is_refused",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append(pay())));
       EXPECT_TRUE(
           fails(on.append(pay().unless({{.types = {"shipped"}}})), errc::command_id_reused));
     },
     need::conditions},

    {"does_not_depend_on_trace_context_or_on_what_the_writer_received",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append(pay())));
       auto again = pay();
       again.context.trace.trace_id[0] = 1;
       again.context.trace.span_id[0] = 1;
       again.context.tracestate = "vendor=1";
       again.context.received = hlc::at(on.world().now());
       again.context.correlation_id = id_of("correlation");
       again.context.causation_id = id_of("causation");
       const auto answer = on.append(again);
       ASSERT_TRUE(succeeds(answer));
       EXPECT_TRUE(answer->already_applied);
     }},

    {"does_not_depend_on_ids_and_times_that_the_store_makes",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append(pay())));
       on.world().advance_clock(std::chrono::hours(1));
       const auto answer = on.append(pay());
       ASSERT_TRUE(succeeds(answer));
       EXPECT_TRUE(answer->already_applied);
     }},

    {"goes_by_the_digest_that_came_with_it",
     [](subject& on) {
       auto first = pay();
       first.context.command_digest = id_of("digest");
       ASSERT_TRUE(succeeds(on.append(first)));
       on.now_and_reopened([&] {
         auto same = writing("order-9", expect::at({5}), facts(3)).command(id_of("pay"));
         same.context.command_digest = id_of("digest");
         const auto again = on.append(same);
         ASSERT_TRUE(succeeds(again));
         EXPECT_TRUE(again->already_applied);
         auto other = pay();
         other.context.command_digest = id_of("another digest");
         EXPECT_TRUE(fails(on.append(other), errc::command_id_reused));
         EXPECT_TRUE(fails(on.append(pay()), errc::command_id_reused));
         EXPECT_EQ(on.store().find_command(id_of("pay")).value()->digest, id_of("digest"));
       });
     }},

    {"is_looked_up_before_expectations",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append(pay(expect::none()))));
       const auto again = on.append(pay(expect::none()));
       ASSERT_TRUE(succeeds(again)) << "the stream is at 1 by now, but the command is known";
       EXPECT_TRUE(again->already_applied);
       EXPECT_TRUE(fails(on.append(pay(expect::at({9}))), errc::command_id_reused));
     }},

    {"is_looked_up_before_conditions",
     [](subject& on) {
       auto once = pay().unless({{.types = {"paid"}}});
       ASSERT_TRUE(succeeds(on.append(once)));
       const auto again = on.append(once);
       ASSERT_TRUE(succeeds(again)) << "its own event matches by now, but the command is known";
       EXPECT_TRUE(again->already_applied);
     },
     need::conditions},

    {"is_looked_up_before_tombstones",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append(pay())));
       ASSERT_TRUE(succeeds(on.store().retain("order-1", {.tombstone = true})));
       on.now_and_reopened([&] {
         const auto again = on.append(pay());
         ASSERT_TRUE(succeeds(again));
         EXPECT_TRUE(again->already_applied);
       });
     }},

    {"without_events_is_remembered",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(2))));
       const auto before = on.head();
       const auto nothing = writing("order-1", expect::at({2})).command(id_of("nothing"));
       const auto first = on.append(nothing);
       ASSERT_TRUE(succeeds(first));
       EXPECT_EQ(first->first.sequence, 0U);
       EXPECT_EQ(first->last.sequence, 0U);
       EXPECT_EQ(first->stream_version, version{2});
       EXPECT_FALSE(first->already_applied);
       EXPECT_EQ(on.head(), before);
       ASSERT_TRUE(succeeds(on.append("order-1", expect::at({2}), facts(1))));
       on.now_and_reopened([&] {
         const auto again = on.append(nothing);
         ASSERT_TRUE(succeeds(again));
         check_same_result(*again, *first);
         EXPECT_EQ(on.store().find_command(id_of("nothing")).value()->stream, "order-1");
       });
     }},

    {"without_events_is_remembered_for_a_stream_never_written",
     [](subject& on) {
       const auto nothing = writing("order-1", expect::none()).command(id_of("nothing"));
       ASSERT_TRUE(succeeds(on.append(nothing)));
       on.now_and_reopened([&] {
         const auto found = on.store().find_command(id_of("nothing")).value();
         ASSERT_TRUE(found.has_value());
         EXPECT_EQ(found->stream, "order-1");
         EXPECT_EQ(found->result.stream_version, version{0});
         EXPECT_TRUE(on.store().list_streams({}).value().empty());
         EXPECT_TRUE(on.append(nothing).value().already_applied);
       });
     }},

    {"of_a_refused_append_is_not_remembered",
     [](subject& on) {
       EXPECT_TRUE(fails(on.append(pay(expect::exists())), errc::version_conflict));
       on.now_and_reopened(
           [&] { EXPECT_EQ(on.store().find_command(id_of("pay")).value(), std::nullopt); });
       const auto now = on.append(pay());
       ASSERT_TRUE(succeeds(now));
       EXPECT_FALSE(now->already_applied);
     }},

    {"outlives_the_events_that_it_stored",
     [](subject& on) {
       const auto first = on.append(pay());
       ASSERT_TRUE(succeeds(first));
       ASSERT_TRUE(succeeds(on.append("order-1", expect::at({1}), facts(1))));
       ASSERT_TRUE(succeeds(on.store().retain("order-1", {.truncate_before = version{2}})));
       on.now_and_reopened([&] {
         const auto again = on.append(pay());
         ASSERT_TRUE(succeeds(again));
         check_same_result(*again, *first);
       });
     }},

    {"is_one_for_all_streams",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append(writing("order-1", expect::none(), facts(2))
                                          .to("order-2", expect::none(), facts(1))
                                          .command(id_of("both")))));
       on.now_and_reopened([&] {
         const auto found = on.store().find_command(id_of("both")).value();
         ASSERT_TRUE(found.has_value());
         EXPECT_EQ(found->stream, "order-1");
         EXPECT_EQ(found->result.stream_version, version{2});
         EXPECT_EQ(found->result.last, (position{.sequence = 3}));
       });
     },
     need::several_streams},
};

}  // namespace

case_list command_cases() {
  return cases;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
