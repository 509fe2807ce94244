// Reads that the conformance suite does not tell apart.
#include <set>

#include "server.h"

namespace annals_test {
namespace {

using namespace annals;

class Reads : public PostgresTest {};

TEST_F(Reads, DeliverPayloadsTooLargeForAPageOneByOne) {
  const auto store = open();
  std::vector<std::string> wanted;
  for (int i = 0; i < 12; ++i) {
    std::string payload(i % 3 == 1 ? 3'000'000 : 10, 'x');
    // Not to be compressed, so that its size is what it seems.
    std::uint32_t state = 1;
    for (auto& c : payload)
      c = static_cast<char>('a' + ((state = state * 1'664'525 + 1'013'904'223) >> 16U) % 26);
    wanted.push_back('"' + payload + '"');
    ASSERT_TRUE(append(*store, "order-" + std::to_string(i % 2), noted(wanted.back())));
  }
  EXPECT_EQ(texts(*store), wanted);
  std::size_t most = 0;
  store
      ->read({.stream = "order-1"},
             [&](const event_batch& batch) {
               std::size_t bytes = 0;
               for (const auto& view : batch.events) bytes += view.payload().size();
               most = std::max(most, bytes);
               return flow::more;
             })
      .value();
  EXPECT_LT(most, 4'000'000U) << "more than one large payload at a time";
}

TEST_F(Reads, OfTimesBeyondWhatTheServerHoldsAreExact) {
  const auto store = open();
  const time_point wanted[] = {time_point::min(), time_point::max(),
                               time_point(std::chrono::microseconds(-1))};
  for (const auto time : wanted) {
    auto event = noted();
    event.timestamp = time;
    ASSERT_TRUE(append(*store, "order-1", event));
  }
  std::size_t at = 0;
  store
      ->read({},
             [&](const event_batch& batch) {
               for (const auto& view : batch.events)
                 EXPECT_EQ(view.header().timestamp, wanted[at++]);
               return flow::more;
             })
      .value();
  EXPECT_EQ(sql.value("SELECT count(*) FROM " + schema + ".events WHERE NOT isfinite(timestamp)"),
            "2");
}

TEST_F(Reads, FromAStoreOpenedReadOnlySeeWhatIsAcknowledgedAndFollowByPolling) {
  const auto writes = open();
  const auto reads = open("&annals_listen=off&annals_poll_ms=10", {.read_only = true});
  EXPECT_EQ(append(*reads, "a-1", noted()).error().code(), errc::unsupported);
  EXPECT_EQ(reads->retain("a-1", {.max_count = 1}).error().code(), errc::unsupported);
  std::atomic<int> told{0};
  const auto handle = reads->notify_past({}, [&](const result<checkpoint>& head) {
    told = head ? 1 : 2;
    told.notify_all();
  });
  ASSERT_TRUE(append(*writes, "a-1", noted()));
  told.wait(0);
  EXPECT_EQ(told, 1);
  EXPECT_EQ(texts(*reads).size(), 1U);
}

}  // namespace
}  // namespace annals_test
