#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>

#include "annals/limits.h"
#include "failing_env.h"
#include "format.h"
#include "segment.h"
#include "store_fixture.h"

namespace annals::embedded {
namespace {

namespace fs = std::filesystem;

class embedded_engine : public store_fixture {
 protected:
  embedded_engine() { env_ = &counting; }

  void append_many(event_store& store, int count, std::atomic<int>& left) {
    left = count;
    for (int i = 0; i < count; ++i) {
      const auto name = "order-" + std::to_string(i);
      const new_event event{.type = "happened"};
      const stream_write write{name, expect::none(), {&event, 1}};
      store.append({.streams = {&write, 1}}, [&](result<appended> answer) {
        EXPECT_TRUE(answer);
        --left;
      });
    }
  }
  void wait_for(const std::atomic<int>& left) {
    while (left > 0) std::this_thread::yield();
  }
  /// Rewrites a header block with another version and a CRC that holds.
  template <class Header>
  void set_version(const std::string& path, std::uint32_t version) {
    auto header = read_as<Header>(content(path).data());
    header.version = version;
    const auto block = header_block(header);
    overwrite(path, 0, {block.data(), block.size()});
  }

  failing_env counting{posix_env()};
};

TEST_F(embedded_engine, gives_back_what_was_appended) {
  auto store = open();
  const auto done = append(*store, "order-1", {"created", "paid"});
  ASSERT_TRUE(done) << done.error().to_string();
  EXPECT_EQ(done->first.sequence, 1U);
  EXPECT_EQ(done->last.sequence, 2U);
  EXPECT_EQ(done->stream_version.number, 2U);
  EXPECT_EQ(texts(*store, "order-1"), (std::vector<std::string>{"created", "paid"}));
}

TEST_F(embedded_engine, says_what_it_is) {
  const auto store = open();
  EXPECT_EQ(store->info().engine, "embedded");
  EXPECT_EQ(store->info().address, "file:" + root());
  EXPECT_EQ(store->info().durability, durability::power_loss);
  EXPECT_FALSE(store->info().store_id.is_nil());
}

TEST_F(embedded_engine, promises_what_it_was_asked_for) {
  auto options = small();
  options.durability = durability::os;
  {
    const auto store = open(options);
    EXPECT_EQ(store->info().durability, durability::os);
    ASSERT_TRUE(append(*store, "order-1", {"one"}));
  }
  const auto again = open();
  EXPECT_EQ(again->info().durability, durability::power_loss);
  EXPECT_EQ(texts(*again, "order-1"), std::vector<std::string>{"one"});
  options.durability = durability::memory;
  const auto refused = try_open(options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), errc::invalid_argument);
}

TEST_F(embedded_engine, keeps_its_store_id_over_reopening) {
  const auto id = open()->info().store_id;
  EXPECT_EQ(open()->info().store_id, id);
}

TEST_F(embedded_engine, writes_once_for_one_append) {
  auto store = open();
  const auto before = counting.writes();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(append(*store, "order-1", {"x"}));
  EXPECT_EQ(counting.writes() - before, 10U);
}

TEST_F(embedded_engine, writes_far_less_often_than_there_are_appends_in_flight) {
  auto store = open();
  const auto before = counting.writes();
  std::atomic<int> left{0};
  append_many(*store, 1'000, left);
  wait_for(left);
  EXPECT_LT(counting.writes() - before, 500U);
}

TEST_F(embedded_engine, runs_completions_in_commit_order_after_the_event_is_readable) {
  auto store = open();
  std::vector<std::uint64_t> order;  // only the completion thread writes it
  std::atomic<int> left{500};
  for (int i = 0; i < 500; ++i) {
    const new_event event{.type = "happened"};
    const stream_write write{"order-1", expect::any(), {&event, 1}};
    store->append({.streams = {&write, 1}}, [&](result<appended> answer) {
      ASSERT_TRUE(answer);
      order.push_back(answer->first.sequence);
      EXPECT_GE(store->head()->in(0).sequence, answer->last.sequence);
      --left;
    });
  }
  wait_for(left);
  ASSERT_EQ(order.size(), 500U);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST_F(embedded_engine, keeps_an_append_greater_than_a_segment) {
  const std::string great(3U << 20U, 'g');
  {
    auto store = open();
    ASSERT_TRUE(append(*store, "order-1", {"before"}));
    ASSERT_TRUE(append(*store, "order-1", {great, great}));
    ASSERT_TRUE(append(*store, "order-1", {"after"}));
    EXPECT_EQ(texts(*store, "order-1"),
              (std::vector<std::string>{"before", great, great, "after"}));
  }
  EXPECT_EQ(texts(*open(), "order-1"), (std::vector<std::string>{"before", great, great, "after"}));
  EXPECT_EQ(fs::file_size(segment(2)), 7U << 20U);
}

TEST_F(embedded_engine, takes_the_greatest_append_that_the_limits_allow) {
  auto store = open();
  const std::string payload(limits::payload_bytes, 'p');
  std::vector<new_event> events(
      2,
      {.type = "t", .payload = std::as_bytes(std::span(payload)).first(limits::payload_bytes - 1)});
  const stream_write write{"order-1", expect::none(), events};
  EXPECT_TRUE(store->append({.streams = {&write, 1}}));
  EXPECT_EQ(texts(*store, "order-1").back().size(), limits::payload_bytes - 1);
}

TEST_F(embedded_engine, begins_with_a_small_segment_and_doubles) {
  {
    auto store = open({});
  }
  EXPECT_EQ(fs::file_size(segment(1)), 4U << 20U);
  EXPECT_EQ(planned_capacity(2, 64U << 20U), 8U << 20U);
  EXPECT_EQ(planned_capacity(5, 64U << 20U), 64U << 20U);
  EXPECT_EQ(planned_capacity(500, 64U << 20U), 64U << 20U);
  EXPECT_EQ(planned_capacity(1, 1U << 20U), 1U << 20U);
}

TEST_F(embedded_engine, answers_overloaded_beyond_the_bytes_in_flight_and_goes_on_afterwards) {
  auto store = open();
  const std::string payload(8U << 20U, 'p');
  std::atomic<int> left{0};
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    const new_event event{.type = "great", .payload = std::as_bytes(std::span(payload))};
    const stream_write write{"order-1", expect::any(), {&event, 1}};
    ++left;
    store->append({.streams = {&write, 1}}, [&](result<appended> answer) {
      if (!answer) {
        EXPECT_EQ(answer.error().code(), errc::overloaded);
        ++refused;
      }
      --left;
    });
  }
  wait_for(left);
  EXPECT_EQ(texts(*store, "order-1").size(), static_cast<std::size_t>(20 - refused));
  EXPECT_TRUE(append(*store, "order-1", {"again"}));
}

TEST_F(embedded_engine, is_in_use_by_a_pid_that_the_error_names) {
  const auto store = open();
  const auto second = try_open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), errc::store_in_use);
  EXPECT_NE(second.error().message().find("pid " + std::to_string(::getpid())), std::string::npos)
      << second.error().message();
  EXPECT_EQ(verify_embedded(root()).error().code(), errc::store_in_use);
}

