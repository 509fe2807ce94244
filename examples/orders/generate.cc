#include "orders/generate.h"

#include <array>

#include "orders/ids.h"
#include "orders/pipeline.h"

namespace orders {
namespace {

using annals::errc;
using annals::executed;
using annals::time_point;

constexpr time_point first_day =
    std::chrono::sys_days(std::chrono::year(2026) / std::chrono::January / 5);
constexpr auto between_orders = std::chrono::minutes(7);
constexpr auto between_steps = std::chrono::hours(5);
constexpr std::size_t orders_under_way = 1'024;

/// SplitMix64: the same numbers on every machine, which the standard's distributions do not
/// promise.
class dice {
 public:
  explicit dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t below(std::uint64_t bound) {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return (z ^ (z >> 31)) % bound;
  }

 private:
  std::uint64_t state_;
};

/// What happens to an order, one letter a command; upper case is refused by the domain. Between
/// them they meet every event and every rejection.
constexpr std::array<std::string_view, 16> stories{
    "cpsd",
    "cpsd",
    "cpsd",
    "cps",
    "cp",  // the usual
    "c",
    "cx",
    "cpx",  // left or cancelled
    "E",
    "B",
    "T",              // refused at once: no_items, bad_item, total_too_large
    "PSDX",           // before there is an order
    "cCASDpPYsZdWX",  // paid wrongly, and everything twice but otherwise
    "cpxVSD",         // after cancelling
    "cxXYp",
    "cccppssdd",  // the same request twice is no error
};

class story_teller {
 public:
  story_teller(annals::event_store& store, std::uint64_t seed)
      : orders_(store, "order"), seed_(seed), pipeline_(orders_under_way) {}

  annals::result<generate_report> tell(std::uint64_t orders) {
    for (std::uint64_t n = 0; n < orders; ++n) {
      if (failed()) break;
      tell_one(n);
    }
    pipeline_.drain();
    if (failure_) return std::unexpected(*failure_);
    return report_;
  }

 private:
  struct chapter {
    text number{};
    std::string_view story{};
    create request{};
    money total{};
    time_point time{};
  };

  void tell_one(std::uint64_t n) {
    dice roll(seed_ * 1'000'003 + n);
    chapter c{.number = "G" + std::to_string(seed_) + "-" + std::to_string(n),
              .story = stories[n < stories.size() ? n : roll.below(stories.size())],
              .time = first_day + between_orders * static_cast<std::int64_t>(n)};
    constexpr std::array<std::string_view, 5> countries{"Germany", "France", "Norway", "Japan",
                                                        "United Kingdom"};
    if (roll.below(10) != 0) c.request.customer = "G" + std::to_string(roll.below(200));
    c.request.country = countries[roll.below(countries.size())];
    c.request.currency = "GBP";
    for (auto items = 1 + roll.below(5); items > 0; --items) {
      const money price{static_cast<std::int64_t>(1 + roll.below(50'000))};
      const auto quantity = static_cast<std::int64_t>(1 + roll.below(12));
      c.request.items.push_back({"P" + std::to_string(roll.below(500)), quantity, price});
      c.total += price * quantity;
    }
    const auto id = order_id(c.number);
    pipeline_.submit(id, [this, id, c = std::move(c)](auto finished) mutable {
      next(id, std::move(c), 0, std::move(finished));
    });
  }

  void next(const uuid& id, chapter c, std::size_t step, std::move_only_function<void()> finished) {
    if (step == c.story.size()) return finished();
    const annals::execute_options options{
        .command_id = id_of("step:", c.number + ":" + std::to_string(step)),
        .timestamp = c.time + between_steps * static_cast<std::int64_t>(step)};
    const char letter = c.story[step];
    auto go_on = [this, id, c, step,
                  finished = std::move(finished)](annals::result<executed> done) mutable {
      if (!count(done)) return finished();
      next(id, std::move(c), step + 1, std::move(finished));
    };
    execute(id, c, letter, options, std::move(go_on));
  }

  void execute(const uuid& id, const chapter& c, char letter,
               const annals::execute_options& options, annals::completion<executed> done) {
    const auto run = [&](auto command) {
      orders_.execute(id, std::move(command), options, std::move(done));
    };
    auto other = c.request;
    const auto payment = payment_id(c.number);
    switch (letter) {
      case 'c': return run(c.request);
      case 'C': other.country = "elsewhere"; return run(other);              // already_created
      case 'E': return run(create{.country = "Norway", .currency = "GBP"});  // no_items
      case 'B': other.items.front().quantity = 0; return run(other);         // bad_item
      case 'T': other.items.front() = {"P0", 2, largest_total}; return run(other);
      case 'p':
      case 'P': return run(pay{payment, c.total});
      case 'A': return run(pay{payment, c.total + money{1}});  // wrong_amount
      case 'Y':
      case 'V': return run(pay{payment_id("other"), c.total});  // already_paid
      case 's':
      case 'S': return run(ship{"TRACK-" + c.number});
      case 'Z': return run(ship{"TRACK-other"});  // already_shipped
      case 'd':
      case 'D': return run(deliver{c.time + between_steps * 4});
      case 'W': return run(deliver{c.time});  // already_delivered
      case 'x': return run(cancel{"the customer changed their mind"});
      default: return run(cancel{"too late"});
    }
  }

  bool count(const annals::result<executed>& done) {
    const std::scoped_lock lock(mutex_);
    ++report_.commands;
    if (done) {
      report_.new_events += done->events;
      return true;
    }
    if (done.error().code() == errc::rejected) {
      ++report_.rejected[done.error().reason()];
      return true;
    }
    if (!failure_) failure_ = done.error();
    return false;
  }
  bool failed() {
    const std::scoped_lock lock(mutex_);
    return failure_.has_value();
  }

  order_category orders_;
  std::uint64_t seed_;
  std::mutex mutex_{};
  generate_report report_{};
  std::optional<annals::error> failure_{};
  pipeline pipeline_;
};

}  // namespace

annals::result<generate_report> generate(annals::event_store& store, std::uint64_t seed,
                                         std::uint64_t orders) {
  return story_teller(store, seed).tell(orders);
}

}  // namespace orders
