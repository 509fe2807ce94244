#include "annals/category.h"

#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "account_for_tests.h"
#include "annals/memory.h"
#include "annals/simple.h"

namespace annals {
namespace {

using account_domain::account;
using account_domain::account_events;
using account_domain::deposit;
using account_domain::deposited;
using account_domain::explode;
using account_domain::open;
using account_domain::opened;
using account_domain::summarized;
using account_domain::withdraw;
using account_domain::withdrawn;

class categories : public testing::Test {
 protected:
  static uuid id_of(std::uint8_t n) {
    uuid id;
    id.bytes[15] = n;
    return id;
  }
  std::uint64_t events_in_store() { return store->head().value().in(0).sequence; }

  std::unique_ptr<event_store> store = make_memory_store();
  category<account, account_events> accounts{*store, "account"};
  uuid id = id_of(1);
};

TEST_F(categories, loads_an_aggregate_never_written_as_version_0) {
  const auto loaded = accounts.load(id).value();
  EXPECT_EQ(loaded.version.number, 0U);
  EXPECT_FALSE(loaded.state.open);
  EXPECT_EQ(accounts.load_existing(id).error().code(), errc::aggregate_not_found);
}

TEST_F(categories, folds_what_commands_have_decided) {
  const auto first = accounts.execute(id, open{"ann"}).value();
  EXPECT_EQ(first.events, 1U);
  EXPECT_EQ(first.append.stream_version.number, 1U);
  ASSERT_TRUE(accounts.execute(id, deposit{70}));
  ASSERT_TRUE(accounts.execute(id, withdraw{20}));
  const auto loaded = accounts.load_existing(id).value();
  EXPECT_EQ(loaded.state.balance, 50);
  EXPECT_EQ(loaded.version.number, 3U);
  EXPECT_EQ(loaded.last.sequence, 3U);
}

TEST_F(categories, stores_type_schema_and_canonical_json) {
  ASSERT_TRUE(accounts.execute(id, open{"ann"}));
  ASSERT_TRUE(accounts.execute(id, deposit{7}));
  ASSERT_TRUE(accounts.execute(id, withdraw{7}));
  const auto events = load_events(*store, id, "account").value();
  EXPECT_EQ(events[0].metadata().event_type, "account_opened");
  EXPECT_EQ(events[0].text(), R"({"owner":"ann"})");
  EXPECT_EQ(events[2].metadata().event_type, "account_withdrawn");
  EXPECT_EQ(events[2].metadata().schema, 3);
  EXPECT_EQ(events[2].metadata().category, "account");
  EXPECT_EQ(events[2].metadata().aggregate_id, id);
}

TEST_F(categories, returns_a_rejection_with_its_reason_and_stores_nothing) {
  const auto rejected = accounts.execute(id, deposit{1});
  EXPECT_EQ(rejected.error().code(), errc::rejected);
  EXPECT_EQ(rejected.error().reason(), "not_open");
  EXPECT_EQ(rejected.error().message(), "open the account first");
  EXPECT_EQ(events_in_store(), 0U);
}

TEST_F(categories, says_when_there_was_nothing_to_do) {
  ASSERT_TRUE(accounts.execute(id, open{"ann"}));
  const auto again = accounts.execute(id, open{"ann"}).value();
  EXPECT_EQ(again.events, 0U);
  EXPECT_FALSE(again.append.already_applied);
  EXPECT_EQ(again.append.stream_version.number, 1U);
  EXPECT_EQ(events_in_store(), 1U);
}

TEST_F(categories, travels_to_a_version) {
  ASSERT_TRUE(accounts.execute(id, open{"ann"}));
  ASSERT_TRUE(accounts.execute(id, deposit{10}));
  ASSERT_TRUE(accounts.execute(id, deposit{10}));
  const auto then = accounts.load(id, at(version{2})).value();
  EXPECT_EQ(then.state.balance, 10);
  EXPECT_EQ(then.version.number, 2U);
  EXPECT_EQ(accounts.load(id, at(version{99})).value().version.number, 3U);
}

TEST_F(categories, travels_to_a_time_by_the_longest_prefix_at_or_before_it) {
  const auto second = [](int s) { return time_point(std::chrono::seconds(s)); };
  ASSERT_TRUE(accounts.execute(id, open{"ann"}, {.timestamp = second(10)}));
  ASSERT_TRUE(accounts.execute(id, deposit{1}, {.timestamp = second(30)}));
  ASSERT_TRUE(accounts.execute(id, deposit{1}, {.timestamp = second(20)}));  // need not grow
  EXPECT_EQ(accounts.load(id, at(second(9))).value().version.number, 0U);
  EXPECT_EQ(accounts.load(id, at(second(10))).value().version.number, 1U);
  EXPECT_EQ(accounts.load(id, at(second(29))).value().version.number, 1U);
  EXPECT_EQ(accounts.load(id, at(second(30))).value().version.number, 3U);
}

TEST_F(categories, answers_a_known_command_with_its_first_result) {
  const execute_options once{.command_id = id_of(77)};
  ASSERT_TRUE(accounts.execute(id, open{"ann"}));
  const auto first = accounts.execute(id, deposit{5}, once).value();
  ASSERT_TRUE(accounts.execute(id, withdraw{5}));
  const auto again = accounts.execute(id, deposit{5}, once).value();
  EXPECT_TRUE(again.append.already_applied);
  EXPECT_EQ(again.append.stream_version, first.append.stream_version);
  EXPECT_EQ(again.append.first, first.append.first);
  EXPECT_EQ(again.events, 0U);
  EXPECT_EQ(events_in_store(), 3U);
}

TEST_F(categories, remembers_a_command_that_had_nothing_to_do) {
  const execute_options once{.command_id = id_of(77)};
  ASSERT_TRUE(accounts.execute(id, open{"ann"}));
  EXPECT_EQ(accounts.execute(id, open{"ann"}, once).value().events, 0U);
  EXPECT_TRUE(accounts.execute(id, open{"ann"}, once).value().append.already_applied);
}

TEST_F(categories, refuses_a_command_id_with_other_content) {
  const execute_options once{.command_id = id_of(77)};
  ASSERT_TRUE(accounts.execute(id, open{"ann"}));
  ASSERT_TRUE(accounts.execute(id, deposit{5}, once));
  const auto other_amount = accounts.execute(id, deposit{6}, once);
  EXPECT_EQ(other_amount.error().code(), errc::command_id_reused);
  EXPECT_EQ(other_amount.error().why()->stream, accounts.stream_of(id));
  EXPECT_EQ(other_amount.error().why()->actual.number, 2U);
  EXPECT_EQ(accounts.execute(id, withdraw{5}, once).error().code(), errc::command_id_reused);
  EXPECT_EQ(accounts.execute(id_of(2), deposit{5}, once).error().code(), errc::command_id_reused);
}

TEST_F(categories, needs_a_described_command_for_a_command_id) {
  const execute_options once{.command_id = id_of(77)};
  EXPECT_TRUE(accounts.execute(id, account_domain::undescribed{}));
  EXPECT_EQ(accounts.execute(id, account_domain::undescribed{}, once).error().code(),
            errc::invalid_argument);
  std::optional<errc> code;
  accounts.execute(id, account_domain::undescribed{}, once,
                   [&](result<executed> done) { code = done.error().code(); });
  EXPECT_EQ(code, errc::invalid_argument);
}

TEST_F(categories, passes_on_what_decide_throws_and_stores_nothing) {
  EXPECT_THROW(static_cast<void>(accounts.execute(id, explode{})), std::runtime_error);
  EXPECT_EQ(events_in_store(), 0U);
  ASSERT_TRUE(accounts.execute(id, open{"ann"}));  // the store goes on
}

TEST_F(categories, turns_what_decide_or_evolve_throws_into_handler_failed_where_it_does_not_block) {
  std::optional<error> failed;
  const auto keep = [&](result<executed> done) { failed = done.error(); };
  accounts.execute(id, explode{}, {}, keep);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->code(), errc::handler_failed);
  EXPECT_NE(failed->message().find("decide threw"), std::string::npos);

