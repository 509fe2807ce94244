#include "orders/order.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "annals/testing/given.h"
#include "orders/order_json.h"

namespace orders {
namespace {

using given = annals::testing::given<order, order_events>;

const uuid payment = annals::make_uuid_v5({}, "payment");
const annals::time_point noon{std::chrono::hours(12)};

const std::vector<item> items{{"85123A", 6, {2550}}, {"71053", 1, {3390}}};
const create request{"17850", "United Kingdom", "GBP", items};
const created an_order{"17850", "United Kingdom", "GBP", items, {18690}};
const paid in_full{payment, {18690}};
const shipped on_its_way{"TRACK-1"};
const delivered at_noon{noon};
const cancelled by_customer{"changed my mind"};

TEST(order, is_created_with_the_sum_of_its_items) {
  given{}.when(request).then(an_order);
}
TEST(order, needs_an_item) {
  given{}.when(create{}).then_rejected("no_items");
}
TEST(order, refuses_items_without_quantity_or_price) {
  given{}.when(create{.items = {{"a", 0, {1}}}}).then_rejected("bad_item");
  given{}.when(create{.items = {{"a", -1, {1}}}}).then_rejected("bad_item");
  given{}.when(create{.items = {{"a", 1, {0}}}}).then_rejected("bad_item");
}
TEST(order, refuses_a_total_that_no_number_holds) {
  given{}
      .when(create{.items = {{"a", 1, {INT64_MAX}}, {"b", 1, {1}}}})
      .then_rejected("total_too_large");
  given{}.when(create{.items = {{"a", INT64_MAX, {2}}}}).then_rejected("total_too_large");
  given{}
      .when(create{.items = {{"a", 1, largest_total + money{1}}}})
      .then_rejected("total_too_large");
}
TEST(order, created_again_alike_is_already_so) {
  given{an_order}.when(request).then_nothing();
}
TEST(order, created_again_otherwise_is_refused) {
  given{an_order}.when(create{.items = items}).then_rejected("already_created");
}
TEST(order, keeps_answering_the_same_create_in_every_state) {
  given{an_order, in_full, on_its_way, at_noon}.when(request).then_nothing();
  given{an_order, by_customer}.when(request).then_nothing();
}

TEST(order, is_paid_in_full) {
  given{an_order}.when(pay{payment, {18690}}).then(in_full);
}
TEST(order, refuses_another_amount) {
  given{an_order}.when(pay{payment, {18689}}).then_rejected("wrong_amount");
}
TEST(order, is_paid_only_when_created) {
  given{}.when(pay{payment, {18690}}).then_rejected("not_created");
  given{an_order, by_customer}.when(pay{payment, {18690}}).then_rejected("cancelled");
}
TEST(order, paid_again_alike_is_already_so) {
  given{an_order, in_full}.when(pay{payment, {18690}}).then_nothing();
  given{an_order, in_full, on_its_way}.when(pay{payment, {18690}}).then_nothing();
  given{an_order, in_full, by_customer}.when(pay{payment, {18690}}).then_nothing();
}
TEST(order, paid_again_otherwise_is_refused) {
  given{an_order, in_full}.when(pay{{}, {18690}}).then_rejected("already_paid");
}

TEST(order, is_shipped_once_paid) {
  given{an_order, in_full}.when(ship{"TRACK-1"}).then(on_its_way);
}
TEST(order, is_not_shipped_before) {
  given{}.when(ship{"TRACK-1"}).then_rejected("not_paid");
  given{an_order}.when(ship{"TRACK-1"}).then_rejected("not_paid");
  given{an_order, by_customer}.when(ship{"TRACK-1"}).then_rejected("not_paid");
}
TEST(order, shipped_again_alike_is_already_so) {
  given{an_order, in_full, on_its_way}.when(ship{"TRACK-1"}).then_nothing();
  given{an_order, in_full, on_its_way}.when(ship{"TRACK-2"}).then_rejected("already_shipped");
}

TEST(order, is_delivered_once_shipped) {
  given{an_order, in_full, on_its_way}.when(deliver{noon}).then(at_noon);
}
TEST(order, is_not_delivered_before) {
  given{}.when(deliver{noon}).then_rejected("not_shipped");
  given{an_order, in_full}.when(deliver{noon}).then_rejected("not_shipped");
}
TEST(order, delivered_again_alike_is_already_so) {
  given{an_order, in_full, on_its_way, at_noon}.when(deliver{noon}).then_nothing();
  given{an_order, in_full, on_its_way, at_noon}.when(deliver{}).then_rejected("already_delivered");
}

TEST(order, is_cancelled_until_it_is_shipped) {
  given{an_order}.when(cancel{"changed my mind"}).then(by_customer);
  given{an_order, in_full}.when(cancel{"changed my mind"}).then(by_customer);
  given{an_order, in_full, on_its_way}
      .when(cancel{"changed my mind"})
      .then_rejected("already_shipped");
  given{an_order, in_full, on_its_way, at_noon}
      .when(cancel{"late"})
      .then_rejected("already_shipped");
  given{}.when(cancel{"changed my mind"}).then_rejected("not_created");
}
TEST(order, cancelled_again_alike_is_already_so) {
  given{an_order, by_customer}.when(cancel{"changed my mind"}).then_nothing();
  given{an_order, by_customer}.when(cancel{"other"}).then_rejected("already_cancelled");
}

TEST(order, specification_that_does_not_hold_says_what_happened) {
  try {
    given{an_order}.when(pay{payment, {1}}).then(in_full);
    FAIL() << "a wrong specification held";
  } catch (const annals::testing::specification_failed& failed) {
    EXPECT_NE(std::string(failed.what()).find("expected order_paid"), std::string::npos);
    EXPECT_NE(std::string(failed.what()).find("wrong_amount"), std::string::npos);
  }
}

TEST(order, is_rebuilt_from_events_and_an_error_without_any) {
  using event = order_events::variant;
  const auto rebuilt = annals::from_events<order>(std::vector<event>{an_order, in_full});
  EXPECT_EQ(rebuilt.value().status, status::paid);
  EXPECT_EQ(annals::from_events<order>(std::vector<event>{}).error().code(),
            annals::errc::aggregate_not_found);
}

// Commands from a small world, so that they meet one another.
rc::Gen<decision (*)(const order&, unsigned)> any_command() {
  using decide_fn = decision (*)(const order&, unsigned);
  return rc::gen::element<decide_fn>(
      [](const order& o, unsigned n) { return decide(o, create{.items = {{"a", n % 3, {1000}}}}); },
      [](const order& o, unsigned n) { return decide(o, pay{payment, {1000 * (n % 3)}}); },
      [](const order& o, unsigned n) { return decide(o, ship{n % 2 ? "x" : "y"}); },
      [](const order& o, unsigned n) {
        return decide(o, deliver{noon + std::chrono::hours(n % 2)});
      },
      [](const order& o, unsigned n) { return decide(o, cancel{n % 2 ? "x" : "y"}); });
}

RC_GTEST_PROP(order, decided_twice_is_already_so_or_rejected, ()) {
  order o;
  const auto steps = *rc::gen::inRange(0, 12);
  for (int i = 0; i < steps; ++i) {
    const auto command = *any_command();
    const auto n = *rc::gen::inRange(0U, 6U);
    const auto decided = command(o, n);
    for (const auto& event : decided.happened()) o = annals::evolve_any<order>(o, event);
    if (!decided.rejected()) {
      const auto again = command(o, n);
      RC_ASSERT(!again.rejected());
      RC_ASSERT(again.happened().empty());
    }
  }
}

RC_GTEST_PROP(order, evolves_with_every_event_in_every_state, ()) {
  using event = order_events::variant;
  const auto history = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 5));
  const std::vector<event> all{an_order, in_full, on_its_way, at_noon, by_customer};
  const std::vector<status> becomes{status::created, status::paid, status::shipped,
                                    status::delivered, status::cancelled};
  order o;
  for (const int i : history) {
    o = annals::evolve_any<order>(o, all[static_cast<std::size_t>(i)]);
    RC_ASSERT(o.status == becomes[static_cast<std::size_t>(i)]);
  }
}

}  // namespace
}  // namespace orders
