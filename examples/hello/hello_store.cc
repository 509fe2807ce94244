#include <cstdio>
#include <string>

#include "annals/open.h"

annals::new_event note(std::string_view type, std::string_view payload,
                       std::span<const std::string_view> tags = {}) {
  return {.type = type, .payload = std::as_bytes(std::span(payload)), .tags = tags};
}

// An address may be taken once, whatever the stream: nobody else has an event with its tag.
annals::result<annals::appended> take_address(annals::event_store& store, std::string_view user,
                                              const std::string& address) {
  const std::string tag = "address:" + address;
  const std::string_view tags[] = {tag};
  const std::string payload = R"({"address":")" + address + R"("})";
  const auto event = note("address_taken", payload, tags);
  const annals::stream_write write{
      .name = user, .expected = annals::expect::any(), .events = std::span(&event, 1)};

  const annals::query_item taken{.tags = tags};
  const annals::append_condition unless{.matching = {.items = std::span(&taken, 1)}};
  return store.append({.streams = std::span(&write, 1), .unless = std::span(&unless, 1)});
}

// Reads what came since the last time, and remembers how far that was.
std::uint64_t read_news(annals::event_store& store, annals::checkpoint& seen) {
  const auto end = store.read({.after = seen}, [](const annals::event_batch& batch) {
    for (const auto& event : batch.events)
      std::printf("%s %s\n", event.position().to_string().c_str(),
                  std::string(event.type()).c_str());
    return annals::flow::more;
  });
  seen = end.value().scanned_to;
  return end->delivered;
}

int main(int argc, char** argv) {
  auto store = annals::open(argc > 1 ? argv[1] : "memory:").value();
  take_address(*store, "user-ann", "a@example.org").value();
  const auto refused = take_address(*store, "user-bob", "a@example.org");
  std::printf("bob: %s\n", refused.error().to_string().c_str());

  annals::checkpoint seen;
  std::printf("new: %lu\n", read_news(*store, seen));

  const auto opened = note("account_opened", "{}");
  const annals::stream_write write{
      .name = "account-1", .expected = annals::expect::none(), .events = std::span(&opened, 1)};
  const annals::append_request open{
      .streams = std::span(&write, 1),
      .context = {.command_id =
                      annals::uuid::parse("0197c2d0-7b1e-7a2b-8c3d-4e5f60718293").value()}};
  const auto first = store->append(open).value();
  const auto again = store->append(open).value();  // as after in_doubt: the same command id
  std::printf("again: %d, version %lu\n", again.already_applied, again.stream_version.number);
  std::printf("the first said the same: %d\n", first.stream_version == again.stream_version);
  std::printf("new: %lu\n", read_news(*store, seen));
}