  ASSERT_TRUE(accounts.execute(id, open{"ann"}));
  ASSERT_TRUE(accounts.execute(id, deposit{666}));
  failed.reset();
  accounts.execute(id, withdraw{1}, {}, keep);
  ASSERT_TRUE(failed);
  EXPECT_NE(failed->message().find("evolve threw"), std::string::npos);
  EXPECT_EQ(events_in_store(), 2U);
}

TEST_F(categories, transacts_a_function_and_hands_out_its_value) {
  ASSERT_TRUE(accounts.execute(id, open{"ann"}));
  const auto answer = accounts.transact(id, [](const account& a) {
    return std::pair(account_domain::decision{deposited{a.balance + 3}, deposited{4}},
                     std::string("said"));
  });
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->first.events, 2U);
  EXPECT_EQ(answer->second, "said");
  EXPECT_EQ(accounts.load(id)->state.balance, 7);
}

TEST_F(categories, transacts_without_blocking) {
  std::optional<executed> outcome;
  accounts.transact(
      id, [](const account&) -> account_domain::decision { return opened{"ann"}; }, {},
      [&](result<executed> done) { outcome = done.value(); });
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->events, 1U);
}

TEST_F(categories, tells_an_event_that_is_not_of_the_set) {
  const new_event foreign{.type = "card_issued", .payload = std::as_bytes(std::span("{}", 2))};
  ASSERT_TRUE(append_events(*store, id, {}, std::span(&foreign, 1), "account"));
  const auto loaded = accounts.load(id);
  EXPECT_EQ(loaded.error().code(), errc::serialization_error);
  EXPECT_NE(loaded.error().message().find("card_issued"), std::string::npos);
}

