#include <stdexcept>

#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

using numbers = std::vector<std::uint64_t>;

/// Ten events: order-1 at positions 1, 3, 5, 7, 9 and order-2 at 2, 4, 6, 8, 10.
void write_ten(subject& on) {
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(succeeds(on.append(i % 2 == 0 ? "order-1" : "order-2", expect::any(),
                                   {{.payload = std::to_string(i + 1)}})));
}

struct stream_range {
  std::uint64_t from;
  std::uint64_t to;
  numbers versions;
};

struct store_range {
  std::uint64_t first;
  std::uint64_t last;
  numbers sequences;
};

constexpr conformance_case cases[] = {
    {"of_a_stream_delivers_its_versions_in_order",
     [](subject& on) {
       write_ten(on);
       on.now_and_reopened([&] {
         const auto all = on.read_stream("order-2");
         EXPECT_EQ(all.versions(), (numbers{1, 2, 3, 4, 5}));
         EXPECT_EQ(all.texts(), (std::vector<std::string>{"2", "4", "6", "8", "10"}));
         EXPECT_EQ(all.end.delivered, 5U);
         EXPECT_EQ(all.end.removed, 0U);
         EXPECT_EQ(all.end.stream_version, version{5});
         EXPECT_EQ(all.end.first_kept, version{1});
         EXPECT_FALSE(all.end.gone);
         EXPECT_TRUE(all.end.complete);
       });
     }},

    {"of_the_store_delivers_its_positions_in_order",
     [](subject& on) {
       write_ten(on);
       on.now_and_reopened([&] {
         const auto all = on.read_store();
         EXPECT_EQ(all.sequences(), (numbers{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
         EXPECT_EQ(all.versions(), (numbers{1, 1, 2, 2, 3, 3, 4, 4, 5, 5}));
         EXPECT_EQ(all.end.delivered, 10U);
         EXPECT_TRUE(all.end.complete);
       });
     }},

    {"backwards_delivers_the_same_in_reverse",
     [](subject& on) {
       write_ten(on);
       on.now_and_reopened([&] {
         const auto stream =
             on.read({.stream = "order-1", .direction = direction::backwards}).value();
         EXPECT_EQ(stream.versions(), (numbers{5, 4, 3, 2, 1}));
         const auto all = on.read({.direction = direction::backwards}).value();
         EXPECT_EQ(all.sequences(), (numbers{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}));
         EXPECT_TRUE(all.end.complete);
       });
     }},

    {"of_a_stream_includes_both_ends_of_its_range",
     [](subject& on) {
       write_ten(on);
       const stream_range ranges[] = {
           {1, 5, {1, 2, 3, 4, 5}}, {2, 4, {2, 3, 4}}, {3, 3, {3}},
           {4, 100, {4, 5}},        {6, 9, {}},        {4, 2, {}},
           {0, 2, {1, 2}},          {1, 0, {}},        {5, version::max().number, {5}},
       };
       for (auto& [from, to, versions] : ranges) {
         SCOPED_TRACE(std::to_string(from) + " to " + std::to_string(to));
         read_request request{.stream = "order-1", .from = {from}, .to = {to}};
         EXPECT_EQ(on.read(request).value().versions(), versions);
         request.direction = direction::backwards;
         EXPECT_EQ(on.read(request).value().versions(),
                   numbers(versions.rbegin(), versions.rend()));
       }
     }},

    {"of_the_store_includes_both_ends_of_its_range",
     [](subject& on) {
       write_ten(on);
       const store_range ranges[] = {
           {1, 3, {1, 2, 3}}, {9, 100, {9, 10}}, {4, 4, {4}}, {11, 20, {}},
           {5, 4, {}},        {0, 1, {1}},       {1, 0, {}},
       };
       for (auto& [first, last, sequences] : ranges) {
         SCOPED_TRACE(std::to_string(first) + " to " + std::to_string(last));
         read_request request{.first = first, .last = last};
         EXPECT_EQ(on.read(request).value().sequences(), sequences);
         request.direction = direction::backwards;
         EXPECT_EQ(on.read(request).value().sequences(),
                   numbers(sequences.rbegin(), sequences.rend()));
       }
     }},

    {"of_the_store_begins_after_its_checkpoint",
     [](subject& on) {
       write_ten(on);
       const auto seen = on.read({.limit = 7}).value().end.scanned_to;
       on.now_and_reopened([&] {
         EXPECT_EQ(on.read({.after = seen}).value().sequences(), (numbers{8, 9, 10}));
         EXPECT_EQ(on.read({.after = seen, .direction = direction::backwards}).value().sequences(),
                   (numbers{10, 9, 8}));
         EXPECT_EQ(on.read({.after = seen, .last = 8}).value().sequences(), (numbers{8}));
         EXPECT_TRUE(on.read({.after = on.head()}).value().events.empty());
       });
     }},

    {"delivers_no_more_than_its_limit",
     [](subject& on) {
       write_ten(on);
       const auto first = on.read({.stream = "order-1", .limit = 2}).value();
       EXPECT_EQ(first.versions(), (numbers{1, 2}));
       EXPECT_EQ(first.end.delivered, 2U);
       EXPECT_FALSE(first.end.complete);
       const auto newest =
           on.read({.stream = "order-1", .direction = direction::backwards, .limit = 1}).value();
       EXPECT_EQ(newest.versions(), (numbers{5}));
       EXPECT_EQ(on.read({.limit = 3}).value().sequences(), (numbers{1, 2, 3}));
     }},

    {"is_complete_when_nothing_was_left_for_a_greater_limit",
     [](subject& on) {
       write_ten(on);
       EXPECT_TRUE(on.read({.stream = "order-1", .limit = 5}).value().end.complete);
       EXPECT_TRUE(on.read({.limit = 10}).value().end.complete);
       EXPECT_FALSE(on.read({.limit = 9}).value().end.complete);
     }},

    {"with_limit_0_delivers_nothing_and_has_seen_nothing",
     [](subject& on) {
       write_ten(on);
       const auto nothing = on.read({.limit = 0}).value();
       EXPECT_EQ(nothing.end.delivered, 0U);
       EXPECT_FALSE(nothing.end.complete);
       EXPECT_TRUE(nothing.end.scanned_to.is_start());
       const auto seen = on.read({.limit = 4}).value().end.scanned_to;
       EXPECT_EQ(on.read({.after = seen, .limit = 0}).value().end.scanned_to, seen);
     }},

    {"ends_when_the_sink_says_stop",
     [](subject& on) {
       write_ten(on);
       std::uint64_t delivered = 0;
       const auto end = on.store().read({.stream = "order-1"}, [&](const event_batch& batch) {
         delivered += batch.events.size();
         return flow::stop;
       });
       ASSERT_TRUE(succeeds(end));
       EXPECT_FALSE(end->complete);
       EXPECT_EQ(end->delivered, delivered);
       EXPECT_GE(delivered, 1U);
     }},

    {"of_a_stream_never_written_is_empty",
     [](subject& on) {
       const auto check = [&] {
         const auto nothing = on.read_stream("order-1");
         EXPECT_TRUE(nothing.events.empty());
         EXPECT_EQ(nothing.end.stream_version, version{0});
         EXPECT_EQ(nothing.end.first_kept, version{1});
         EXPECT_FALSE(nothing.end.gone);
         EXPECT_TRUE(nothing.end.complete);
         EXPECT_TRUE(on.store().list_streams({}).value().empty()) << "reading creates nothing";
       };
       on.now_and_reopened(check);
     }},

    {"of_an_empty_store_is_empty",
     [](subject& on) {
       on.now_and_reopened([&] {
         for (const auto way : {direction::forwards, direction::backwards}) {
           const auto nothing = on.read({.direction = way}).value();
           EXPECT_TRUE(nothing.events.empty());
           EXPECT_TRUE(nothing.end.complete);
           EXPECT_TRUE(nothing.end.scanned_to.is_start());
         }
       });
     }},

    {"ends_at_what_the_store_held_when_it_began",
     [](subject& on) {
       write_ten(on);
       std::uint64_t seen = 0;
       const auto end = on.store().read({}, [&](const event_batch& batch) {
         seen += batch.events.size();
         EXPECT_TRUE(succeeds(on.append("order-1", expect::any(), facts(1))));
         return flow::more;
       });
       ASSERT_TRUE(succeeds(end));
       EXPECT_EQ(seen, 10U);
       EXPECT_EQ(end->scanned_to.in(0).sequence, 10U);
     }},

    {"may_call_the_store_from_its_sink",
     [](subject& on) {
       write_ten(on);
       std::size_t inner = 0;
       const auto end = on.store().read({.stream = "order-1"}, [&](const event_batch&) {
         inner = on.read_stream("order-2").events.size();
         EXPECT_EQ(on.head().in(0).sequence, 10U);
         return flow::more;
       });
       ASSERT_TRUE(succeeds(end));
       EXPECT_EQ(inner, 5U);
     }},

    {"has_the_same_answers_in_its_completion_form",
     [](subject& on) {
       write_ten(on);
       inbox<read_end> ends(on.world());
       std::vector<std::uint64_t> versions;
       on.store().read(
           {.stream = "order-1", .from = {2}},
           [&](const event_batch& batch) {
             for (const auto& view : batch.events) versions.push_back(view.version().number);
             return flow::more;
           },
           ends.slot());
       const auto end = ends.wait_for(1).at(0);
       ASSERT_TRUE(succeeds(end));
       EXPECT_EQ(versions, (numbers{2, 3, 4, 5}));
       EXPECT_EQ(end->delivered, 4U);
       EXPECT_EQ(end->stream_version, version{5});
     }},

    {"passes_on_what_its_sink_throws",
     [](subject& on) {
       write_ten(on);
       EXPECT_THROW((void)on.store().read({},
                                          [](const event_batch&) -> flow {
                                            throw std::runtime_error("thrown by the sink");
                                          }),
                    std::runtime_error);
       EXPECT_EQ(on.read_store().events.size(), 10U) << "the store goes on";
       EXPECT_TRUE(succeeds(on.append("order-1", expect::any(), facts(1))));
     }},

    {"answers_handler_failed_when_its_sink_throws_in_the_completion_form",
     [](subject& on) {
       write_ten(on);
       inbox<read_end> ends(on.world());
       on.store().read(
           {}, [](const event_batch&) -> flow { throw std::runtime_error("thrown by the sink"); },
           ends.slot());
       const auto end = ends.wait_for(1).at(0);
       ASSERT_TRUE(fails(end, errc::handler_failed));
       EXPECT_NE(end.error().message().find("thrown by the sink"), std::string::npos);
       EXPECT_EQ(on.read_store().events.size(), 10U) << "the store goes on";
     }},

    {"delivers_streams_of_many_events_whole",
     [](subject& on) {
       for (int i = 0; i < 3; ++i)
         ASSERT_TRUE(succeeds(on.append("order-1", expect::any(), facts(5000))));
       on.now_and_reopened([&] {
         const auto all = on.read_stream("order-1").versions();
         ASSERT_EQ(all.size(), 15'000U);
         for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], i + 1);
       });
     }},
};

}  // namespace

case_list read_cases() {
  return cases;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
