#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

void check_event_refused(subject& on, const fact& one) {
  EXPECT_TRUE(fails(on.append("order-1", expect::any(), {one}), errc::invalid_argument));
}

result<void> import_one(subject& on, const new_event& event, const uuid& command = {}) {
  const imported_event one{.stream = "order-1",
                           .event = event,
                           .version = {1},
                           .position = {.sequence = 1},
                           .recorded = {1}};
  return on.store().import({.events = std::span(&one, 1), .context = {.command_id = command}});
}

constexpr conformance_case cases[] = {
    {"of_an_append_names_at_least_one_stream",
     [](subject& on) {
       EXPECT_TRUE(fails(on.append(writing()), errc::invalid_argument));
       EXPECT_TRUE(fails(on.append(writing().command(id_of("nothing"))), errc::invalid_argument));
     }},

    {"of_an_append_without_events_has_a_command_id",
     [](subject& on) {
       EXPECT_TRUE(fails(on.append("order-1", expect::any(), {}), errc::invalid_argument));
       EXPECT_TRUE(
           fails(on.append(writing("order-1", expect::none()).to("order-2", expect::none())),
                 on.info().multi_stream_appends ? errc::invalid_argument : errc::unsupported));
     }},

    {"of_an_event_has_a_type_of_utf8",
     [](subject& on) {
       check_event_refused(on, {.type = ""});
       check_event_refused(on, {.type = "paid\xff"});
     }},

    {"of_an_event_has_a_schema_from_1",
     [](subject& on) { check_event_refused(on, {.schema = 0}); }},

    {"of_an_event_has_a_known_codec",
     [](subject& on) { check_event_refused(on, {.codec = static_cast<codec>(2)}); }},

    {"of_an_event_has_tags_of_key_and_value",
     [](subject& on) {
       for (const auto* tag : {"", "customer", ":7", "customer:\xff"})
         check_event_refused(on, {.tags = {"country:de", tag}});
       EXPECT_TRUE(succeeds(on.append("order-1", expect::any(), {{.tags = {"a:b:c", "empty:"}}})));
     }},

    {"of_a_query_is_what_an_event_could_have",
     [](subject& on) {
       for (const auto& bad :
            {terms{.types = {""}}, terms{.types = {"\xff"}}, terms{.tags = {"customer"}}}) {
         selecting by(std::vector<terms>{bad});
         EXPECT_TRUE(
             fails(on.read({.filter = {.matching = by.matching()}}), errc::invalid_argument));
         if (on.info().append_conditions) {
           EXPECT_TRUE(fails(on.append(writing("order-1", expect::any(), facts(1)).unless(by)),
                             errc::invalid_argument));
         }
       }
     }},

    {"of_a_refused_append_leaves_nothing_of_its_good_events",
     [](subject& on) {
       EXPECT_TRUE(
           fails(on.append("order-1", expect::any(), {{}, {.type = ""}}), errc::invalid_argument));
       EXPECT_TRUE(on.head().is_start());
     }},

    {"of_a_stream_read_is_a_version_and_no_checkpoint",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       EXPECT_TRUE(
           fails(on.read({.stream = "order-1", .after = on.head()}), errc::invalid_argument));
     }},

    {"of_a_read_from_a_snapshot_is_one_stream_forwards",
     [](subject& on) {
       std::move_only_function<bool(const snapshot_view&)> accept = [](const snapshot_view&) {
         return true;
       };
       EXPECT_TRUE(fails(on.read({.snapshot = {.accept = &accept}}), errc::invalid_argument));
       EXPECT_TRUE(fails(on.read({.stream = "order-1",
                                  .snapshot = {.accept = &accept},
                                  .direction = direction::backwards}),
                         errc::invalid_argument));
     }},

    {"of_a_search_for_a_command_is_not_nil",
     [](subject& on) { EXPECT_TRUE(fails(on.store().find_command({}), errc::invalid_argument)); }},

    {"of_a_snapshot_has_a_version_from_1",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       EXPECT_TRUE(fails(on.store().save_snapshot({.stream = "order-1"}), errc::invalid_argument));
     }},

    {"of_a_list_asks_for_at_least_one_name",
     [](subject& on) {
       EXPECT_TRUE(fails(on.store().list_streams({.limit = 0}), errc::invalid_argument));
     }},

    {"of_an_import_has_ids_and_times",
     [](subject& on) {
       const uuid id = id_of("imported");
       EXPECT_TRUE(fails(import_one(on, {.type = "noted", .timestamp = time_point{}}),
                         errc::invalid_argument));
       EXPECT_TRUE(
           fails(import_one(on, {.type = "noted", .event_id = id}), errc::invalid_argument));
       EXPECT_TRUE(fails(import_one(on, {.type = "", .event_id = id, .timestamp = time_point{}}),
                         errc::invalid_argument));
       EXPECT_TRUE(on.head().is_start());
     }},

    {"of_an_import_with_a_command_id_has_its_digest",
     [](subject& on) {
       EXPECT_TRUE(fails(
           import_one(on,
                      {.type = "noted", .event_id = id_of("imported"), .timestamp = time_point{}},
                      id_of("command")),
           errc::invalid_argument));
       EXPECT_TRUE(on.head().is_start());
     }},

    {"of_an_import_without_events_is_refused",
     [](subject& on) { EXPECT_TRUE(fails(on.store().import({}), errc::invalid_argument)); }},
};

}  // namespace

case_list argument_cases() {
  return cases;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