TEST_F(embedded_engine, refuses_a_newer_format_wherever_it_is_stated) {
  {
    auto store = open();
  }
  set_version<store_mark>(root() + "/ANNALS", format_version + 1);
  EXPECT_EQ(try_open().error().code(), errc::store_too_new);
  EXPECT_EQ(verify_embedded(root()).error().code(), errc::store_too_new);
  set_version<store_mark>(root() + "/ANNALS", format_version);
  set_version<segment_header>(segment(1), format_version + 1);
  EXPECT_EQ(try_open().error().code(), errc::store_too_new);
  set_version<segment_header>(segment(1), format_version);
  EXPECT_TRUE(try_open());
  set_version<store_mark>(root() + "/ANNALS", format_version - 1);
  EXPECT_EQ(try_open().error().code(), errc::unsupported);
  set_version<store_mark>(root() + "/ANNALS", format_version);
  set_version<segment_header>(segment(1), format_version - 1);
  EXPECT_EQ(try_open().error().code(), errc::store_corrupt);
}

TEST_F(embedded_engine, refuses_what_is_no_store_and_leaves_it_alone) {
  EXPECT_EQ(try_open({.create = false}).error().code(), errc::not_a_store);
  EXPECT_FALSE(fs::exists(root()));
  EXPECT_EQ(try_open({.read_only = true}).error().code(), errc::not_a_store);
  EXPECT_EQ(verify_embedded(root()).error().code(), errc::not_a_store);

  fs::create_directory(root());
  EXPECT_EQ(try_open({.create = false}).error().code(), errc::not_a_store);
  std::ofstream(root() + "/letter.txt") << "Dear Sirs";
  EXPECT_EQ(try_open().error().code(), errc::not_a_store);
  EXPECT_EQ(std::distance(fs::directory_iterator(root()), {}), 1);

  fs::remove_all(root());
  std::ofstream(root()) << "a file";
  EXPECT_EQ(try_open().error().code(), errc::not_a_store);
}

