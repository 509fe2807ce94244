#include <deque>

#include "annals/limits.h"
#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

/// An event as a store elsewhere had it.
struct original {
  std::string stream;
  std::uint64_t version;
  std::uint64_t sequence;
  std::uint64_t recorded;  // clock reading
  std::string payload = "{}";
};

constexpr hlc long_ago{UINT64_C(1'000'000'000'000) << 16U};

imported_event borrowed(const original& one) {
  return {.stream = one.stream,
          .event = {.type = "noted",
                    .payload = std::as_bytes(std::span(one.payload)),
                    .event_id = id_of("event " + std::to_string(one.sequence)),
                    .timestamp = time_point(std::chrono::microseconds(one.sequence))},
          .version = {one.version},
          .position = {.sequence = one.sequence},
          .recorded = long_ago.plus(one.recorded)};
}

result<void> import(subject& on, const std::vector<original>& events,
                    const append_context& context = {}) {
  std::vector<imported_event> all;
  for (const auto& one : events) all.push_back(borrowed(one));
  return on.store().import({.events = all, .context = context});
}

/// Appends to be imported in one call; borrows from itself.
class many {
 public:
  explicit many(std::vector<std::vector<original>> appends) : appends_(std::move(appends)) {}

  std::span<const history_entry> all() {
    for (const auto& append : appends_) {
      auto& events = events_.emplace_back();
      for (const auto& one : append) events.push_back(borrowed(one));
      entries_.emplace_back(import_request{.events = events});
    }
    return entries_;
  }

 private:
  std::vector<std::vector<original>> appends_;
  std::deque<std::vector<imported_event>> events_{};
  std::vector<history_entry> entries_{};
};

std::vector<original> history() {
  return {{"order-1", 1, 1, 5}, {"order-2", 1, 2, 6, "two"}, {"order-1", 2, 3, 100}};
}

struct wrong {
  const char* what;
  std::vector<original> events;
};

/// What does not follow history().
std::vector<wrong> what_does_not_follow() {
  return {
      {"a gap in positions", {{"order-1", 3, 5, 101}}},
      {"a position that is taken", {{"order-1", 3, 3, 101}}},
      {"position 0", {{"order-1", 3, 0, 101}}},
      {"a gap in versions", {{"order-1", 4, 4, 101}}},
      {"a version that is taken", {{"order-1", 2, 4, 101}}},
      {"a new stream that does not begin at 1", {{"order-3", 2, 4, 101}}},
      {"a clock reading that does not grow", {{"order-1", 3, 4, 100}}},
      {"a clock reading that goes back", {{"order-1", 3, 4, 7}}},
      {"a second event that does not follow the first",
       {{"order-1", 3, 4, 101}, {"order-1", 5, 5, 102}}},
      {"a second event with the reading of the first",
       {{"order-1", 3, 4, 101}, {"order-1", 4, 5, 101}}},
  };
}

