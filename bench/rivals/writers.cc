#include "writers.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "annals/env.h"

namespace bench::rivals {

void fail(std::string_view who, std::string_view doing, std::string_view why) {
  std::fflush(stdout);
  std::fprintf(stderr, "rivals_bench: %.*s, %.*s: %.*s\n", static_cast<int>(who.size()), who.data(),
               static_cast<int>(doing.size()), doing.data(), static_cast<int>(why.size()),
               why.data());
  std::_Exit(1);  // from any thread, while others go on
}

namespace {

std::size_t stored(std::span<const ticket> tickets) {
  return static_cast<std::size_t>(std::ranges::count(tickets, true, &ticket::stored));
}

std::vector<ticket> tickets_for(std::span<const stream_append> all) {
  std::vector<ticket> tickets;
  tickets.reserve(all.size());
  for (const auto& one : all) tickets.push_back({&one});
  return tickets;
}

}  // namespace

bool one_by_one::append(const stream_append& one) {
  ticket mine{&one};
  to_.commit({&mine, 1});
  return mine.stored;
}

std::size_t one_by_one::append_all(std::span<const stream_append> all) {
  std::size_t stored = 0;
  for (const auto& one : all) stored += append(one) ? 1 : 0;
  return stored;
}

bool group_commit::append(const stream_append& one) {
  ticket mine{&one};
  caller me{.tickets = {&mine, 1}};
  run(me);
  return mine.stored;
}

std::size_t group_commit::append_all(std::span<const stream_append> all) {
  auto tickets = tickets_for(all);
  caller me{.tickets = tickets};
  run(me);
  return stored(tickets);
}

void group_commit::run(caller& mine) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(&mine);
    if (!led_) {
      led_ = true;
      mine.turn = leads;
    }
  }
  while (mine.turn == waits) annals::posix_env().park(mine.turn, waits);
  if (mine.turn == leads) lead(mine);
}

void group_commit::lead(const caller& mine) {
  std::vector<caller*> group;
  {
    const std::lock_guard lock(mutex_);
    group.swap(queue_);
  }
  if (group.size() == 1) {
    to_.commit(group.front()->tickets);
  } else {
    std::vector<ticket> together;
    for (const auto* one : group)
      together.insert(together.end(), one->tickets.begin(), one->tickets.end());
    to_.commit(together);
    auto next = together.begin();
    for (auto* one : group)
      for (auto& its : one->tickets) its.stored = (next++)->stored;
  }
  const auto tell = [](caller& one, turn what) {
    auto& word = one.turn;  // its caller may return as soon as it is stored; a wake-up is harmless
    word = what;
    annals::posix_env().wake_one(word);
  };
  // The next group commits while the callers of this one wake up.
  caller* next = nullptr;
  {
    const std::lock_guard lock(mutex_);
    led_ = !queue_.empty();
    if (led_) next = queue_.front();
  }
  if (next != nullptr) tell(*next, leads);
  for (auto* one : group)
    if (one != &mine) tell(*one, done);
}

}  // namespace bench::rivals