TEST_F(embedded_engine, refuses_a_log_whose_marker_is_lost) {
  ASSERT_TRUE(append(*open(), "order-1", {"one"}));
  fs::remove(root() + "/ANNALS");
  EXPECT_EQ(try_open().error().code(), errc::not_a_store);
  EXPECT_TRUE(fs::exists(segment(1)));
}

TEST_F(embedded_engine, completes_an_interrupted_creation) {
  // Zeros, header, manifest, marker: whichever write fails, the next opening makes the store.
  std::uint64_t failing = 1;
  for (bool made = false; !made; ++failing) {
    fs::remove_all(root());
    counting.fail_writes_from(failing, errc::database_error);
    EXPECT_FALSE(try_open()) << failing;
    counting.heal();
    made = fs::exists(root() + "/ANNALS");
    EXPECT_TRUE(append(*open(), "order-1", {"one"})) << failing;
  }
  EXPECT_GT(failing, 4U);
}

TEST_F(embedded_engine, refuses_odd_segment_sizes) {
  EXPECT_EQ(try_open({.segment_bytes = 1000}).error().code(), errc::invalid_argument);
  EXPECT_EQ(try_open({.segment_bytes = (1U << 20U) + 1}).error().code(), errc::invalid_argument);
  EXPECT_EQ(try_open({.segment_bytes = std::uint64_t{8} << 30U}).error().code(),
            errc::invalid_argument);
}

TEST_F(embedded_engine, delivers_the_intact_events_before_damage_then_names_it) {
  {
    auto store = open();
    for (int i = 0; i < 8; ++i)
      ASSERT_TRUE(append(*store, "order-1", {"text " + std::to_string(i)}));
  }
  auto store = open();
  const auto bytes = content(segment(1));
  const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  flip(segment(1), all.find("text 5"));
  std::vector<std::string> delivered;
  const auto end = store->read({.stream = "order-1"}, [&](const event_batch& batch) {
    for (const auto& event : batch.events) delivered.emplace_back(event.text());
    return flow::more;
  });
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code(), errc::store_corrupt);
  EXPECT_NE(end.error().message().find("position 6 of stream order-1"), std::string::npos)
      << end.error().message();
  EXPECT_EQ(delivered.size(), 5U);
  EXPECT_TRUE(append(*store, "order-1", {"the log goes on"}));
}

TEST_F(embedded_engine, is_open_for_reading_while_nothing_is_changed) {
  ASSERT_TRUE(append(*open(), "order-1", {"one"}));
  const auto before = content(segment(1));
  {
    auto store = open({.create = false, .read_only = true});
    EXPECT_EQ(texts(*store, "order-1").size(), 1U);
    EXPECT_EQ(append(*store, "order-1", {"two"}).error().code(), errc::unsupported);
    EXPECT_TRUE(store->close());
  }
  EXPECT_EQ(content(segment(1)), before);
}

