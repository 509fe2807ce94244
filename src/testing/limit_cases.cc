#include "annals/limits.h"
#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

/// Refused with the limit's name in the message.
template <class T>
void check_over(const result<T>& answer, std::string_view limit) {
  ASSERT_TRUE(fails(answer, errc::limit_exceeded));
  EXPECT_NE(answer.error().message().find(limit), std::string::npos) << answer.error().message();
}

/// An append at the limit is stored; one over it is refused, with nothing stored.
void check_append(subject& on, writing at_limit, writing over, std::string_view limit) {
  const auto before = on.head();
  check_over(on.append(std::move(over)), limit);
  EXPECT_EQ(on.head(), before);
  EXPECT_TRUE(succeeds(on.append(std::move(at_limit))));
}

void check_event(subject& on, fact at_limit, fact over, std::string_view limit) {
  check_append(on, writing("order-1", expect::any(), {std::move(at_limit)}),
               writing("order-1", expect::any(), {std::move(over)}), limit);
}

std::string text(std::size_t size) {
  return std::string(size, 'x');
}

std::string tag(std::size_t size) {
  return "key:" + text(size - 4);
}

std::vector<std::string> tags(std::size_t count) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back("key:" + std::to_string(i));
  return all;
}

std::vector<std::string> types(std::size_t count) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back("type" + std::to_string(i));
  return all;
}

writing to_streams(std::size_t count) {
  writing all;
  for (std::size_t i = 0; i < count; ++i)
    all.to("order-" + std::to_string(i), expect::none(), facts(1));
  return all;
}

writing with_conditions(std::size_t count) {
  writing all("order-1", expect::any(), facts(1));
  for (std::size_t i = 0; i < count; ++i) all.unless({{.types = {"never"}}});
  return all;
}

writing unless(std::vector<terms> items) {
  writing one("order-1", expect::any(), facts(1));
  one.unless(selecting(std::move(items)));
  return one;
}

