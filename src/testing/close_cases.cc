#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

flow go_on(const event_batch&) {
  return flow::more;
}

constexpr std::string_view state = "state";

imported_event next_event(const std::string_view stream) {
  return {.stream = stream,
          .event = {.type = "noted", .event_id = id_of("imported"), .timestamp = time_point{}},
          .version = {2},
          .position = {.sequence = 2},
          .recorded = {UINT64_C(1) << 62U}};
}

constexpr conformance_case cases[] = {
    {"refuses_every_new_call",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       const auto event = on.read_stream("order-1").events.at(0).metadata();
       ASSERT_TRUE(succeeds(on.store().close()));

       auto& closed = on.store();
       EXPECT_TRUE(fails(on.append("order-1", expect::any(), facts(1)), errc::shutting_down));
       EXPECT_TRUE(fails(on.read({}), errc::shutting_down));
       EXPECT_TRUE(fails(on.read({.stream = "order-1"}), errc::shutting_down));
       EXPECT_TRUE(fails(closed.find_command(id_of("any")), errc::shutting_down));
       EXPECT_TRUE(fails(closed.load_snapshot("order-1", 0), errc::shutting_down));
       EXPECT_TRUE(fails(closed.save_snapshot({.stream = "order-1",
                                               .version = event.version,
                                               .last_event = event.event_id,
                                               .state = std::as_bytes(std::span(state))}),
                         errc::shutting_down));
       EXPECT_TRUE(fails(closed.retain("order-1", {.max_count = 1}), errc::shutting_down));
       EXPECT_TRUE(fails(closed.list_streams({}), errc::shutting_down));
       EXPECT_TRUE(fails(closed.head(), errc::shutting_down));
       const auto event_to_import = next_event("order-1");
       EXPECT_TRUE(
           fails(closed.import({.events = std::span(&event_to_import, 1)}), errc::shutting_down));
     }},

    {"refuses_the_completion_forms_too",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.store().close()));
       inbox<appended> appends(on.world());
       inbox<read_end> reads(on.world());
       inbox<checkpoint> notes(on.world());
       on.store().append(writing("order-1", expect::any(), facts(1)).request(), appends.slot());
       on.store().read({}, go_on, reads.slot());
       const auto handle = on.store().notify_past({}, notes.slot());
       EXPECT_TRUE(fails(appends.wait_for(1).at(0), errc::shutting_down));
       EXPECT_TRUE(fails(reads.wait_for(1).at(0), errc::shutting_down));
       EXPECT_TRUE(fails(notes.wait_for(1).at(0), errc::shutting_down));
     }},

    {"completes_what_was_accepted_before_it_returns",
     [](subject& on) {
       inbox<appended> answers(on.world());
       for (std::uint64_t i = 0; i < 200; ++i)
         on.store().append(writing("order-1", expect::at({i}), facts(1)).request(), answers.slot());
       ASSERT_TRUE(succeeds(on.store().close()));
       ASSERT_EQ(answers.count(), 200U);
       for (const auto& one : answers.wait_for(200)) EXPECT_TRUE(succeeds(one));
       if (!on.tested().persists) return;
       on.shut();
       EXPECT_EQ(on.read_stream("order-1").end.stream_version, version{200});
     }},

    {"answers_those_who_wait_for_more",
     [](subject& on) {
       inbox<checkpoint> notes(on.world());
       const auto handle = on.store().notify_past({}, notes.slot());
       ASSERT_TRUE(succeeds(on.store().close()));
       ASSERT_EQ(notes.count(), 1U);
       EXPECT_TRUE(fails(notes.wait_for(1).at(0), errc::shutting_down));
     }},

    {"may_be_called_again",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       EXPECT_TRUE(succeeds(on.store().close()));
       EXPECT_TRUE(succeeds(on.store().close()));
     }},

    {"is_called_by_the_destructor",
     [](subject& on) {
       inbox<appended> answers(on.world());
       inbox<checkpoint> notes(on.world());
       auto handle = on.store().notify_past(on.head(), notes.slot());
       for (std::uint64_t i = 0; i < 200; ++i)
         on.store().append(writing("order-1", expect::at({i}), facts(1)).request(), answers.slot());
       handle.reset();
       on.destroy_store();
       ASSERT_EQ(answers.count(), 200U);
       for (const auto& one : answers.wait_for(200)) EXPECT_TRUE(succeeds(one));
       if (!on.tested().persists) return;
       EXPECT_EQ(on.read_stream("order-1").end.stream_version, version{200});
     }},
};

}  // namespace

case_list close_cases() {
  return cases;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
