#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

using numbers = std::vector<std::uint64_t>;

constexpr std::uint64_t shape = 0x5ca1ab1e;

result<void> save(subject& on, std::uint64_t version_number, const std::string& state,
                  std::uint64_t of_shape = shape) {
  const auto last =
      on.read({.stream = "order-1", .from = {version_number}, .limit = 1}).value().events.at(0);
  return on.store().save_snapshot({.stream = "order-1",
                                   .shape = of_shape,
                                   .version = {version_number},
                                   .last_event = last.metadata().event_id,
                                   .state = std::as_bytes(std::span(state))});
}

std::string text_of(std::span<const std::byte> state) {
  return {reinterpret_cast<const char*>(state.data()), state.size()};
}

std::string loaded_text(subject& on, std::uint64_t of_shape = shape) {
  const auto kept = on.store().load_snapshot("order-1", of_shape).value();
  return kept ? text_of(kept->state) : "none";
}

/// What a read from the newest snapshot showed to `accept`, and delivered after it.
struct replay {
  std::vector<std::string> shown{};
  numbers versions{};
};

replay read_from_snapshot(subject& on, bool accepted, read_request request = {}) {
  replay heard_of;
  std::move_only_function<bool(const snapshot_view&)> accept = [&](const snapshot_view& seen) {
    heard_of.shown.push_back(std::to_string(seen.version.number) + " " + text_of(seen.state));
    EXPECT_EQ(seen.shape, shape);
    EXPECT_TRUE(heard_of.versions.empty()) << "it is shown before any event";
    return accepted;
  };
  request.stream = "order-1";
  request.snapshot = {.shape = shape, .accept = &accept};
  heard_of.versions = on.read(request).value().versions();
  return heard_of;
}

