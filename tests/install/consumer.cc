// Uses Annals as another project would: tests its domain without a store, then stores and reads.
#include <cstdio>

#include "annals/category.h"
#include "annals/json.h"
#include "annals/open.h"
#include "annals/testing/given.h"

namespace meters {

struct read_off {
  std::int64_t kilowatt_hours = 0;
};
struct read_off_at {
  std::int64_t kilowatt_hours = 0;
};
struct meter {
  std::int64_t kilowatt_hours = 0;
};

using meter_events = annals::events<annals::stored<read_off, "meter_read_off">>;
using decision = annals::decision<meter_events>;

meter evolve(meter, const read_off& e) {
  return {e.kilowatt_hours};
}
decision decide(const meter& m, const read_off_at& c) {
  if (c.kilowatt_hours < m.kilowatt_hours) return annals::reject("runs_backwards");
  return read_off{c.kilowatt_hours};
}
BOOST_DESCRIBE_STRUCT(read_off, (), (kilowatt_hours))

void check_the_domain() {
  using given = annals::testing::given<meter, meter_events>;
  given{}.when(read_off_at{7}).then(read_off{7});
  given{read_off{7}}.when(read_off_at{6}).then_rejected("runs_backwards");
}

void use(annals::event_store& store) {
  annals::category<meter, meter_events> meters(store, "meter");
  const auto id = annals::uuid::parse("0197c2d0-7b1e-7a2b-8c3d-4e5f60718293").value();
  meters.execute(id, read_off_at{40}).value();
  meters.execute(id, read_off_at{42}).value();
  std::printf("refused: %s\n", meters.execute(id, read_off_at{41}).error().reason().c_str());
  std::printf("state: %ld\n", meters.load(id).value().state.kilowatt_hours);
  const auto print = [](const annals::event_batch& batch) {
    for (const auto& event : batch.events)
      std::printf("%s %s\n", std::string(event.type()).c_str(), std::string(event.text()).c_str());
    return annals::flow::more;
  };
  store.read({.stream = "meter-" + id.to_string()}, print).value();
}

}  // namespace meters

int main(int count, char** arguments) {
  meters::check_the_domain();
  const auto store = annals::open(count > 1 ? arguments[1] : "memory:").value();
  meters::use(*store);
}
