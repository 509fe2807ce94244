#include "orders/generate.h"

#include <gtest/gtest.h>

#include <set>

#include "annals/memory.h"
#include "orders/read_models.h"

namespace orders {
namespace {

TEST(generate, meets_all_events_and_every_rejection) {
  const auto store = annals::make_memory_store();
  const auto report = generate(*store, default_seed, 16).value();
  std::set<std::string> types;
  ASSERT_TRUE(store->read({}, [&](const annals::event_batch& batch) {
    for (const auto& view : batch.events) types.emplace(view.type());
    return annals::flow::more;
  }));
  EXPECT_EQ(types.size(), order_events::size);
  std::set<std::string> reasons;
  for (const auto& [reason, count] : report.rejected) reasons.insert(reason);
  EXPECT_EQ(reasons,
            (std::set<std::string>{"already_cancelled", "already_created", "already_delivered",
                                   "already_paid", "already_shipped", "bad_item", "cancelled",
                                   "no_items", "not_created", "not_paid", "not_shipped",
                                   "total_too_large", "wrong_amount"}));
}

TEST(generate, finds_everything_there_when_run_again) {
  const auto store = annals::make_memory_store();
  const auto first = generate(*store, 7, 100).value();
  const auto head = store->head().value();
  const auto second = generate(*store, 7, 100).value();
  EXPECT_GT(first.new_events, 100U);
  EXPECT_EQ(second.new_events, 0U);
  EXPECT_EQ(store->head().value(), head);
}

TEST(generate, makes_the_same_orders_from_the_same_seed) {
  const auto left = annals::make_memory_store();
  const auto right = annals::make_memory_store();
  ASSERT_TRUE(generate(*left, 7, 100));
  ASSERT_TRUE(generate(*right, 7, 100));
  order_projection of_left(*left, "order");
  order_projection of_right(*right, "order");
  ASSERT_TRUE(of_left.catch_up());
  ASSERT_TRUE(of_right.catch_up());
  EXPECT_EQ(of_left.model(), of_right.model());
  EXPECT_GT(of_left.model().by_id.size(), 50U);
}

}  // namespace
}  // namespace orders