constexpr conformance_case cases[] = {
    {"is_loaded_as_it_was_saved",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(3))));
       const std::string state("\0state\xff", 7);
       ASSERT_TRUE(succeeds(save(on, 2, state)));
       on.now_and_reopened([&] {
         const auto kept = on.store().load_snapshot("order-1", shape).value();
         ASSERT_TRUE(kept.has_value());
         EXPECT_EQ(kept->version, version{2});
         EXPECT_EQ(kept->shape, shape);
         EXPECT_EQ(kept->last_event, on.read_stream("order-1").events.at(1).metadata().event_id);
         EXPECT_EQ(text_of(kept->state), state);
       });
     }},

    {"may_be_empty",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       ASSERT_TRUE(succeeds(save(on, 1, "")));
       on.now_and_reopened([&] { EXPECT_EQ(loaded_text(on), ""); });
     }},

    {"is_none_where_none_was_saved",
     [](subject& on) {
       EXPECT_EQ(loaded_text(on), "none") << "a stream never written";
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       on.now_and_reopened([&] { EXPECT_EQ(loaded_text(on), "none"); });
     }},

    {"of_the_highest_version_counts_and_among_equals_the_last",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(5))));
       ASSERT_TRUE(succeeds(save(on, 4, "four")));
       ASSERT_TRUE(succeeds(save(on, 2, "two")));
       on.now_and_reopened([&] { EXPECT_EQ(loaded_text(on), "four"); });
       ASSERT_TRUE(succeeds(save(on, 4, "four again")));
       on.now_and_reopened([&] { EXPECT_EQ(loaded_text(on), "four again"); });
       ASSERT_TRUE(succeeds(save(on, 5, "five")));
       on.now_and_reopened([&] { EXPECT_EQ(loaded_text(on), "five"); });
     }},

    {"is_kept_by_shape_and_stream",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(2))));
       ASSERT_TRUE(succeeds(on.append("order-2", expect::none(), facts(2))));
       ASSERT_TRUE(succeeds(save(on, 1, "one", 1)));
       ASSERT_TRUE(succeeds(save(on, 2, "zero", 0)));
       on.now_and_reopened([&] {
         EXPECT_EQ(loaded_text(on, 1), "one");
         EXPECT_EQ(loaded_text(on, 0), "zero");
         EXPECT_EQ(loaded_text(on, 2), "none");
         EXPECT_EQ(on.store().load_snapshot("order-2", 1).value(), std::nullopt);
       });
     }},

    {"of_a_version_not_reached_is_refused",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       EXPECT_TRUE(
           fails(on.store().save_snapshot({.stream = "order-1", .shape = shape, .version = {2}}),
                 errc::invalid_argument));
       EXPECT_TRUE(
           fails(on.store().save_snapshot({.stream = "order-9", .shape = shape, .version = {1}}),
                 errc::invalid_argument));
       EXPECT_EQ(loaded_text(on), "none");
     }},

    {"that_names_another_last_event_is_ignored",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(2))));
       ASSERT_TRUE(succeeds(on.store().save_snapshot(
           {.stream = "order-1", .shape = shape, .version = {2}, .last_event = id_of("foreign")})));
       on.now_and_reopened([&] {
         EXPECT_EQ(loaded_text(on), "none");
         const auto all = read_from_snapshot(on, true);
         EXPECT_TRUE(all.shown.empty());
         EXPECT_EQ(all.versions, (numbers{1, 2}));
       });
     }},

    {"begins_a_read_that_delivers_only_the_rest",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(5))));
       ASSERT_TRUE(succeeds(save(on, 2, "two")));
       ASSERT_TRUE(succeeds(save(on, 3, "three")));
       on.now_and_reopened([&] {
         const auto rest = read_from_snapshot(on, true);
         EXPECT_EQ(rest.shown, std::vector<std::string>{"3 three"});
         EXPECT_EQ(rest.versions, (numbers{4, 5}));
       });
       ASSERT_TRUE(succeeds(save(on, 5, "five")));
       on.now_and_reopened([&] { EXPECT_TRUE(read_from_snapshot(on, true).versions.empty()); });
     }},

    {"that_is_not_accepted_is_replayed_over",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(3))));
       ASSERT_TRUE(succeeds(save(on, 2, "stale")));
       on.now_and_reopened([&] {
         const auto all = read_from_snapshot(on, false);
         EXPECT_EQ(all.shown, std::vector<std::string>{"2 stale"});
         EXPECT_EQ(all.versions, (numbers{1, 2, 3}));
       });
     }},

    {"of_another_shape_does_not_begin_a_read",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(3))));
       ASSERT_TRUE(succeeds(save(on, 2, "two", shape + 1)));
       const auto all = read_from_snapshot(on, true);
       EXPECT_TRUE(all.shown.empty());
       EXPECT_EQ(all.versions, (numbers{1, 2, 3}));
     }},

    {"does_not_begin_a_read_that_ends_before_it",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(5))));
       ASSERT_TRUE(succeeds(save(on, 4, "four")));
       const auto before = read_from_snapshot(on, true, {.to = {3}});
       EXPECT_TRUE(before.shown.empty());
       EXPECT_EQ(before.versions, (numbers{1, 2, 3}));
       EXPECT_EQ(read_from_snapshot(on, true, {.to = {4}}).shown,
                 std::vector<std::string>{"4 four"});
     }},

    {"outlives_the_events_that_it_folded",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(5))));
       ASSERT_TRUE(succeeds(save(on, 3, "three")));
       ASSERT_TRUE(succeeds(on.store().retain("order-1", {.truncate_before = version{5}})));
       on.now_and_reopened([&] {
         EXPECT_EQ(loaded_text(on), "three");
         EXPECT_EQ(read_from_snapshot(on, true).versions, (numbers{5}));
       });
     }},

    {"is_no_event",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       const auto before = on.head();
       ASSERT_TRUE(succeeds(save(on, 1, "one")));
       on.now_and_reopened([&] {
         EXPECT_EQ(on.head(), before);
         EXPECT_EQ(on.read_store().events.size(), 1U);
       });
     }},
};

}  // namespace

case_list snapshot_cases() {
  return cases;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
