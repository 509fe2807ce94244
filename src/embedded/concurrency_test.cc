#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "failing_env.h"
#include "store_fixture.h"

namespace annals::embedded {
namespace {

/// Many threads on one store. Run under the thread sanitizer too.
struct embedded_concurrent : store_fixture {
  embedded_concurrent() : store_fixture(disk::memory) {}
};

void run_threads(int count, const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(body, i);
  for (auto& one : threads) one.join();
}

TEST_F(embedded_concurrent, writers_of_one_stream_win_each_version_once) {
  auto store = open();
  constexpr int rounds = 60;
  std::map<std::uint64_t, std::atomic<int>> winners;
  for (std::uint64_t v = 1; v <= rounds; ++v) winners[v] = 0;
  run_threads(4, [&](int) {
    for (std::uint64_t v = 0; v < rounds;) {
      const auto done = append(*store, "order-1", {"x"}, expect::at({v}));
      if (done) {
        ++winners[done->stream_version.number];
        ++v;
      } else {
        EXPECT_EQ(done.error().code(), errc::version_conflict);
        v = std::max(v + 1, done.error().why()->actual.number);
      }
    }
  });
  std::uint64_t stored = 0;
  for (const auto& [v, count] : winners) {
    EXPECT_LE(count, 1) << v;
    stored += static_cast<std::uint64_t>(count);
  }
  EXPECT_EQ(texts(*store, "order-1").size(), stored);
}

TEST_F(embedded_concurrent, blocking_and_completing_appends_all_arrive_in_dense_order) {
  {
    auto store = open();
    std::atomic<int> left{4 * 300};
    run_threads(4, [&](int thread) {
      const auto name = "order-" + std::to_string(thread);
      for (int i = 0; i < 300; ++i) {
        const auto text = std::to_string(i);
        const new_event event{.type = "happened", .payload = std::as_bytes(std::span(text))};
        const stream_write write{
            name, expect::at({static_cast<std::uint64_t>(2 * i)}), {&event, 1}};
        store->append({.streams = {&write, 1}}, [&](result<appended> answer) {
          EXPECT_TRUE(answer);
          --left;
        });
        EXPECT_TRUE(
            append(*store, name, {text}, expect::at({static_cast<std::uint64_t>(2 * i + 1)})));
      }
    });
    while (left > 0) std::this_thread::yield();
    EXPECT_EQ(texts(*store, {}).size(), 2400U);
  }
  auto store = open();
  for (int thread = 0; thread < 4; ++thread) {
    const auto found = texts(*store, "order-" + std::to_string(thread));
    ASSERT_EQ(found.size(), 600U);
    for (std::size_t i = 0; i < found.size(); ++i) ASSERT_EQ(found[i], std::to_string(i / 2));
  }
}

TEST_F(embedded_concurrent, readers_never_skip_and_never_see_an_event_twice) {
  auto store = open();
  std::atomic<bool> writing{true};
  std::thread writer([&] {
    for (int i = 0; i < 400; ++i)
      EXPECT_TRUE(append(*store, "order-" + std::to_string(i % 9), {std::string(3'000, 'x')}));
    writing = false;
  });
  run_threads(2, [&](int) {
    checkpoint seen;
    std::uint64_t next = 1;
    for (bool last = false; !last;) {
      last = !writing;
      const auto end = store->read({.after = seen}, [&](const event_batch& batch) {
        for (const auto& event : batch.events) {
          EXPECT_EQ(event.position().sequence, next++);
          EXPECT_EQ(event.payload().size(), 3'000U);
          EXPECT_EQ(event.metadata().position, event.position());
        }
        return flow::more;
      });
      ASSERT_TRUE(end) << end.error().to_string();
      seen = end->scanned_to;
    }
    EXPECT_EQ(next, 401U);
  });
  writer.join();
}

TEST_F(embedded_concurrent, closing_answers_every_append_that_was_accepted) {
  for (int round = 0; round < 10; ++round) {
    auto store = open();
    std::atomic<int> accepted{0};
    std::atomic<int> answered{0};
    std::atomic<int> started{0};
    std::thread closer([&] {
      while (started < 3) std::this_thread::yield();
      EXPECT_TRUE(store->close());
    });
    run_threads(3, [&](int thread) {
      ++started;
      const auto name = "order-" + std::to_string(thread);
      for (int i = 0; i < 200; ++i) {
        const new_event event{.type = "happened"};
        const stream_write write{name, expect::any(), {&event, 1}};
        ++accepted;
        store->append({.streams = {&write, 1}}, [&](result<appended> answer) {
          EXPECT_TRUE(answer || answer.error().code() == errc::shutting_down);
          ++answered;
        });
        if (i % 20 == 0) {
          const auto blocked = append(*store, name, {"x"});
          EXPECT_TRUE(blocked || blocked.error().code() == errc::shutting_down);
        }
      }
    });
    closer.join();
    store.reset();  // what came after close() is answered by then, too
    EXPECT_EQ(answered, accepted);
  }
}

TEST_F(embedded_concurrent, many_blocked_callers_all_wake_when_a_write_fails) {
  failing_env world{posix_env()};
  env_ = &world;
  auto store = open();
  std::atomic<int> failed{0};
  std::atomic<int> stored{0};
  run_threads(8, [&](int thread) {
    for (int i = 0; i < 20; ++i) {
      if (thread == 0 && i == 10) world.fail_writes_from(1, errc::database_error);
      if (append(*store, "order-" + std::to_string(thread), {"x"})) {
        ++stored;
      } else {
        ++failed;
      }
    }
  });
  EXPECT_EQ(failed + stored, 160);
  EXPECT_GE(failed, 10);
  EXPECT_FALSE(store->close());
  store.reset();
  world.heal();
  EXPECT_GE(texts(*open(), {}).size(), static_cast<std::size_t>(stored));
}

TEST_F(embedded_concurrent, snapshots_and_retention_go_beside_appends) {
  auto store = open();
  ASSERT_TRUE(append(*store, "order-1", {"first"}));
  uuid last;
  ASSERT_TRUE(store->read({.stream = "order-1"}, [&](const event_batch& batch) {
    last = batch.events.front().header().event_id;
    return flow::more;
  }));
  run_threads(3, [&](int thread) {
    for (int i = 0; i < 50; ++i) {
      if (thread == 0) {
        EXPECT_TRUE(append(*store, "order-1", {"x"}));
      } else if (thread == 1) {
        EXPECT_TRUE(
            store->save_snapshot({.stream = "order-1", .version = {1}, .last_event = last}));
        EXPECT_TRUE(store->load_snapshot("order-1", 0).value().has_value());
      } else {
        EXPECT_TRUE(store->retain("order-1", {.max_count = static_cast<std::uint64_t>(5 + i)}));
        EXPECT_TRUE(store->list_streams({}));
      }
    }
  });
  store.reset();
  EXPECT_EQ(texts(*open(), "order-1").size(), 51U);
}

}  // namespace
}  // namespace annals::embedded