constexpr conformance_case cases[] = {
    {"keeps_ids_times_readings_versions_and_positions",
     [](subject& on) {
       ASSERT_TRUE(succeeds(import(on, history())));
       on.now_and_reopened([&] {
         const auto all = on.read_store();
         EXPECT_EQ(all.sequences(), (std::vector<std::uint64_t>{1, 2, 3}));
         EXPECT_EQ(all.versions(), (std::vector<std::uint64_t>{1, 1, 2}));
         EXPECT_EQ(all.texts(), (std::vector<std::string>{"{}", "two", "{}"}));
         const auto last = all.events.at(2).metadata();
         EXPECT_EQ(last.event_id, id_of("event 3"));
         EXPECT_EQ(last.timestamp.time_since_epoch().count(), 3);
         EXPECT_EQ(last.recorded, long_ago.plus(100));
         EXPECT_EQ(on.read_stream("order-1").versions(), (std::vector<std::uint64_t>{1, 2}));
       });
     }},

    {"keeps_context_and_command_id",
     [](subject& on) {
       ASSERT_TRUE(succeeds(import(on, history(),
                                   {.command_id = id_of("command"),
                                    .command_digest = id_of("digest"),
                                    .correlation_id = id_of("correlation"),
                                    .tracestate = "vendor=1"})));
       on.now_and_reopened([&] {
         const auto event = on.read_store().events.at(1).metadata();
         EXPECT_EQ(event.command_id, id_of("command"));
         EXPECT_EQ(event.correlation_id, id_of("correlation"));
         EXPECT_EQ(event.tracestate, "vendor=1");
         const auto found = on.store().find_command(id_of("command")).value();
         ASSERT_TRUE(found.has_value());
         EXPECT_EQ(found->digest, id_of("digest"));
         EXPECT_EQ(found->stream, "order-1");
         EXPECT_EQ(found->result.first, (position{.sequence = 1}));
         EXPECT_EQ(found->result.last, (position{.sequence = 3}));
         EXPECT_EQ(found->result.stream_version, version{2});
       });
     }},

    {"of_a_command_id_that_is_known_is_refused",
     [](subject& on) {
       const append_context context{.command_id = id_of("command"),
                                    .command_digest = id_of("digest")};
       ASSERT_TRUE(succeeds(import(on, history(), context)));
       EXPECT_TRUE(fails(import(on, {{"order-1", 3, 4, 101}}, context), errc::command_id_reused));
       EXPECT_EQ(on.read_store().events.size(), 3U);
     }},

    {"goes_on_where_the_one_before_ended",
     [](subject& on) {
       ASSERT_TRUE(succeeds(import(on, history())));
       on.now_and_reopened([] {});
       ASSERT_TRUE(succeeds(import(on, {{"order-1", 3, 4, 101}, {"order-3", 1, 5, 102}})));
       on.now_and_reopened([&] { EXPECT_EQ(on.read_store().events.size(), 5U); });
     }},

    {"of_what_does_not_follow_is_refused_whole",
     [](subject& on) {
       ASSERT_TRUE(succeeds(import(on, history())));
       const auto before = on.head();
       on.now_and_reopened([&] {
         for (const auto& [what, events] : what_does_not_follow()) {
           SCOPED_TRACE(what);
           EXPECT_TRUE(fails(import(on, events), errc::invalid_argument));
           EXPECT_EQ(on.head(), before);
         }
       });
       EXPECT_TRUE(succeeds(import(on, {{"order-1", 3, 4, 101}})));
     }},

    {"of_another_partition_is_refused",
     [](subject& on) {
       const original one{"order-1", 1, 1, 5};
       auto event = borrowed(one);
       event.position.partition = on.info().partitions;
       EXPECT_TRUE(
           fails(on.store().import({.events = std::span(&event, 1)}), errc::invalid_argument));
     }},

    {"of_a_reading_beyond_the_limit_is_refused",
     [](subject& on) {
       const original one{"order-1", 1, 1, 5};
       auto event = borrowed(one);
       event.recorded = {(limits::clock_milliseconds + 1) << 16U};
       EXPECT_TRUE(
           fails(on.store().import({.events = std::span(&event, 1)}), errc::limit_exceeded));
     }},

    {"into_a_stream_with_a_tombstone_is_refused",
     [](subject& on) {
       ASSERT_TRUE(succeeds(import(on, history())));
       ASSERT_TRUE(succeeds(on.store().retain("order-1", {.tombstone = true})));
       EXPECT_TRUE(fails(import(on, {{"order-1", 3, 4, 101}}), errc::stream_gone));
       EXPECT_TRUE(succeeds(import(on, {{"order-2", 2, 4, 101}})));
     }},

    {"is_followed_by_appends_as_any_other",
     [](subject& on) {
       ASSERT_TRUE(succeeds(import(on, history())));
       on.now_and_reopened([] {});
       EXPECT_TRUE(fails(on.append("order-1", expect::none(), facts(1)), errc::version_conflict));
       const auto next = on.append("order-1", expect::at({2}), facts(1));
       ASSERT_TRUE(succeeds(next));
       EXPECT_EQ(next->first, (position{.sequence = 4}));
       EXPECT_EQ(next->stream_version, version{3});
       EXPECT_GT(on.read_stream("order-1").events.at(2).metadata().recorded, long_ago.plus(100));
     }},

    {"makes_appends_be_recorded_later_than_itself",
     [](subject& on) {
       on.world().set_clock(time_point(std::chrono::microseconds(1'000'000)));
       ASSERT_TRUE(succeeds(import(on, history())));
       on.now_and_reopened([] {});
       ASSERT_TRUE(succeeds(on.append("order-1", expect::at({2}), facts(1))));
       EXPECT_EQ(on.read_stream("order-1").events.at(2).metadata().recorded, long_ago.plus(101));
     }},

    {"wakes_those_who_wait_for_more",
     [](subject& on) {
       inbox<checkpoint> notes(on.world());
       const auto handle = on.store().notify_past({}, notes.slot());
       ASSERT_TRUE(succeeds(import(on, history())));
       EXPECT_EQ(notes.wait_for(1).at(0).value(), on.head());
     }},

    {"of_many_is_one_answer_once_all_are_stored",
     [](subject& on) {
       many entries({{{"order-1", 1, 1, 5}, {"order-2", 1, 2, 6}}, {{"order-1", 2, 3, 7}}});
       inbox<void> done(on.world());
       on.store().import(entries.all(), done.slot());
       EXPECT_TRUE(succeeds(done.wait_for(1).at(0)));
       on.now_and_reopened([&] { EXPECT_EQ(on.read_store().events.size(), 3U); });
     }},

    {"of_nothing_succeeds",
     [](subject& on) {
       inbox<void> done(on.world());
       on.store().import({}, done.slot());
       EXPECT_TRUE(succeeds(done.wait_for(1).at(0)));
     }},

    {"of_many_ends_at_the_first_that_does_not_follow_and_keeps_those_before",
     [](subject& on) {
       many entries({{{"order-1", 1, 1, 5}},
                     {{"order-1", 2, 2, 6}, {"order-1", 4, 3, 7}},
                     {{"order-1", 2, 2, 6}}});
       inbox<void> done(on.world());
       on.store().import(entries.all(), done.slot());
       EXPECT_TRUE(fails(done.wait_for(1).at(0), errc::invalid_argument));
       on.now_and_reopened([&] { EXPECT_EQ(on.read_store().events.size(), 1U); });
     }},

    {"of_many_checks_arguments_before_anything_is_stored",
     [](subject& on) {
       many entries({{{"order-1", 1, 1, 5}}, {{"", 1, 2, 6}}});
       inbox<void> done(on.world());
       on.store().import(entries.all(), done.slot());
       EXPECT_TRUE(fails(done.wait_for(1).at(0), errc::invalid_argument));
       EXPECT_TRUE(on.read_store().events.empty());
     }},

    {"of_more_at_once_than_may_be_in_flight_is_refused",
     [](subject& on) {
       const std::vector<history_entry> entries(limits::appends_in_flight + 1);
       inbox<void> done(on.world());
       on.store().import(entries, done.slot());
       EXPECT_TRUE(fails(done.wait_for(1).at(0), errc::limit_exceeded));
       std::vector<std::vector<original>> large;
       for (std::uint64_t i = 1; i <= 5; ++i)
         large.push_back({{"order-1", i, i, i, std::string(limits::payload_bytes - 100, 'x')}});
       many bytes(std::move(large));
       on.store().import(bytes.all(), done.slot());
       EXPECT_TRUE(fails(done.wait_for(2).at(1), errc::limit_exceeded));
       EXPECT_TRUE(on.read_store().events.empty());
     }},

    {"of_retention_sets_it",
     [](subject& on) {
       ASSERT_TRUE(succeeds(import(on, history())));
       const history_entry kept =
           retained_stream{.stream = "order-1", .truncate_before = {2}, .max_count = 5};
       inbox<void> done(on.world());
       on.store().import({&kept, 1}, done.slot());
       ASSERT_TRUE(succeeds(done.wait_for(1).at(0)));
       on.now_and_reopened(
           [&] { EXPECT_EQ(on.read_stream("order-1").end.first_kept, version{2}); });
     }},

    {"of_retention_that_does_not_follow_is_refused",
     [](subject& on) {
       ASSERT_TRUE(succeeds(import(on, history())));
       ASSERT_TRUE(succeeds(on.store().retain("order-1", {.truncate_before = version{3}})));
       inbox<void> done(on.world());
       std::size_t answers = 0;
       const auto refused = [&](const retained_stream& retained, errc code) {
         const history_entry entry = retained;
         on.store().import({&entry, 1}, done.slot());
         EXPECT_TRUE(fails(done.wait_for(++answers).back(), code));
       };
       refused({.stream = "order-1", .truncate_before = {2}}, errc::invalid_argument);
       refused({.stream = "order-1", .truncate_before = {4}}, errc::invalid_argument);
       refused({.stream = "order-2", .truncate_before = {1}, .tombstone = true},
               errc::invalid_argument);
       refused({.stream = "order-9"}, errc::aggregate_not_found);
       refused({.stream = ""}, errc::invalid_argument);
       EXPECT_EQ(on.read_stream("order-1").end.first_kept, version{3});
       EXPECT_FALSE(on.read_stream("order-2").end.gone);
     }},

    {"of_a_whole_store_makes_its_equal",
     [](subject& on) {
       for (int i = 0; i < 20; ++i)
         ASSERT_TRUE(succeeds(on.append("order-" + std::to_string(i % 3), expect::any(),
                                        facts(2, {.payload = std::to_string(i)}))));
       subject copy(on.tested());
       const auto end = on.store().read({}, [&](const event_batch& batch) {
         for (const auto& view : batch.events) {
           const auto header = view.header();
           const imported_event one{.stream = view.stream_name(),
                                    .event = {.type = view.type(),
                                              .schema = view.schema(),
                                              .codec = view.codec(),
                                              .payload = view.payload(),
                                              .event_id = header.event_id,
                                              .timestamp = header.timestamp,
                                              .genesis = header.genesis},
                                    .version = view.version(),
                                    .position = view.position(),
                                    .recorded = header.recorded};
           EXPECT_TRUE(succeeds(copy.store().import({.events = std::span(&one, 1)})));
         }
         return flow::more;
       });
       ASSERT_TRUE(succeeds(end));
       copy.now_and_reopened([&] {
         const auto copied = copy.read_store();
         const auto first = on.read_store();
         EXPECT_EQ(copied.texts(), first.texts());
         EXPECT_EQ(copied.sequences(), first.sequences());
         EXPECT_EQ(copied.versions(), first.versions());
         EXPECT_EQ(copied.events.back().metadata().recorded,
                   first.events.back().metadata().recorded);
       });
     }},
};

}  // namespace

case_list import_cases() {
  return cases;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
