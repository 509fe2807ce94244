#include "entrant.h"

#include <algorithm>

#include "annals/stream.h"

namespace bench::rivals {
namespace {

constexpr std::size_t payload_bytes = 256;
constexpr std::uint64_t sampled = 101;  // one event of so many is looked at field by field
const annals::time_point first_time{std::chrono::microseconds(1'290'000'000'000'000)};

std::uint64_t mixed(std::uint64_t seed) {  // splitmix64
  seed += 0x9e3779b97f4a7c15U;
  seed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9U;
  seed = (seed ^ (seed >> 27)) * 0x94d049bb133111ebU;
  return seed ^ (seed >> 31);
}

enum class kind : std::uint64_t { stream = 1, event, correlation, causation };

annals::uuid id_of(kind what, std::uint64_t number) {
  annals::uuid made;
  const std::uint64_t halves[2] = {mixed(number * 8 + static_cast<std::uint64_t>(what)),
                                   mixed(~number * 8 + static_cast<std::uint64_t>(what))};
  std::memcpy(made.bytes.data(), halves, sizeof halves);
  return annals::make_uuid_v4(made.bytes);
}

std::span<const std::byte> payload_of(std::uint64_t event) {
  static const auto pool = [] {
    std::vector<std::uint64_t> words(8'192);
    for (std::size_t i = 0; i < words.size(); ++i) words[i] = mixed(i);
    return words;
  }();
  constexpr std::size_t words = payload_bytes / sizeof(std::uint64_t);
  return std::as_bytes(std::span(pool).subspan(event % (pool.size() - words), words));
}

}  // namespace

annals::new_event entrant::event_of(std::uint64_t number) const {
  const bool typed = !json_.empty();
  return {.type = "order_paid",
          .codec = typed ? annals::codec::json : annals::codec::binary,
          .payload = typed ? std::as_bytes(std::span(json_)) : payload_of(number),
          .event_id = id_of(kind::event, number),
          .timestamp = first_time + std::chrono::microseconds(number)};
}

entrant::entrant(std::string name, opener open, std::string json)
    : name_(std::move(name)), open_(std::move(open)), json_(std::move(json)), held_(open_()) {
  for (std::size_t i = 0; i <= order_count; ++i) {
    const auto id = id_of(kind::stream, i);
    streams_.push_back({annals::stream_name_of("order", id), id});
  }
}

void entrant::add_way(std::string name, std::unique_ptr<writer> front, bool one_by_one) {
  ways_.push_back({std::move(name), front.get(), one_by_one});
  fronts_.push_back(std::move(front));
}

void entrant::add(batch& to, std::size_t index, std::size_t count) {
  auto& stream = streams_[index];
  auto& events = to.events.emplace_back();
  to.appends.push_back({&stream, stream.version, id_of(kind::correlation, appends_),
                        id_of(kind::causation, appends_)});
  for (std::size_t i = 0; i < count; ++i) {
    const auto number = given_.events;
    events.push_back(event_of(number));
    given_.add(++stream.version, events.back().type, events.back().payload);
    if (number % sampled == 0) samples_.push_back({index, stream.version, number, appends_});
  }
  to.appends.back().events = events;
  ++appends_;
}

void entrant::check_conflicts(const way& by) {
  batch first;
  add(first, 0, 2);
  if (!by.through->append(first.appends.front())) differs("an append in time was refused");
  auto late = first.appends.front();
  if (by.through->append(late)) differs("a late append was stored");
  late.expected += 1;  // its first event exists, its second would not
  if (by.through->append(late)) differs("a late append was stored");
  batch some;
  add(some, 1, 1);
  add(some, 2, 3);
  some.appends.insert(some.appends.begin() + 1, late);
  some.appends.push_back(some.appends.front());  // late too, behind the one that it comes after
  if (by.through->append_all(some.appends) != 2) differs("not two of four appends were stored");
}

void entrant::check_sample(const sample& one, std::vector<stored_event>& found) {
  const auto given = event_of(one.event);
  auto held = held_->find(streams_[one.stream], one.version);
  if (!held) differs("an event is missing");
  if (held->event_id != given.event_id || held->aggregate_id != streams_[one.stream].id ||
      held->version != one.version || held->timestamp != given.timestamp ||
      held->type != given.type || held->causation_id != id_of(kind::causation, one.append) ||
      held->correlation_id != id_of(kind::correlation, one.append) ||
      !std::ranges::equal(held->payload, given.payload))
    differs("an event is not as it was given");
  found.push_back(std::move(*held));
}

void entrant::reopen(const std::function<void()>& meanwhile) {
  ways_.clear();
  fronts_.clear();
  held_.reset();
  meanwhile();
  held_ = open_();
}

void entrant::check() {
  for (const auto& by : ways_) check_conflicts(by);
  reopen([] {});
  if (!held_->replay(nullptr).same_events(given_)) differs("a replay does not find what was given");
  totals by_stream;
  for (const auto& one : streams_) {
    const auto found = held_->load(one, nullptr);
    if (found.events != one.version || found.versions != one.version * (one.version + 1) / 2)
      differs("a stream does not have the versions that it was given");
    by_stream.payloads += found.payloads;
  }
  if (by_stream.payloads != given_.payloads) differs("the streams do not hold what was given");
  std::vector<stored_event> found;
  for (const auto& one : samples_) check_sample(one, found);
  std::ranges::sort(found, {}, &stored_event::position);
  const auto late = std::ranges::adjacent_find(found, [](const auto& a, const auto& b) {
    return a.position == b.position || a.recorded >= b.recorded;
  });
  if (late != found.end()) differs("clock readings do not grow with positions");
}

}  // namespace bench::rivals
