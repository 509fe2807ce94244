// Uses what is left with every option off: a store in memory, events as bytes.
#include <cstdio>

#include "annals/open.h"

int main() {
  const auto store = annals::open("memory:").value();
  const std::string_view text = "42";
  const annals::new_event event{.type = "counted", .payload = std::as_bytes(std::span(text))};
  const annals::stream_write write{"counter-1", annals::expect::none(), {&event, 1}};
  store->append({.streams = {&write, 1}}).value();
  const auto print = [](const annals::event_batch& batch) {
    for (const auto& seen : batch.events)
      std::printf("%s %s\n", std::string(seen.type()).c_str(), std::string(seen.text()).c_str());
    return annals::flow::more;
  };
  store->read({.stream = "counter-1"}, print).value();
  std::printf("%s\n", annals::open("file:data").error().message().c_str());
}
