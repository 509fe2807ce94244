#include "annals/testing/conformance.h"

#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

class conformance_test : public ::testing::Test {
 public:
  conformance_test(const engine& tested, const conformance_case& shown)
      : tested_(tested), case_(shown) {}

  void TestBody() override {
    subject on(tested_);
    on.store();
    if (case_.needs == need::several_streams && !on.info().multi_stream_appends)
      GTEST_SKIP() << "the store refuses appends to several streams";
    if (case_.needs == need::conditions && !on.info().append_conditions)
      GTEST_SKIP() << "the store refuses append conditions";
    case_.run(on);
  }

 private:
  engine tested_;
  const conformance_case& case_;
};

struct group {
  const char* noun;
  case_list cases;
};

}  // namespace

bool check_conformance(const engine& tested) {
  const group groups[] = {
      {"append", append_cases()},
      {"expectation", expectation_cases()},
      {"several_streams", several_streams_cases()},
      {"command_id", command_cases()},
      {"condition", condition_cases()},
      {"completion", completion_cases()},
      {"in_flight", in_flight_cases()},
      {"coroutine", coroutine_cases()},
      {"close", close_cases()},
      {"read", read_cases()},
      {"filter", filter_cases()},
      {"checkpoint", checkpoint_cases()},
      {"event", event_cases()},
      {"clock", clock_cases()},
      {"name", name_cases()},
      {"limit", limit_cases()},
      {"argument", argument_cases()},
      {"retention", retention_cases()},
      {"snapshot", snapshot_cases()},
      {"listing", listing_cases()},
      {"import", import_cases()},
      {"history", history_cases()},
      {"notify_past", notify_cases()},
      {"concurrent_calls", concurrency_cases()},
  };
  for (const auto& [noun, cases] : groups)
    for (const auto& one : cases)
      ::testing::RegisterTest(
          (tested.name + '/' + noun).c_str(), one.sentence, nullptr, nullptr, one.where.file_name(),
          static_cast<int>(one.where.line()),
          [tested, &one]() -> ::testing::Test* { return new conformance_test(tested, one); });
  return true;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
