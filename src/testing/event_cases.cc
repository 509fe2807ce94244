#include <algorithm>

#include "annals/stream.h"
#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

constexpr std::string_view note = R"({"by":"me"})";

trace_context some_trace() {
  trace_context trace;
  for (std::uint8_t i = 0; i < 16; ++i) trace.trace_id[i] = static_cast<std::uint8_t>(i + 1);
  for (std::uint8_t i = 0; i < 8; ++i) trace.span_id[i] = static_cast<std::uint8_t>(0xf0 + i);
  trace.flags = 1;
  return trace;
}

writing full_writing() {
  writing what("order-1", expect::none(),
               {{.type = "created",
                 .payload = "payload",
                 .tags = {"customer:7", "country:de", "empty:"},
                 .event_id = id_of("event"),
                 .timestamp = time_point(std::chrono::microseconds(1'291'191'960'123'456)),
                 .schema = 65'535,
                 .codec = codec::binary,
                 .genesis = true}});
  what.context = {.command_id = id_of("command"),
                  .correlation_id = id_of("correlation"),
                  .causation_id = id_of("causation"),
                  .trace = some_trace(),
                  .tracestate = "vendor=1",
                  .user_metadata = std::as_bytes(std::span(note))};
  return what;
}

struct named {
  std::string name;
  uuid aggregate_id;
};

void check_identity(subject& on, const named& wanted) {
  SCOPED_TRACE(wanted.name);
  const auto event = on.read_stream(wanted.name).events.at(0).metadata();
  EXPECT_EQ(event.stream, wanted.name);
  EXPECT_EQ(event.category, category_of(wanted.name));
  EXPECT_EQ(event.stream_key, stream_key_of(wanted.name));
  EXPECT_EQ(event.aggregate_id, wanted.aggregate_id);
}

constexpr conformance_case cases[] = {
    {"keeps_everything_that_it_was_given",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append(full_writing())));
       on.now_and_reopened([&] {
         const auto event = on.read_stream("order-1").events.at(0);
         const auto& all = event.metadata();
         EXPECT_EQ(event.text(), "payload");
         EXPECT_EQ(all.event_id, id_of("event"));
         EXPECT_EQ(all.timestamp.time_since_epoch().count(), 1'291'191'960'123'456);
         EXPECT_EQ(all.event_type, "created");
         EXPECT_EQ(all.causation_id, id_of("causation"));
         EXPECT_EQ(all.correlation_id, id_of("correlation"));
         EXPECT_EQ(all.command_id, id_of("command"));
         EXPECT_EQ(all.schema, 65'535);
         EXPECT_EQ(all.codec, codec::binary);
         EXPECT_TRUE(all.genesis);
         EXPECT_EQ(all.tags, (std::vector<std::string>{"customer:7", "country:de", "empty:"}));
         EXPECT_EQ(all.trace, some_trace());
         EXPECT_EQ(all.tracestate, "vendor=1");
         const auto bytes = std::as_bytes(std::span(note));
         EXPECT_EQ(all.user_metadata, std::vector<std::byte>(bytes.begin(), bytes.end()));
       });
     }},

    {"has_its_place_in_stream_and_store",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(2))));
       ASSERT_TRUE(succeeds(on.append("order-2", expect::none(), facts(1))));
       on.now_and_reopened([&] {
         const auto event = on.read_stream("order-2").events.at(0).metadata();
         EXPECT_EQ(event.version, version{1});
         EXPECT_EQ(event.position, (position{.sequence = 3}));
         EXPECT_EQ(event.part, 0);
         EXPECT_EQ(event.parts, 1);
       });
     }},

    {"says_none_of_what_it_was_not_given",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(1))));
       on.now_and_reopened([&] {
         const auto event = on.read_stream("order-1").events.at(0).metadata();
         EXPECT_EQ(event.command_id, std::nullopt);
         EXPECT_EQ(event.correlation_id, std::nullopt);
         EXPECT_EQ(event.causation_id, std::nullopt);
         EXPECT_FALSE(event.trace.valid());
         EXPECT_TRUE(event.tracestate.empty());
         EXPECT_TRUE(event.user_metadata.empty());
         EXPECT_TRUE(event.tags.empty());
         EXPECT_EQ(event.schema, 1);
         EXPECT_EQ(event.codec, codec::json);
         EXPECT_FALSE(event.genesis);
       });
     }},

    {"of_one_append_shares_its_context_and_no_other",
     [](subject& on) {
       auto both = writing("order-1", expect::none(), facts(2)).command(id_of("both"));
       both.context.correlation_id = id_of("correlation");
       ASSERT_TRUE(succeeds(on.append(both)));
       ASSERT_TRUE(succeeds(on.append("order-1", expect::at({2}), facts(1))));
       on.now_and_reopened([&] {
         const auto events = on.read_stream("order-1").events;
         EXPECT_EQ(events.at(0).metadata().command_id, id_of("both"));
         EXPECT_EQ(events.at(1).metadata().command_id, id_of("both"));
         EXPECT_EQ(events.at(1).metadata().correlation_id, id_of("correlation"));
         EXPECT_EQ(events.at(2).metadata().command_id, std::nullopt);
       });
     }},

    {"without_an_id_gets_a_uuid_of_version_7_of_its_own",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(100))));
       const auto events = on.read_stream("order-1").events;
       std::vector<uuid> ids;
       for (const auto& event : events) {
         ids.push_back(event.metadata().event_id);
         EXPECT_EQ(ids.back().version(), 7);
         EXPECT_EQ(ids.back().bytes[8] >> 6, 2) << "the variant of RFC 9562";
       }
       std::sort(ids.begin(), ids.end());
       EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end());
       on.now_and_reopened([&] {
         EXPECT_EQ(on.read_stream("order-1").events.at(41).metadata().event_id,
                   events.at(41).metadata().event_id);
       });
     }},

    {"without_a_timestamp_gets_the_time_of_the_world",
     [](subject& on) {
       const time_point now(std::chrono::microseconds(1'700'000'000'123'456));
       on.world().set_clock(now);
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), facts(2))));
       on.now_and_reopened([&] {
         for (const auto& event : on.read_stream("order-1").events)
           EXPECT_EQ(event.metadata().timestamp, now);
       });
     }},

    {"keeps_its_timestamp_whatever_the_others_say",
     [](subject& on) {
       std::vector<fact> events;
       std::vector<time_point> times;
       for (const std::int64_t us :
            {INT64_C(1'000'000), INT64_C(-1), INT64_C(0), INT64_C(-62'135'596'800'000'000),
             INT64_C(999'999), INT64_C(253'402'300'799'999'999)}) {
         times.emplace_back(std::chrono::microseconds(us));
         events.push_back({.timestamp = times.back()});
       }
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), events)));
       on.now_and_reopened([&] {
         const auto stored = on.read_stream("order-1").events;
         ASSERT_EQ(stored.size(), times.size());
         for (std::size_t i = 0; i < times.size(); ++i)
           EXPECT_EQ(stored[i].metadata().timestamp, times[i]);
       });
     }},

    {"has_the_aggregate_id_that_its_stream_is_named_by",
     [](subject& on) {
       const auto id = id_of("aggregate");
       const auto text = id.to_string();
       auto upper = text;
       for (auto& c : upper)
         if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
       const auto keyed = [](std::string name) { return named{name, stream_key_of(name)}; };
       const named all[] = {{"order-" + text, id},
                            {"fulfilment-" + text, id},
                            {text, id},
                            keyed("order-eu-" + text),
                            keyed("order-" + upper),
                            keyed("order-1"),
                            keyed("notes"),
                            keyed("order-" + text + "x"),
                            keyed("-order"),
                            {"-" + text, id}};
       for (const auto& one : all)
         ASSERT_TRUE(succeeds(on.append(one.name, expect::none(), facts(1)))) << one.name;
       on.now_and_reopened([&] {
         for (const auto& one : all) check_identity(on, one);
       });
     }},

    {"view_tells_the_same_as_its_record",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append(full_writing())));
       on.now_and_reopened([&] {
         const auto end = on.store().read({}, [](const event_batch& batch) {
           for (const auto& view : batch.events) {
             const event_record record(view);
             const auto& all = record.metadata();
             const auto header = view.header();
             EXPECT_EQ(view.type(), all.event_type);
             EXPECT_EQ(view.schema(), all.schema);
             EXPECT_EQ(view.codec(), all.codec);
             EXPECT_EQ(view.version(), all.version);
             EXPECT_EQ(view.position(), all.position);
             EXPECT_EQ(view.text(), record.text());
             EXPECT_EQ(view.stream_name(), all.stream);
             EXPECT_EQ(header.event_id, all.event_id);
             EXPECT_EQ(header.stream_key, all.stream_key);
             EXPECT_EQ(header.aggregate_id, all.aggregate_id);
             EXPECT_EQ(header.timestamp, all.timestamp);
             EXPECT_EQ(header.recorded, all.recorded);
             EXPECT_EQ(header.part, all.part);
             EXPECT_EQ(header.parts, all.parts);
             EXPECT_EQ(header.genesis, all.genesis);
           }
           return flow::more;
         });
         EXPECT_EQ(end.value().delivered, 1U);
       });
     }},

    {"record_outlives_the_store",
     [](subject& on) {
       ASSERT_TRUE(succeeds(on.append(full_writing())));
       const auto event = on.read_stream("order-1").events.at(0);
       on.shut();
       EXPECT_EQ(event.text(), "payload");
       EXPECT_EQ(event.metadata().stream, "order-1");
       EXPECT_EQ(event.metadata().tags.at(1), "country:de");
     }},

    {"view_has_64_readable_bytes_after_its_payload",
     [](subject& on) {
       std::vector<fact> sizes;
       for (const std::size_t size : {0U, 1U, 63U, 64U, 65U, 4095U, 4096U, 100'000U})
         sizes.push_back({.payload = std::string(size, 'p')});
       ASSERT_TRUE(succeeds(on.append("order-1", expect::none(), sizes)));
       on.now_and_reopened([&] {
         std::size_t seen = 0;
         const auto end = on.store().read({}, [&](const event_batch& batch) {
           for (const auto& view : batch.events) {
             const volatile std::byte* after = view.payload().data() + view.payload().size();
             for (std::size_t i = 0; i < 64; ++i) (void)after[i];  // a sanitizer would object
             ++seen;
           }
           return flow::more;
         });
         ASSERT_TRUE(succeeds(end));
         EXPECT_EQ(seen, sizes.size());
       });
     }},
};

}  // namespace

case_list event_cases() {
  return cases;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
