#include <gtest/gtest.h>

#include "annals/embedded.h"
#include "store_fixture.h"

namespace annals::embedded {
namespace {

using embedded_engine = store_fixture;

TEST_F(embedded_engine, gives_back_what_was_appended) {
  auto store = open();
  const auto done = append(*store, "order-1", {"created", "paid"});
  ASSERT_TRUE(done) << done.error().to_string();
  EXPECT_EQ(done->first.sequence, 1U);
  EXPECT_EQ(done->last.sequence, 2U);
  EXPECT_EQ(done->stream_version.number, 2U);
  EXPECT_EQ(texts(*store, "order-1"), (std::vector<std::string>{"created", "paid"}));
}

TEST_F(embedded_engine, keeps_everything_over_reopening) {
  {
    auto store = open();
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(append(*store, "order-1", {std::to_string(i)}));
  }
  auto store = open();
  EXPECT_EQ(texts(*store, "order-1").size(), 10U);
  EXPECT_EQ(texts(*store, {}).size(), 10U);
}

}  // namespace
}  // namespace annals::embedded
