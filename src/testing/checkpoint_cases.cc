#include "cases.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

/// Twenty events, every third of type "third".
void write_twenty(subject& on) {
  for (int i = 1; i <= 20; ++i)
    ASSERT_TRUE(succeeds(on.append("order-" + std::to_string(i % 4), expect::any(),
                                   {{.type = i % 3 == 0 ? "third" : "other"}})));
}

/// Reads on from checkpoint to checkpoint, some events at a time, until nothing more comes.
std::vector<std::uint64_t> read_in_steps(subject& on, read_filter filter, std::uint64_t step) {
  std::vector<std::uint64_t> all;
  checkpoint seen;
  for (;;) {
    const auto some = on.read({.after = seen, .filter = filter, .limit = step}).value();
    const auto sequences = some.sequences();
    all.insert(all.end(), sequences.begin(), sequences.end());
    seen = some.end.scanned_to;
    if (some.end.complete) return all;
  }
}

void check_diverged(subject& on, const checkpoint& foreign) {
  SCOPED_TRACE(foreign.to_string());
  EXPECT_TRUE(fails(on.read({.after = foreign}), errc::checkpoint_diverged));
  EXPECT_TRUE(fails(on.read({.after = foreign, .direction = direction::backwards}),
                    errc::checkpoint_diverged));
  inbox<checkpoint> notes(on.world());
  const auto handle = on.store().notify_past(foreign, notes.slot());
  EXPECT_TRUE(fails(notes.wait_for(1).at(0), errc::checkpoint_diverged));
}

constexpr conformance_case cases[] = {
    {"of_a_read_is_where_the_next_one_goes_on",
     [](subject& on) {
       write_twenty(on);
       selecting third{{.types = {"third"}}};
       on.now_and_reopened([&] {
         for (const std::uint64_t step : {1U, 2U, 3U, 7U, 20U, 100U}) {
           SCOPED_TRACE(step);
           EXPECT_EQ(read_in_steps(on, {}, step), on.read_store().sequences());
           EXPECT_EQ(read_in_steps(on, {.matching = third.matching()}, step),
                     (std::vector<std::uint64_t>{3, 6, 9, 12, 15, 18}));
         }
       });
     }},

    {"is_still_good_after_opening_again",
     [](subject& on) {
       write_twenty(on);
       const auto seen = on.read({.limit = 12}).value().end.scanned_to;
       const auto head = on.head();
       on.now_and_reopened([&] {
         EXPECT_EQ(on.head(), head);
         EXPECT_EQ(on.read({.after = seen}).value().events.size(), 8U);
       });
     }},

    {"of_a_whole_read_is_the_head",
     [](subject& on) {
       EXPECT_TRUE(on.head().is_start());
       write_twenty(on);
       on.now_and_reopened([&] {
         const auto head = on.head();
         EXPECT_EQ(head.store_id(), on.info().store_id);
         EXPECT_EQ(head.in(0).sequence, 20U);
         EXPECT_EQ(head.in(0).fingerprint,
                   fingerprint_of(on.read_store().events.back().metadata().event_id));
         EXPECT_EQ(on.read_store().end.scanned_to, head);
         EXPECT_EQ(on.read({.after = head}).value().end.scanned_to, head);
       });
     }},

    {"of_every_batch_covers_what_was_delivered_so_far",
     [](subject& on) {
       write_twenty(on);
       std::uint64_t last = 0;
       const auto end = on.store().read({}, [&](const event_batch& batch) {
         if (!batch.events.empty()) last = batch.events.back().position().sequence;
         EXPECT_GE(batch.scanned_to.in(0).sequence, last);
         return flow::more;
       });
       ASSERT_TRUE(succeeds(end));
       EXPECT_EQ(end->scanned_to.in(0).sequence, 20U);
     }},

    {"of_a_stopped_read_covers_only_what_was_delivered",
     [](subject& on) {
       write_twenty(on);
       checkpoint reported;
       const auto end = on.store().read({.limit = 5}, [&](const event_batch& batch) {
         reported = batch.scanned_to;
         return flow::stop;
       });
       ASSERT_TRUE(succeeds(end));
       EXPECT_EQ(end->scanned_to, reported);
       EXPECT_EQ(end->scanned_to.in(0).sequence, end->delivered);
     }},

    {"of_a_read_that_is_no_forward_read_of_the_store_is_what_it_held_at_the_start",
     [](subject& on) {
       write_twenty(on);
       const auto head = on.head();
       EXPECT_EQ(on.read_stream("order-1").end.scanned_to, head);
       EXPECT_EQ(on.read_stream("never-1").end.scanned_to, head);
       EXPECT_EQ(on.read({.direction = direction::backwards, .limit = 1}).value().end.scanned_to,
                 head);
     }},

    {"survives_being_printed_and_parsed",
     [](subject& on) {
       write_twenty(on);
       const auto seen = on.read({.limit = 12}).value().end.scanned_to;
       const auto parsed = checkpoint::parse(seen.to_string());
       ASSERT_TRUE(succeeds(parsed));
       EXPECT_EQ(on.read({.after = *parsed}).value().events.size(), 8U);
     }},

    {"of_another_store_is_refused",
     [](subject& on) {
       write_twenty(on);
       subject another(on.tested());
       write_twenty(another);
       check_diverged(on, another.head());
       subject empty(on.tested());
       check_diverged(empty, another.head());
     }},

    {"of_another_history_of_this_store_is_refused",
     [](subject& on) {
       write_twenty(on);
       const auto head = on.head();
       const auto mark = head.in(0);
       on.now_and_reopened([&] {
         check_diverged(on, {head.store_id(),
                             {.sequence = mark.sequence, .fingerprint = mark.fingerprint ^ 1}});
         check_diverged(on, {head.store_id(),
                             {.sequence = mark.sequence - 1, .fingerprint = mark.fingerprint}});
       });
     }},

    {"beyond_the_end_is_refused",
     [](subject& on) {
       write_twenty(on);
       const auto head = on.head();
       check_diverged(
           on, {head.store_id(),
                {.sequence = head.in(0).sequence + 1, .fingerprint = head.in(0).fingerprint}});
     }},
};

}  // namespace

case_list checkpoint_cases() {
  return cases;
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
