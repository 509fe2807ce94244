#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

constexpr conformance_case cases[] = {
    {"counts_versions_of_a_stream_from_1_without_gaps",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(2))));
       ASSERT_TRUE(succeeds(on.append("order-1", expect::at({2}), facts(1))));
       on.now_and_reopened([&] {
         EXPECT_EQ(on.read_stream("order-1").versions(), (std::vector<std::uint64_t>{1, 2, 3}));
       });
       ASSERT_TRUE(succeeds(on.append("order-1", expect::at({3}), facts(1))));
       EXPECT_EQ(on.read_stream("order-1").versions(), (std::vector<std::uint64_t>{1, 2, 3, 4}));
     }},

    {"counts_positions_of_the_store_from_1_without_gaps",
     [](subject& on) {
       for (const auto* name : {"order-1", "order-2", "order-1", "cart-1"})
         ASSERT_TRUE(succeeds(on.append(name, expect::any(), facts(2))));
       EXPECT_TRUE(fails(on.append("order-1", expect::at({1}), facts(1)), errc::version_conflict));
       ASSERT_TRUE(succeeds(on.append("order-2", expect::any(), facts(1))));
       on.now_and_reopened([&] {
         EXPECT_EQ(on.read_store().sequences(),
                   (std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
       });
       const auto next = on.append("cart-1", expect::any(), facts(1));
       ASSERT_TRUE(succeeds(next));
       EXPECT_EQ(next->first, (position{.sequence = 10}));
     }},

    {"answers_first_and_last_position_and_the_version_of_the_stream",
     [](subject& on) {
       const auto first = on.append("order-1", expect::none(), facts(3));
       ASSERT_TRUE(succeeds(first));
       EXPECT_EQ(first->first, (position{.sequence = 1}));
       EXPECT_EQ(first->last, (position{.sequence = 3}));
       EXPECT_EQ(first->stream_version, version{3});
       EXPECT_FALSE(first->already_applied);

       const auto second = on.append("order-1", expect::at({3}), facts(1));
       ASSERT_TRUE(succeeds(second));
       EXPECT_EQ(second->first, (position{.sequence = 4}));
       EXPECT_EQ(second->last, (position{.sequence = 4}));
       EXPECT_EQ(second->stream_version, version{4});
     }},

    {"keeps_every_byte_of_a_payload",
     [](subject& on) {
       std::string bytes;
       for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
       const std::vector<std::string> payloads{"", std::string(1, '\0'), bytes,
                                               std::string(1'000'000, 'x')};
       std::vector<fact> events;
       for (const auto& payload : payloads)
         events.push_back({.payload = payload, .codec = codec::binary});
       ASSERT_TRUE(succeeds(on.append("blob-1", expect::none(), events)));
       on.now_and_reopened([&] { EXPECT_EQ(on.read_stream("blob-1").texts(), payloads); });
     }},

    {"keeps_the_order_in_which_events_were_given",
     [](subject& on) {
       std::vector<fact> events;
       std::vector<std::string> payloads;
       for (int i = 0; i < 1000; ++i) {
         payloads.push_back(std::to_string(i));
         events.push_back({.payload = payloads.back()});
       }
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), events)));
       on.now_and_reopened([&] { EXPECT_EQ(on.read_stream("order-1").texts(), payloads); });
     }},

    {"borrows_its_request_only_until_the_call_returns",
     [](subject& on) {
       inbox<appended> answers(on.world());
       {
         auto what = std::make_unique<writing>(
             "order-1", expect::none(),
             std::vector<fact>{{.type = "a_type_too_long_to_be_stored_inside_a_string_object",
                                .payload = std::string(300, 'p'),
                                .tags = {"customer:" + std::string(100, 't')}}});
         what->context.command_id = id_of("command");
         const auto request = what->request();
         on.store().append(request, answers.slot());
       }
       ASSERT_TRUE(succeeds(answers.wait_for(1).at(0)));
       const auto stored = on.read_stream("order-1");
       ASSERT_EQ(stored.events.size(), 1U);
       const auto& event = stored.events[0];
       EXPECT_EQ(event.metadata().event_type,
                 "a_type_too_long_to_be_stored_inside_a_string_object");
       EXPECT_EQ(event.text(), std::string(300, 'p'));
       EXPECT_EQ(event.metadata().tags.at(0), "customer:" + std::string(100, 't'));
     }},

    {"that_is_refused_leaves_nothing_behind",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       const auto before = on.head();
       EXPECT_TRUE(
           fails(on.append(writing("order-1", expect::none(), facts(1)).command(id_of("refused"))),
                 errc::version_conflict));
       EXPECT_TRUE(fails(on.append("order-2", expect::exists(), facts(1)), errc::version_conflict));
       on.now_and_reopened([&] {
         EXPECT_EQ(on.head(), before);
         EXPECT_EQ(on.read_stream("order-1").end.stream_version, version{1});
         EXPECT_EQ(on.store().list_streams({}).value().size(), 1U);
         EXPECT_EQ(on.store().find_command(id_of("refused")).value(), std::nullopt);
       });
     }},

    {"says_in_info_what_the_store_is",
     [](subject& on) {
       const auto first = on.info();
       EXPECT_FALSE(first.store_id.is_nil());
       EXPECT_FALSE(first.engine.empty());
       EXPECT_GE(first.partitions, 1U);
       subject another(on.tested());
       EXPECT_NE(another.info().store_id, first.store_id);
       on.now_and_reopened([&] { EXPECT_EQ(on.info().store_id, first.store_id); });
     }},
};

}  // namespace

case_list append_cases() {
  return cases;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