constexpr conformance_case cases[] = {
    {"of_an_event_type",
     [](subject& on) {
       check_event(on, {.type = text(limits::event_type_bytes)},
                   {.type = text(limits::event_type_bytes + 1)}, "event_type_bytes");
       EXPECT_EQ(on.read_store().events.at(0).metadata().event_type,
                 text(limits::event_type_bytes));
     }},

    {"of_a_payload",
     [](subject& on) {
       check_event(on, {.payload = text(limits::payload_bytes)},
                   {.payload = text(limits::payload_bytes + 1)}, "payload_bytes");
       on.now_and_reopened(
           [&] { EXPECT_EQ(on.read_store().texts().at(0), text(limits::payload_bytes)); });
     }},

    {"of_a_tag",
     [](subject& on) {
       check_event(on, {.tags = {tag(limits::tag_bytes)}}, {.tags = {tag(limits::tag_bytes + 1)}},
                   "tag_bytes");
       on.now_and_reopened([&] {
         EXPECT_EQ(on.read_store().events.at(0).metadata().tags.at(0), tag(limits::tag_bytes));
       });
     }},

    {"of_the_tags_of_an_event",
     [](subject& on) {
       check_event(on, {.tags = tags(limits::tags_per_event)},
                   {.tags = tags(limits::tags_per_event + 1)}, "tags_per_event");
       on.now_and_reopened([&] {
         EXPECT_EQ(on.read_store().events.at(0).metadata().tags, tags(limits::tags_per_event));
       });
     }},

    {"of_user_metadata",
     [](subject& on) {
       const auto bytes = text(limits::user_metadata_bytes + 1);
       writing at_limit("order-1", expect::any(), facts(1));
       writing over = at_limit;
       over.context.user_metadata = std::as_bytes(std::span(bytes));
       at_limit.context.user_metadata = over.context.user_metadata.first(bytes.size() - 1);
       check_append(on, at_limit, over, "user_metadata_bytes");
       on.now_and_reopened([&] {
         EXPECT_EQ(on.read_store().events.at(0).metadata().user_metadata.size(),
                   limits::user_metadata_bytes);
       });
     }},

    {"of_a_tracestate",
     [](subject& on) {
       const auto state = text(limits::tracestate_bytes + 1);
       writing at_limit("order-1", expect::any(), facts(1));
       writing over = at_limit;
       over.context.tracestate = state;
       at_limit.context.tracestate = over.context.tracestate.substr(1);
       check_append(on, at_limit, over, "tracestate_bytes");
     }},

    {"of_the_events_of_an_append",
     [](subject& on) {
       check_append(on, writing("order-1", expect::any(), facts(limits::events_per_append)),
                    writing("order-1", expect::any(), facts(limits::events_per_append + 1)),
                    "events_per_append");
     }},

    {"of_the_events_of_an_append_counts_all_streams",
     [](subject& on) {
       check_over(on.append(writing("order-1", expect::none(), facts(limits::events_per_append))
                                .to("order-2", expect::none(), facts(1))),
                  "events_per_append");
     },
     need::several_streams},

    {"of_the_streams_of_an_append",
     [](subject& on) {
       check_append(on, to_streams(limits::streams_per_append),
                    to_streams(limits::streams_per_append + 1), "streams_per_append");
     },
     need::several_streams},

    {"of_the_bytes_of_an_append",
     [](subject& on) {
       const std::size_t half = limits::append_bytes / 2;
       const fact large{.type = "t", .payload = text(half - 1)};
       const fact larger{.type = "t", .payload = text(half)};
       check_append(on, writing("order-1", expect::any(), {large, large}),
                    writing("order-1", expect::any(), {large, larger}), "append_bytes");
       on.now_and_reopened([&] { EXPECT_EQ(on.read_store().texts().at(1), large.payload); });
     }},

    {"of_the_conditions_of_an_append",
     [](subject& on) {
       check_append(on, with_conditions(limits::conditions_per_append),
                    with_conditions(limits::conditions_per_append + 1), "conditions_per_append");
     },
     need::conditions},

    {"of_the_items_of_a_query",
     [](subject& on) {
       const terms never{.types = {"never"}};
       const std::vector<terms> at_limit(limits::items_per_query, never);
       const std::vector<terms> over(limits::items_per_query + 1, never);
       selecting fits(at_limit);
       selecting too_many(over);
       EXPECT_TRUE(succeeds(on.read({.filter = {.matching = fits.matching()}})));
       check_over(on.read({.filter = {.matching = too_many.matching()}}), "items_per_query");
       if (!on.info().append_conditions) return;
       check_append(on, unless(at_limit), unless(over), "items_per_query");
     }},

    {"of_the_terms_of_a_query_item",
     [](subject& on) {
       constexpr auto half = limits::terms_per_query_item / 2;
       const std::vector<terms> at_limit{{.types = types(half), .tags = tags(half)}};
       const std::vector<terms> over{{.types = types(half), .tags = tags(half + 1)}};
       selecting fits(at_limit);
       selecting too_many(over);
       EXPECT_TRUE(succeeds(on.read({.filter = {.matching = fits.matching()}})));
       check_over(on.read({.filter = {.matching = too_many.matching()}}), "terms_per_query_item");
       if (!on.info().append_conditions) return;
       check_append(on, unless(at_limit), unless(over), "terms_per_query_item");
     }},

    {"of_the_categories_of_a_filter",
     [](subject& on) {
       const std::vector<std::string_view> names(limits::categories_per_filter + 1, "order");
       const auto fits = std::span(names).first(limits::categories_per_filter);
       EXPECT_TRUE(succeeds(on.read({.filter = {.categories = fits}})));
       check_over(on.read({.filter = {.categories = names}}), "categories_per_filter");
     }},

    {"of_a_snapshot",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       const std::vector<std::byte> state(limits::snapshot_bytes + 1, std::byte{7});
       snapshot_write write{
           .stream = "order-1",
           .version = {1},
           .last_event = on.read_stream("order-1").events.at(0).metadata().event_id,
           .state = state};
       check_over(on.store().save_snapshot(write), "snapshot_bytes");
       write.state = write.state.first(limits::snapshot_bytes);
       ASSERT_TRUE(succeeds(on.store().save_snapshot(write)));
       on.now_and_reopened([&] {
         const auto kept = on.store().load_snapshot("order-1", 0).value();
         ASSERT_TRUE(kept.has_value());
         EXPECT_EQ(kept->state.size(), limits::snapshot_bytes);
       });
     }},

    {"of_a_page_of_stream_names",
     [](subject& on) {
       EXPECT_TRUE(succeeds(on.store().list_streams({.limit = limits::streams_per_page})));
       check_over(on.store().list_streams({.limit = limits::streams_per_page + 1}),
                  "streams_per_page");
     }},
};

}  // namespace

case_list limit_cases() {
  return cases;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
