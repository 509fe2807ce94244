#include "annals/limits.h"
#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

using numbers = std::vector<std::uint64_t>;

/// Six events that differ in category, type and tags.
void write_history(subject& on) {
  const auto write = [&](const char* stream, fact event) {
    ASSERT_TRUE(succeeds(on.append(stream, expect::any(), {std::move(event)})));
  };
  write("order-1", {.type = "created", .tags = {"customer:7", "country:de"}});  // 1
  write("order-2", {.type = "created", .tags = {"customer:8"}});                // 2
  write("order-1", {.type = "paid", .tags = {"customer:7"}});                   // 3
  write("cart-1", {.type = "created", .tags = {"customer:7"}});                 // 4
  write("notes", {.type = "noted"});                                            // 5
  write("orders-1", {.type = "paid", .tags = {"customer:8", "country:de"}});    // 6
}

struct selection {
  const char* what;
  std::vector<std::string_view> categories;
  std::vector<terms> items;
  numbers sequences;
};

std::vector<selection> selections() {
  return {
      {"everything", {}, {}, {1, 2, 3, 4, 5, 6}},
      {"a category", {"order"}, {}, {1, 2, 3}},
      {"several categories", {"cart", "orders"}, {}, {4, 6}},
      {"the empty category", {""}, {}, {5}},
      {"a category that is not there", {"shop"}, {}, {}},
      {"a type", {}, {{.types = {"paid"}}}, {3, 6}},
      {"several types", {}, {{.types = {"paid", "noted"}}}, {3, 5, 6}},
      {"the beginning of a type", {}, {{.types = {"pai"}}}, {}},
      {"a tag", {}, {{.tags = {"customer:7"}}}, {1, 3, 4}},
      {"all of several tags", {}, {{.tags = {"customer:7", "country:de"}}}, {1}},
      {"type and tag", {}, {{.types = {"created"}, .tags = {"customer:7"}}}, {1, 4}},
      {"one of several items",
       {},
       {{.types = {"noted"}}, {.types = {"created"}, .tags = {"customer:8"}}},
       {2, 5}},
      {"an event that two items select", {}, {{.types = {"noted"}}, {.types = {"noted"}}}, {5}},
      {"category and query", {"order"}, {{.types = {"created"}}}, {1, 2}},
  };
}

constexpr conformance_case cases[] = {
    {"selects_by_category_type_and_tag",
     [](subject& on) {
       write_history(on);
       on.now_and_reopened([&] {
         for (auto& [what, categories, items, sequences] : selections()) {
           SCOPED_TRACE(what);
           selecting by(items);
           const read_filter filter{.categories = categories, .matching = by.matching()};
           EXPECT_EQ(on.read({.filter = filter}).value().sequences(), sequences);
           EXPECT_EQ(
               on.read({.filter = filter, .direction = direction::backwards}).value().sequences(),
               numbers(sequences.rbegin(), sequences.rend()));
         }
       });
     }},

    {"selects_within_a_stream",
     [](subject& on) {
       write_history(on);
       selecting by{{.types = {"paid"}}};
       const auto paid =
           on.read({.stream = "order-1", .filter = {.matching = by.matching()}}).value();
       EXPECT_EQ(paid.versions(), (numbers{2}));
       EXPECT_EQ(paid.end.stream_version, version{2});
       const std::string_view other[] = {"cart"};
       EXPECT_TRUE(
           on.read({.stream = "order-1", .filter = {.categories = other}}).value().events.empty());
     }},

    {"counts_only_what_it_selects_towards_the_limit",
     [](subject& on) {
       write_history(on);
       selecting by{{.tags = {"customer:7"}}};
       const auto two = on.read({.filter = {.matching = by.matching()}, .limit = 2}).value();
       EXPECT_EQ(two.sequences(), (numbers{1, 3}));
       EXPECT_EQ(two.end.delivered, 2U);
       EXPECT_EQ(two.end.scanned_to.in(0).sequence, 3U);
       EXPECT_FALSE(two.end.complete);
       const auto rest =
           on.read({.after = two.end.scanned_to, .filter = {.matching = by.matching()}}).value();
       EXPECT_EQ(rest.sequences(), (numbers{4}));
     }},

    {"has_scanned_what_it_did_not_select",
     [](subject& on) {
       write_history(on);
       selecting by{{.types = {"shipped"}}};
       const auto none = on.read({.filter = {.matching = by.matching()}}).value();
       EXPECT_TRUE(none.events.empty());
       EXPECT_EQ(none.end.scanned_to, on.head());
       EXPECT_TRUE(none.end.complete);
     }},

    {"reports_how_far_it_has_scanned_while_nothing_matches",
     [](subject& on) {
       constexpr auto interval = limits::events_between_scan_reports;
       constexpr std::uint64_t batch = 8'192;
       for (std::uint64_t written = 0; written < 2 * interval + batch; written += batch)
         ASSERT_TRUE(succeeds(on.append("noise-1", expect::any(), facts(batch))));
       selecting by{{.types = {"shipped"}}};
       const auto none = on.read({.filter = {.matching = by.matching()}}).value();
       EXPECT_TRUE(none.events.empty());
       EXPECT_GE(none.scanned.size(), 2U);
       std::uint64_t before = 0;
       for (const auto& report : none.scanned) {
         EXPECT_LE(report.in(0).sequence - before, interval);
         EXPECT_GT(report.in(0).sequence, before);
         before = report.in(0).sequence;
       }
       EXPECT_LE(none.end.scanned_to.in(0).sequence - before, interval);
       EXPECT_EQ(none.end.scanned_to, on.head());
     }},
};

}  // namespace

case_list filter_cases() {
  return cases;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