TEST_F(embedded_engine, finds_names_types_and_tags_again_in_every_order) {
  const auto fill = [](event_store& store, int from, int to) {
    for (int i = from; i < to; ++i) {
      const auto name = "category" + std::to_string(i % 7) + "-" + std::to_string(i);
      const auto type = "type" + std::to_string(i % 11);
      const auto tag = "n:" + std::to_string(i % 5);
      const std::string_view tags[] = {tag};
      const new_event event{.type = type, .tags = tags};
      const stream_write write{name, expect::none(), {&event, 1}};
      ASSERT_TRUE(store.append({.streams = {&write, 1}}));
    }
  };
  fill(*open(), 0, 50);
  auto store = open();
  fill(*store, 50, 100);
  store.reset();
  store = open();
  for (int i = 0; i < 100; ++i) {
    const auto name = "category" + std::to_string(i % 7) + "-" + std::to_string(i);
    const auto end = store->read({.stream = name}, [&](const event_batch& batch) {
      const auto all = batch.events.front().metadata();
      EXPECT_EQ(all.event_type, "type" + std::to_string(i % 11));
      EXPECT_EQ(all.tags, std::vector<std::string>{"n:" + std::to_string(i % 5)});
      EXPECT_EQ(all.category, "category" + std::to_string(i % 7));
      return flow::more;
    });
    ASSERT_TRUE(end);
    EXPECT_EQ(end->delivered, 1U) << name;
  }
}

TEST_F(embedded_engine, remembers_command_ids_over_reopening_with_and_without_events) {
  const uuid paid{{1}};
  const uuid checked{{2}};
  const stream_write nothing{"order-1", expect::at({2}), {}};
  {
    auto store = open();
    ASSERT_TRUE(
        append(*store, "order-1", {"created", "paid"}, expect::none(), {.command_id = paid}));
    ASSERT_TRUE(store->append({.streams = {&nothing, 1}, .context = {.command_id = checked}}));
  }
  auto store = open();
  const auto again =
      append(*store, "order-1", {"created", "paid"}, expect::none(), {.command_id = paid});
  ASSERT_TRUE(again) << again.error().to_string();
  EXPECT_TRUE(again->already_applied);
  EXPECT_EQ(again->first.sequence, 1U);
  EXPECT_EQ(again->last.sequence, 2U);
  const auto other = append(*store, "order-1", {"shipped"}, expect::at({2}), {.command_id = paid});
  EXPECT_EQ(other.error().code(), errc::command_id_reused);
  const auto found = store->find_command(checked).value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->result.first.sequence, 0U);
  EXPECT_EQ(found->result.stream_version.number, 2U);
  EXPECT_EQ(found->stream, "order-1");
  EXPECT_EQ(texts(*store, "order-1").size(), 2U);
}

TEST_F(embedded_engine, begins_a_new_snapshot_file_behind_a_torn_one) {
  auto store = open();
  ASSERT_TRUE(append(*store, "order-1", {"one"}));
  uuid last;
  ASSERT_TRUE(store->read({.stream = "order-1"}, [&](const event_batch& batch) {
    last = batch.events.front().header().event_id;
    return flow::more;
  }));
  const snapshot_write write{.stream = "order-1", .version = {1}, .last_event = last};
  ASSERT_TRUE(store->save_snapshot(write));
  store.reset();
  fs::resize_file(root() + "/snap/000000000001.snap", block_bytes + 40);
  store = open();
  EXPECT_FALSE(store->load_snapshot("order-1", 0).value().has_value());
  ASSERT_TRUE(store->save_snapshot(write));
  store.reset();
  EXPECT_TRUE(fs::exists(root() + "/snap/000000000002.snap"));
  EXPECT_TRUE(open()->load_snapshot("order-1", 0).value().has_value());
}

TEST_F(embedded_engine, reports_progress_and_counts_while_verifying) {
  {
    auto store = open();
    for (int i = 0; i < 40; ++i)
      ASSERT_TRUE(append(*store, "order-1", {std::string(200'000, 'x')}));
  }
  std::vector<std::uint64_t> done;
  std::uint64_t total = 0;
  const auto report = verify_embedded(root(), [&](std::uint64_t bytes, std::uint64_t all) {
    done.push_back(bytes);
    total = all;
  });
  ASSERT_TRUE(report);
  EXPECT_EQ(report->events, 40U);
  EXPECT_EQ(report->bytes, total);
  EXPECT_GT(report->segments, 5U);
  EXPECT_GE(done.size(), 2U);
  EXPECT_TRUE(std::ranges::is_sorted(done));
  EXPECT_EQ(done.back(), total);
}

}  // namespace
}  // namespace annals::embedded
