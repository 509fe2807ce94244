#include <atomic>
#include <cstdio>
#include <latch>

#include "annals/await.h"
#include "annals/category.h"
#include "annals/json.h"
#include "annals/open.h"

struct booked {
  std::int64_t guest = 0;
};
struct book {
  std::int64_t guest = 0;
};
struct workshop {
  std::int64_t taken = 0;
};

using workshop_events = annals::events<annals::stored<booked, "workshop_booked">>;
using decision = annals::decision<workshop_events>;
using workshops = annals::category<workshop, workshop_events>;

constexpr std::int64_t seats = 20;
constexpr std::int64_t guests = 100;

workshop evolve(workshop w, const booked&) {
  return {w.taken + 1};
}
decision decide(const workshop& w, const book& c) {
  if (w.taken == seats) return annals::reject("sold_out");
  return booked{c.guest};
}
BOOST_DESCRIBE_STRUCT(booked, (), (guest))

// One guest: loads, decides, appends, and does so again when another guest was faster.
annals::task<annals::result<annals::executed>> reserve(workshops in, annals::uuid id,
                                                       std::int64_t guest) {
  const annals::execute_options patient{.attempts = 1'000, .budget = std::chrono::minutes(1)};
  co_return co_await annals::execute(in, id, book{guest}, patient);
}

// Follows the store until it has seen so many events.
annals::task<annals::result<void>> see(annals::event_store& store, std::uint64_t wanted) {
  annals::read_request request;
  for (std::uint64_t seen = 0;;) {
    const auto end = co_await annals::read(store, request, [&](const annals::event_batch& batch) {
      seen += batch.events.size();
      return annals::flow::more;
    });
    if (!end) co_return std::unexpected(end.error());
    if (seen >= wanted) co_return {};
    request.after = end->scanned_to;
    const auto more = co_await annals::notify_past(store, request.after);
    if (!more) co_return std::unexpected(more.error());
  }
}

int main(int argc, char** argv) {
  auto store = annals::open(argc > 1 ? argv[1] : "memory:").value();
  const workshops in(*store, "workshop");
  const auto id = annals::uuid::parse("0197c2d0-7b1e-7a2b-8c3d-4e5f60718293").value();

  std::atomic<int> sold_out{0};
  std::latch all(guests);
  for (std::int64_t guest = 1; guest <= guests; ++guest)
    annals::start_detached(reserve(in, id, guest), [&](annals::result<annals::executed> done) {
      if (!done && done.error().reason() == "sold_out") ++sold_out;
      all.count_down();
    });
  annals::sync_wait(see(*store, seats), store->environment()).value();
  all.wait();

  const auto now = annals::sync_wait(annals::load(in, id), store->environment()).value();
  std::printf("seats taken: %ld, guests sent away: %d\n", now.state.taken, sold_out.load());
}
