#include "annals/stream.h"
#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

using names = std::vector<std::string>;

void write_streams(subject& on) {
  for (const auto* name : {"order-2", "order-10", "order-1", "cart-1", "notes", "Order-1",
                           "orders-1", "order-\xc3\xa4"})
    ASSERT_TRUE(succeeds(on.append(name, expect::none(), facts(1))));
}

names list(subject& on, const list_request& request = {}) {
  names all;
  for (const auto& one : on.store().list_streams(request).value()) all.push_back(one.name);
  return all;
}

constexpr conformance_case cases[] = {
    {"is_in_bytewise_order_of_names",
     [](subject& on) {
       EXPECT_EQ(list(on), names{});
       write_streams(on);
       on.now_and_reopened([&] {
         EXPECT_EQ(list(on), (names{"Order-1", "cart-1", "notes", "order-1", "order-10", "order-2",
                                    "order-\xc3\xa4", "orders-1"}));
       });
     }},

    {"selects_a_category",
     [](subject& on) {
       write_streams(on);
       on.now_and_reopened([&] {
         EXPECT_EQ(list(on, {.category = "order"}),
                   (names{"order-1", "order-10", "order-2", "order-\xc3\xa4"}));
         EXPECT_EQ(list(on, {.category = ""}), names{"notes"});
         EXPECT_EQ(list(on, {.category = "ord"}), names{});
       });
     }},

    {"selects_a_prefix",
     [](subject& on) {
       write_streams(on);
       on.now_and_reopened([&] {
         EXPECT_EQ(list(on, {.prefix = "order-1"}), (names{"order-1", "order-10"}));
         EXPECT_EQ(list(on, {.prefix = "z"}), names{});
         EXPECT_EQ(list(on, {.category = "order", .prefix = "order-2"}), names{"order-2"});
         EXPECT_EQ(list(on, {.category = "cart", .prefix = "order"}), names{});
       });
     }},

    {"goes_on_after_a_name",
     [](subject& on) {
       write_streams(on);
       on.now_and_reopened([&] {
         EXPECT_EQ(list(on, {.after = "order-2"}), (names{"order-\xc3\xa4", "orders-1"}));
         EXPECT_EQ(list(on, {.after = "order-15"}),
                   (names{"order-2", "order-\xc3\xa4", "orders-1"}))
             << "the name need not be there";
         EXPECT_EQ(list(on, {.prefix = "order-1", .after = "order-1"}), names{"order-10"});
         EXPECT_EQ(list(on, {.prefix = "order-1", .after = "a"}), (names{"order-1", "order-10"}));
         EXPECT_EQ(list(on, {.prefix = "order-1", .after = "z"}), names{});
       });
     }},

    {"comes_in_pages",
     [](subject& on) {
       write_streams(on);
       const auto all = list(on);
       for (const std::size_t limit : {1U, 3U, 8U, 100U}) {
         names paged;
         for (auto page = list(on, {.limit = limit}); !page.empty();
              page = list(on, {.after = paged.back(), .limit = limit})) {
           EXPECT_LE(page.size(), limit);
           paged.insert(paged.end(), page.begin(), page.end());
         }
         EXPECT_EQ(paged, all);
       }
     }},

    {"pages_count_only_what_is_selected",
     [](subject& on) {
       write_streams(on);
       EXPECT_EQ(list(on, {.category = "orders", .limit = 1}), names{"orders-1"});
     }},

    {"tells_key_version_and_last_position",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(3))));
       ASSERT_TRUE(succeeds(on.append("order-2", expect::none(), facts(1))));
       ASSERT_TRUE(succeeds(on.append("order-1", expect::at({3}), facts(1))));
       on.now_and_reopened([&] {
         const auto all = on.store().list_streams({}).value();
         ASSERT_EQ(all.size(), 2U);
         EXPECT_EQ(all[0].key, stream_key_of("order-1"));
         EXPECT_EQ(all[0].version, version{4});
         EXPECT_EQ(all[0].first_kept, version{1});
         EXPECT_EQ(all[0].last, (position{.sequence = 5}));
         EXPECT_FALSE(all[0].gone);
         EXPECT_EQ(all[1].last, (position{.sequence = 4}));
       });
     }},
};

}  // namespace

case_list listing_cases() {
  return cases;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
