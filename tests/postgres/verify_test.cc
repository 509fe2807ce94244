// What verify finds, of that which no constraint keeps out.
#include "server.h"

namespace annals_test {
namespace {

using namespace annals;

class Verifying : public PostgresTest {
 public:
  /// Ten events in two streams, tagged; in partitions, so that positions may be there twice.
  void fill(const std::string& partitions = "&annals_partitions=2") {
    const auto store = open(partitions);
    const std::string_view tags[] = {"by:hand"};
    auto event = noted();
    event.tags = tags;
    for (int i = 0; i < 10; ++i)
      ASSERT_TRUE(append(*store, "order-" + std::to_string(i % 2), event));
    sql.run("SET search_path = " + schema);
  }
  std::vector<std::string> damage() {
    const auto report = verify_postgres(address());
    EXPECT_TRUE(report) << report.error().to_string();
    return report ? report->damage : std::vector<std::string>();
  }
  /// The one damage that is found, when the store was sound before.
  std::string found_after(const std::string& change) {
    EXPECT_TRUE(damage().empty());
    sql.run(change);
    const auto found = damage();
    return found.size() == 1 ? found[0] : std::to_string(found.size()) + " damages";
  }
};

TEST_F(Verifying, CountsWhatIsSound) {
  fill();
  const auto report = verify_postgres(address()).value();
  EXPECT_EQ(report.events, 10U);
  EXPECT_EQ(report.streams, 2U);
  EXPECT_TRUE(report.damage.empty());
}

TEST_F(Verifying, FindsPositionsThatAreMissing) {
  fill();
  EXPECT_EQ(found_after("DELETE FROM event_tags WHERE global_position > 8; "
                        "UPDATE events SET global_position = global_position + 2 "
                        "WHERE global_position > 8"),
            "positions 9 to 10 are missing, and no hole says why");
  sql.run("INSERT INTO holes VALUES (9, 9, 'half of it')");
  ASSERT_EQ(damage().size(), 1U);
  sql.run("INSERT INTO holes VALUES (10, 10, 'the rest')");
  EXPECT_TRUE(damage().empty());
}

TEST_F(Verifying, FindsThatTheFirstPositionIsMissing) {
  fill();
  const auto found = found_after(
      "DELETE FROM event_tags WHERE global_position = 1; DELETE FROM events WHERE "
      "global_position = 1; UPDATE events SET version = version - 1 WHERE global_position % 2 = 1");
  EXPECT_EQ(found, "position 1 is missing, and no hole says why");
}

TEST_F(Verifying, FindsPositionsThatAreThereTwice) {
  fill();
  sql.run("UPDATE events SET global_position = 9, hlc = hlc WHERE global_position = 10");
  sql.run("DELETE FROM event_tags WHERE global_position = 10");
  const auto found = damage();
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0], "position 9 is there twice");
}

TEST_F(Verifying, FindsEventsInHoles) {
  fill();
  EXPECT_EQ(found_after("INSERT INTO holes VALUES (7, 20, 'by mistake')"),
            "position 7 is there, in the hole from 7 to 20");
}

TEST_F(Verifying, FindsAnOrderThatIsNotThatOfCommits) {
  fill();
  EXPECT_EQ(found_after("UPDATE events SET hlc = (SELECT hlc FROM events WHERE "
                        "global_position = 4) WHERE global_position = 5"),
            "position 5 was recorded no later than the one before it: the order is not that of "
            "commits");
}

TEST_F(Verifying, FindsVersionsThatAreMissingOrInAnotherOrder) {
  fill();
  EXPECT_NE(found_after("UPDATE events SET version = 7 WHERE global_position = 10")
                .find(", at position 10, follows version 4"),
            std::string::npos);
  sql.run("UPDATE events SET version = 5 WHERE global_position = 10");
  const auto found = found_after(
      "UPDATE events SET version = 9 WHERE global_position = 8; UPDATE events SET version = 4 "
      "WHERE global_position = 10; UPDATE events SET version = 5 WHERE global_position = 8");
  EXPECT_NE(found.find(", at position 8, stands before the version that it follows"),
            std::string::npos)
      << found;
}

TEST_F(Verifying, FindsVersionsThatAreThereTwiceWherePartitionsAreByRange) {
  fill("&annals_partitions=2&annals_partition_events=5");
  EXPECT_NE(found_after("UPDATE events SET version = 4 WHERE global_position = 10")
                .find(", at position 10, is there twice"),
            std::string::npos);
}

TEST_F(Verifying, FindsWhatRefersToNothing) {
  fill();
  EXPECT_EQ(found_after("INSERT INTO event_tags VALUES ('by:nobody', 77)"),
            "the tag by:nobody is of position 77, which is not there");
  sql.run("DELETE FROM event_tags WHERE global_position = 77");
  EXPECT_NE(found_after("DELETE FROM streams WHERE name = 'order-0'")
                .find("which is in no row of streams"),
            std::string::npos);
}

TEST_F(Verifying, FindsThatTheRowOfTheLockIsMissing) {
  fill();
  EXPECT_NE(found_after("DELETE FROM position").find("the table position has 0 rows"),
            std::string::npos);
}

}  // namespace
}  // namespace annals_test