TEST_F(categories, tells_a_schema_it_cannot_read) {
  const new_event newer{
      .type = "account_opened", .schema = 9, .payload = std::as_bytes(std::span("{}", 2))};
  ASSERT_TRUE(append_events(*store, id, {}, std::span(&newer, 1), "account"));
  const auto& message = accounts.load(id).error().message();
  EXPECT_NE(message.find("schema 9"), std::string::npos) << message;
  EXPECT_NE(message.find("reads 1"), std::string::npos) << message;
}

TEST_F(categories, names_type_stream_version_and_field_of_a_payload_it_cannot_read) {
  const std::string_view text = R"({"owner":7})";
  const new_event wrong{.type = "account_opened", .payload = std::as_bytes(std::span(text))};
  ASSERT_TRUE(append_events(*store, id, {}, std::span(&wrong, 1), "account"));
  const auto failed = accounts.load(id);
  EXPECT_EQ(failed.error().code(), errc::serialization_error);
  for (const std::string& part :
       {std::string("account_opened"), accounts.stream_of(id), std::string("version 1"),
        std::string("owner"), std::string("found 7")})
    EXPECT_NE(failed.error().message().find(part), std::string::npos) << failed.error().message();
}

TEST_F(categories, does_not_fold_from_the_middle_of_a_truncated_history) {
  ASSERT_TRUE(accounts.execute(id, open{"ann"}));
  ASSERT_TRUE(accounts.execute(id, deposit{5}));
  ASSERT_TRUE(store->retain(accounts.stream_of(id), {.truncate_before = version{2}}));
  EXPECT_EQ(accounts.load(id).error().code(), errc::history_truncated);
  EXPECT_EQ(accounts.execute(id, deposit{5}).error().code(), errc::history_truncated);
}

TEST_F(categories, folds_from_a_summary_event_behind_the_truncation) {
  ASSERT_TRUE(accounts.execute(id, open{"ann"}));
  ASSERT_TRUE(accounts.execute(id, deposit{5}));
  ASSERT_TRUE(accounts.transact(
      id, [](const account& a) -> account_domain::decision { return summarized{a.balance}; }));
  ASSERT_TRUE(accounts.execute(id, deposit{1}));
  ASSERT_TRUE(store->retain(accounts.stream_of(id), {.truncate_before = version{3}}));
  EXPECT_EQ(accounts.load(id).value().state.balance, 6);
}

TEST_F(categories, answers_stream_gone_behind_a_tombstone) {
  ASSERT_TRUE(accounts.execute(id, open{"ann"}));
  ASSERT_TRUE(store->retain(accounts.stream_of(id), {.tombstone = true}));
  EXPECT_EQ(accounts.load(id).error().code(), errc::stream_gone);
}

TEST_F(categories, retries_a_conflict_with_the_state_that_won) {
  ASSERT_TRUE(accounts.execute(id, open{"ann"}));
  bool interfered = false;
  const auto outcome = accounts.transact(id, [&](const account& a) -> account_domain::decision {
    if (!std::exchange(interfered, true)) {
      EXPECT_TRUE(accounts.execute(id, deposit{100}));
    }
    return deposited{a.balance};
  });
  EXPECT_EQ(outcome.value().attempts, 2);
  EXPECT_EQ(accounts.load(id)->state.balance, 200);
}

TEST_F(categories, gives_up_when_its_attempts_are_spent) {
  ASSERT_TRUE(accounts.execute(id, open{"ann"}));
  int calls = 0;
  const auto outcome = accounts.transact(id,
                                         [&](const account&) -> account_domain::decision {
                                           ++calls;
                                           EXPECT_TRUE(accounts.execute(id, deposit{1}));
                                           return deposited{1};
                                         },
                                         {.attempts = 3});
  EXPECT_EQ(outcome.error().code(), errc::version_conflict);
  EXPECT_NE(outcome.error().message().find("3 attempts"), std::string::npos);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(outcome.error().why()->clause, "streams[0].expect");
}

TEST_F(categories, concurrent_commands_on_one_aggregate_all_take_effect) {
  ASSERT_TRUE(accounts.execute(id, open{"ann"}));
  constexpr int threads = 4;
  constexpr int commands = 50;
  {
    std::vector<std::jthread> running;
    for (int t = 0; t < threads; ++t)
      running.emplace_back([&] {
        for (int i = 0; i < commands; ++i)
          EXPECT_TRUE(accounts.execute(id, deposit{1},
                                       {.attempts = 1000, .budget = std::chrono::minutes(1)}));
      });
  }
  EXPECT_EQ(accounts.load(id)->state.balance, threads * commands);
}

TEST_F(categories, concurrent_commands_that_do_not_block_all_complete_once) {
  ASSERT_TRUE(accounts.execute(id, open{"ann"}));
  constexpr int threads = 4;
  constexpr int commands = 50;
  std::latch all(threads * commands);
  std::atomic<int> succeeded = 0;
  {
    std::vector<std::jthread> running;
    for (int t = 0; t < threads; ++t)
      running.emplace_back([&] {
        for (int i = 0; i < commands; ++i)
          accounts.execute(id, deposit{1}, {.attempts = 1000, .budget = std::chrono::minutes(1)},
                           [&](result<executed> done) {
                             succeeded += done ? 1 : 0;
                             all.count_down();
                           });
      });
  }
  all.wait();
  EXPECT_EQ(succeeded, threads * commands);
  EXPECT_EQ(accounts.load(id)->state.balance, threads * commands);
}

TEST(retries, are_for_conflicts_within_the_attempts_and_the_budget_stated) {
  const error conflict(errc::version_conflict, "");
  const execute_options standard;
  EXPECT_TRUE(may_retry(conflict, limits::execute_attempts - 1, standard, {}));
  EXPECT_FALSE(may_retry(conflict, limits::execute_attempts, standard, {}));
  EXPECT_TRUE(
      may_retry(conflict, 1, standard, limits::execute_budget - std::chrono::nanoseconds(1)));
  EXPECT_FALSE(may_retry(conflict, 1, standard, limits::execute_budget));
  EXPECT_FALSE(may_retry(error(errc::in_doubt, ""), 1, standard, {}));
}

TEST(back_off, waits_longer_each_time_up_to_a_bound) {
  auto& environment = posix_env();
  EXPECT_EQ(back_off(2, environment).count(), 0);
  for (int attempt = 3; attempt < 40; ++attempt) {
    const auto pause = back_off(attempt, environment);
    EXPECT_LE(pause, std::chrono::milliseconds(64));
    EXPECT_GE(pause, std::chrono::microseconds(500));
  }
}

TEST(command_digest, depends_on_stream_type_and_content) {
  const auto digest = command_digest("s", "t", "p");
  EXPECT_EQ(digest, command_digest("s", "t", "p"));
  EXPECT_NE(digest, command_digest("st", "", "p"));
  EXPECT_NE(digest, command_digest("s", "tp", ""));
  EXPECT_NE(digest, command_digest("s", "t", "q"));
}

TEST(command_digest, takes_the_unqualified_name_of_a_type) {
  EXPECT_EQ(unqualified_name_of<account_domain::deposit>(), "deposit");
  EXPECT_EQ(unqualified_name_of<int>(), "int");
}

}  // namespace
}  // namespace annals
